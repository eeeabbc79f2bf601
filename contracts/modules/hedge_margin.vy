# pragma version 0.4.3
"""
@title  Hedge margin
@license MIT
@notice Margin of the vault's accounts: in, out, in kind, how much is meant for each and how much one lacks
        (contracts/SPEC.md §4.5, §4.7).
@dev    E equity and M maintenance requirement of an account, USD WAD.
"""

from contracts.interfaces import IAaveHedge
from contracts.interfaces import IHedgeVault
from contracts.interfaces import IHedgeVenue

from . import fixed_point
from . import hedge_leg
from . import pool_leg
from . import vault_parameters

uses: hedge_leg
uses: pool_leg
uses: vault_parameters


WAD: constant(uint256) = 10**18
WAD_PER_RAW: constant(uint256) = 10**12  # of USDC
MAX_HEDGES: constant(uint256) = 8

_kept: transient(uint256)  # raw USDC, what the keeper call of this transaction leaves idle


@internal
@view
def _free() -> uint256:
    # Raw idle USDC beyond `_kept`.
    return pool_leg.idle_usdc - min(pool_leg.idle_usdc, self._kept)


@internal
def _add_margin(account: hedge_leg.MarginAccount, wanted: uint256) -> uint256:
    """
    @notice Move raw idle USDC into an account, as far as there is more than `_kept`; returns how much. What Aave
            refuses stays idle.
    """
    raw: uint256 = min(wanted, self._free())
    if raw == 0:
        return 0
    pool_leg.idle_usdc -= raw
    done: bool = False
    answer: Bytes[132] = b""
    done, answer = hedge_leg._attempt(
        account.venue,
        abi_encode(
            self,
            account.sub,
            empty(uint256),
            raw,
            method_id=method_id("deposit(address,uint256,uint256,uint256)"),
        ),
    )
    if not done:
        pool_leg.idle_usdc += raw
        self._say_refused(account, raw, answer)
        return 0
    log IHedgeVault.MarginAdded(venue=account.venue.address, sub=account.sub, raw=raw)
    return raw


@internal
@view
def _withdrawable(account: hedge_leg.MarginAccount) -> uint256:
    return staticcall account.venue.withdrawable(
        hedge_leg._number(account), vault_parameters.values.margin_target
    )


@internal
def _take_margin(account: hedge_leg.MarginAccount, wanted: uint256):
    """
    @notice Move raw USDC out of an account into idle, as far as the margin target allows and Aave gives it.
    """
    raw: uint256 = min(wanted, self._withdrawable(account))
    if raw == 0:
        return
    pool_leg.idle_usdc += raw
    done: bool = False
    answer: Bytes[132] = b""
    done, answer = hedge_leg._attempt(
        account.venue,
        abi_encode(
            account.sub,
            empty(uint256),
            raw,
            self,
            method_id=method_id("withdraw(uint256,uint256,uint256,address)"),
        ),
    )
    if done:
        log IHedgeVault.MarginTaken(venue=account.venue.address, sub=account.sub, raw=raw)
    else:
        pool_leg.idle_usdc -= raw
        self._say_refused(account, raw, answer)


@internal
def _say_refused(account: hedge_leg.MarginAccount, raw: uint256, reason: Bytes[132]):
    log IHedgeVault.MarginRefused(
        venue=account.venue.address, sub=account.sub, raw=raw, reason=reason
    )


@internal
def _take_spare_margin(assets: uint256):
    """
    @notice Take margin until idle USDC covers `assets`, raw.
    """
    for account: hedge_leg.MarginAccount in hedge_leg._accounts:
        if pool_leg.idle_usdc >= assets:
            return
        self._take_margin(account, assets - pool_leg.idle_usdc)


@internal
@view
def _spare_margin() -> uint256:
    """
    @notice Raw USDC that the accounts can give without unwinding.
    """
    spare: uint256 = 0
    for account: hedge_leg.MarginAccount in hedge_leg._accounts:
        spare += self._withdrawable(account)
    return spare


