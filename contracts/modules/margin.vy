# pragma version 0.4.3
"""
@title  Margin
@license MIT
@notice What the operations of the venue ask of an account (contracts/SPEC.md §3.4). Accounts are valued in one place, the
        ClearingHouse, which the code that runs on its storage asks; and checked in one place, there, when an operation
        has done all else.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import perp_math

uses: ledger


WAD: constant(uint256) = fixed_point.WAD


struct Valuation:
    state: IClearingHouse.AccountState
    gross: uint256     # G, USD WAD
    floored: uint256   # phi' G, USD WAD: G unless the margin is portfolio margin
    notional: uint256  # sum |s| I, USD WAD
    risk: uint256      # R, USD WAD; 0 unless the margin is portfolio margin
    v: int256[8]       # W^T n, USD WAD; likewise
    usdc_price: uint256


interface House:
    def valuation(account: uint256, fresh: bool, risk: bool) -> Valuation: view


@view
@internal
def _valuation(account: uint256, fresh: bool) -> Valuation:
    """
    @notice What the account is worth and has to hold, at fresh prices or at the last ones; refused where USDC has none
            at all, or every debt would be worth nothing.
    """
    valuation: Valuation = staticcall House(self).valuation(account, fresh, True)
    errors.check(valuation.usdc_price != 0, "oracle: stale")
    return valuation


@view
@internal
def _last_valuation(account: uint256) -> Valuation:
    """
    @notice What the account is worth at the last prices: asked of 64 accounts, for whom R would be half the cost.
    """
    return staticcall House(self).valuation(account, False, False)


@view
@internal
def _last_equity(account: uint256) -> int256:
    """
    @notice E at the last prices, USD WAD.
    """
    return self._last_valuation(account).state.equity


@view
@internal
def _initial(maintenance: uint256) -> int256:
    """
    @notice mu M, rounded up.
    """
    return convert(
        fixed_point.mul_div_up(maintenance, ledger.parameters.initial_multiple, WAD), int256
    )


@view
@internal
def _usdc_unit_equity(balance: int256, usdc_price: uint256) -> uint256:
    """
    @notice u: what one more USDC adds to the equity of an account with this balance, USD WAD.
    """
    if balance < 0:
        return usdc_price
    return perp_math.usdc_unit_equity(usdc_price, ledger.collateral[ledger.USDC].haircut)


@internal
def _require_initial_margin(account: uint256):
    """
    @notice Have the operation fail in the end unless the account then has its initial margin.
    """
    assert ledger.unchecked == empty(uint256) or ledger.unchecked == account
    ledger.unchecked = account


@internal
def _require_release(account: uint256):
    """
    @notice Likewise where collateral leaves the account; from behind positions none does while the gate is shut.
    """
    errors.check(
        block.timestamp >= ledger.gate_until or len(ledger._open_markets(account)) == 0,
        "clearing: withdrawals gated",
    )
    self._require_initial_margin(account)
