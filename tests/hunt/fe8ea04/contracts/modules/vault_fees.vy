# pragma version 0.4.3
"""
@title  Vault fees
@license MIT
@notice Management and performance fee, taken by issuing shares to the fee receiver (contracts/SPEC.md §4.3).
@dev    The high-water mark is raw assets per share unit, scaled 10**30, virtual shares and assets counted.
"""

from contracts.interfaces import IHedgeVault

from . import fixed_point
from . import share_token
from . import vault_parameters

uses: share_token
uses: vault_parameters


WAD: constant(uint256) = 10**18
YEAR: constant(uint256) = 365 * 86_400
MARK_UNIT: constant(uint256) = 10**30
FIRST_MARK: constant(uint256) = 10**18  # one virtual asset per 10**12 virtual shares

fee_receiver: public(address)
high_water_mark: public(uint256)
fees_accrued_at: public(uint256)


struct Due:
    management: uint256   # shares
    performance: uint256  # shares
    mark: uint256         # high-water mark after


@internal
def _start():
    self.high_water_mark = FIRST_MARK
    self.fees_accrued_at = block.timestamp


@internal
@view
def _management() -> uint256:
    """
    @notice Shares due for the time since the last accrual: the receiver then holds that fraction of all.
    """
    if self.fee_receiver == empty(address):
        return 0
    elapsed: uint256 = block.timestamp - self.fees_accrued_at
    part: uint256 = min(vault_parameters.values.management_fee * elapsed // YEAR, WAD // 2)
    return fixed_point.mul_div_down(share_token.totalSupply, part, WAD - part)


@internal
@view
def _due(total: uint256) -> Due:
    """
    @param total Assets of the vault, raw.
    """
    supply: uint256 = share_token.totalSupply
    if supply == 0:
        return Due(management=0, performance=0, mark=max(FIRST_MARK, self._price(total, 0)))
    due: Due = Due(management=self._management(), performance=0, mark=self.high_water_mark)
    supply += due.management
    price: uint256 = self._price(total, supply)
    if price > due.mark and self.fee_receiver != empty(address):
        fee: uint256 = fixed_point.mul_div_down(
            vault_parameters.values.performance_fee * (price - due.mark), supply, MARK_UNIT * WAD
        )
        due.performance = share_token.shares_down(fee, supply, total - fee)
    due.mark = max(due.mark, self._price(total, supply + due.performance))
    return due


@internal
@pure
def _price(total: uint256, supply: uint256) -> uint256:
    return share_token.assets_down(MARK_UNIT, supply, total)


@internal
@view
def _supply_due(total: uint256) -> uint256:
    """
    @notice Shares there would be after an accrual.
    """
    due: Due = self._due(total)
    return share_token.totalSupply + due.management + due.performance


@internal
def _accrue(total: uint256):
    due: Due = self._due(total)
    self.high_water_mark = due.mark
    self._take(due)


@internal
def _accrue_management():
    """
    @notice The part that needs no price.
    """
    self._take(Due(management=self._management(), performance=0, mark=self.high_water_mark))


@internal
def _take(due: Due):
    self.fees_accrued_at = block.timestamp
    shares: uint256 = due.management + due.performance
    if shares != 0:
        share_token._issue(self.fee_receiver, shares)
        log IHedgeVault.FeesAccrued(
            management_shares=due.management,
            performance_shares=due.performance,
            high_water_mark=due.mark,
        )


@internal
def _set_receiver(fee_receiver: address):
    self.fee_receiver = fee_receiver
    log IHedgeVault.FeeReceiverSet(fee_receiver=fee_receiver)