@internal
def _send_part(fraction: uint256, position_pledged: bool, payer: address, receiver: address):
    """
    @notice Hand over `fraction` (WAD) of every account that holds anything. No price is read.
    """
    for i: uint256 in range(len(hedge_leg._accounts), bound=MAX_HEDGES):
        account: hedge_leg.MarginAccount = hedge_leg._accounts[i]
        if not hedge_leg._is_perp(account.venue):
            extcall IAaveHedge(account.venue.address).exit_slice(fraction, payer, receiver)
        elif position_pledged or self._holds(i):
            extcall pool_leg.CLEARING.transfer_slice(account.sub, fraction, receiver)


@internal
@view
def _holds(account: uint256) -> bool:
    """
    @notice Whether an account holds a position, or cash of a raw unit of USDC. A wei that rounding left must not send
            the leaver for consent, or away from an account in use.
    """
    for leg: hedge_leg.Leg in hedge_leg._legs:
        if leg.account == account and hedge_leg._size(leg) != 0:
            return True
    at: hedge_leg.MarginAccount = hedge_leg._accounts[account]
    cash: int256 = staticcall at.venue.cash(hedge_leg._number(at))
    return fixed_point.magnitude(cash) >= WAD_PER_RAW


@internal
@view
def _can_reduce(account: uint256, all_of_it: bool) -> bool:
    """
    @notice Whether no pause at Aave keeps an account's positions open and its margin inside: of every market, or
            of some position that is open.
    """
    venue: IHedgeVenue = hedge_leg._accounts[account].venue
    if hedge_leg._is_perp(venue):
        return True
    for leg: hedge_leg.Leg in hedge_leg._legs:
        if leg.account != account:
            continue
        can: bool = staticcall IAaveHedge(venue.address).can_reduce(leg.market)
        if all_of_it and not can:
            return False
        if not all_of_it and can and hedge_leg._size(leg) != 0:
            return True
    return all_of_it


@internal
@view
def _allocation(account: uint256, total: uint256) -> uint256:
    """
    @notice Part of the margin `total` meant for an account: by the |beta| of its hedges.
    """
    if len(hedge_leg._accounts) == 1:
        return total
    betas: uint256 = 0
    own: uint256 = 0
    hedge: uint256 = 0
    for leg: hedge_leg.Leg in hedge_leg._legs:
        beta: uint256 = fixed_point.magnitude(hedge_leg.beta[hedge])
        hedge += 1
        betas += beta
        if leg.account == account:
            own += beta
    if betas == 0:
        return total // len(hedge_leg._accounts)
    return fixed_point.mul_div_down(total, own, betas)


@internal
@view
def _required(account: IHedgeVenue.AccountState) -> uint256:
    return fixed_point.mul_div_up(
        vault_parameters.values.margin_target, account.maintenance, WAD
    )


@internal
@view
def _shortfall(account: IHedgeVenue.AccountState) -> uint256:
    """
    @notice max(margin_target M - E, 0), USD WAD.
    """
    return convert(max(convert(self._required(account), int256) - account.equity, 0), uint256)


@internal
@view
def _shortfall_usdc(
    venue: IHedgeVenue, account: IHedgeVenue.AccountState, price_usdc: uint256
) -> uint256:
    """
    @notice USDC, WAD, that would make up the shortfall: each adds u = P_u (1 - h_0), or P_u to a debt.
    """
    unit: uint256 = price_usdc
    if account.balance >= 0 and hedge_leg._is_perp(venue):
        haircut: uint256 = (staticcall pool_leg.CLEARING.collateral(0)).haircut
        unit = fixed_point.mul_div_down(price_usdc, WAD - haircut, WAD)
    return fixed_point.mul_div_up(self._shortfall(account), WAD, unit)


@internal
@pure
def _below(account: IHedgeVenue.AccountState, ratio: uint256) -> bool:
    """
    @notice E < ratio M.
    """
    return account.equity * convert(WAD, int256) < convert(ratio * account.maintenance, int256)
