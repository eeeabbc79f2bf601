# pragma version 0.4.3
"""
@title  Share pricing
@license MIT
@notice What EIP-4626 promises for an amount, fees of entry and exit included, and the largest amounts that will
        not be refused (contracts/SPEC.md §4.3, §4.7).
"""

from . import fixed_point
from . import share_token
from . import vault_fees
from . import vault_parameters

uses: share_token
uses: vault_fees
uses: vault_parameters


WAD: constant(uint256) = 10**18
WHOLE_SHARE: constant(uint256) = 10**18


struct Terms:  # what a share is worth
    supply: uint256  # with the fees due
    total: uint256   # raw assets


@internal
@view
def _terms(total: uint256) -> Terms:
    return Terms(supply=vault_fees._supply_due(total), total=total)


@internal
def _accrued(total: uint256) -> Terms:
    """
    @notice Issue the shares of the fees due; what a share is worth then.
    """
    vault_fees._accrue(total)
    return Terms(supply=share_token.totalSupply, total=total)


@internal
@view
def _room(terms: Terms) -> uint256:
    """
    @return Raw assets that may come in: none where a whole share is worth less than a raw unit. Whoever has lost
            so much would be diluted without number, and the supply would grow by powers.
    """
    if share_token.assets_down(WHOLE_SHARE, terms.supply, terms.total) == 0:
        return 0
    cap: uint256 = vault_parameters.values.deposit_cap
    return cap - min(cap, terms.total)


@internal
@view
def _preview_deposit(assets: uint256, terms: Terms) -> uint256:
    net: uint256 = fixed_point.mul_div_down(assets, WAD - vault_parameters.values.entry_fee, WAD)
    return share_token.shares_down(net, terms.supply, terms.total)


@internal
@view
def _preview_mint(shares: uint256, terms: Terms) -> uint256:
    net: uint256 = share_token.assets_up(shares, terms.supply, terms.total)
    return fixed_point.mul_div_up(net, WAD, WAD - vault_parameters.values.entry_fee)


@internal
@view
def _preview_withdraw(assets: uint256, terms: Terms) -> uint256:
    gross: uint256 = fixed_point.mul_div_up(assets, WAD, WAD - vault_parameters.values.exit_fee)
    return share_token.shares_up(gross, terms.supply, terms.total)


@internal
@view
def _preview_redeem(shares: uint256, terms: Terms) -> uint256:
    gross: uint256 = share_token.assets_down(shares, terms.supply, terms.total)
    return fixed_point.mul_div_down(gross, WAD - vault_parameters.values.exit_fee, WAD)


@internal
@view
def _largest_entry(total: uint256) -> (uint256, uint256):
    """
    @return (raw assets, the shares they buy); zero where the room buys no share.
    """
    terms: Terms = self._terms(total)
    room: uint256 = self._room(terms)
    shares: uint256 = self._preview_deposit(room, terms)
    return 0 if shares == 0 else room, shares


@internal
@view
def _largest_exit(
    held: uint256, queued: uint256, total: uint256, liquid_: uint256
) -> (uint256, uint256):
    """
    @return (raw assets, shares) of what is `held` as far as `liquid_` raw assets go beyond what `queued` shares
            are owed; zero where that is nothing.
    """
    terms: Terms = self._terms(total)
    owed: uint256 = self._preview_redeem(queued, terms)
    liquid: uint256 = liquid_ - min(owed, liquid_)
    shares: uint256 = held
    assets: uint256 = self._preview_redeem(shares, terms)
    if assets > liquid:
        gross: uint256 = fixed_point.mul_div_down(
            liquid, WAD, WAD - vault_parameters.values.exit_fee
        )
        shares = share_token.shares_down(gross, terms.supply, total)
        assets = self._preview_redeem(shares, terms)
    return assets, 0 if assets == 0 else shares
