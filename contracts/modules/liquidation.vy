# pragma version 0.4.3
"""
@title  Liquidation
@license MIT
@notice When an account may be liquidated, how much of it, and what it must keep: what the LiquidationEngine and the
        CollateralSale share (contracts/SPEC.md §3.5).
"""

from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import margin
from contracts.modules import portfolio_math

uses: ledger
uses: margin


ROW_TO_WAD: constant(int256) = 10**10  # entries of the covariance factor are scaled 10**8


@view
@internal
def _unhealthy_valuation(account: uint256) -> margin.Valuation:
    """
    @notice Valuation of an account that may be liquidated. USDC has a price of now; what else the account holds counts at
            its last one: a feed that stopped must not stand between a failing account and its liquidation.
    @dev What is sold or closed is priced afresh by the caller.
    """
    ledger._price(ledger.USDC_TOKEN, True)
    markets: DynArray[uint256, ledger.MAX_MARKETS] = ledger._open_markets(account)
    for market: uint256 in markets:
        # A source that answers nothing is no loss of all that a long is worth, nor a short's gain.
        errors.check(ledger._index(market, False) != 0, "oracle: stale")
    valuation: margin.Valuation = margin._valuation(account, False)
    self._check_liquidatable(
        valuation.state.equity < convert(valuation.state.maintenance, int256)
    )
    return valuation


@pure
@internal
def _check_liquidatable(ok: bool):
    errors.check(ok, "clearing: not liquidatable")


@pure
@internal
def _check_reduces(ok: bool):
    errors.check(ok, "clearing: not reducing risk")


@view
@internal
def _reduction(
    before: margin.Valuation,
    z: int256[8],
    cost: int256,
    lost: int256,
    most: uint256,
    worth: uint256,
) -> uint256:
    """
    @notice USD to reduce along z: `worth`, or more where the risk rule needs it, as far as portfolio risk does not
            lower the margin ratio on the way.
    @param cost What a USD reduced may take of equity, penalty included.
    @param lost What it takes for certain.
    """
    if before.risk == 0:
        return worth
    multiple: uint256 = convert(margin._initial(ledger.parameters.risk_multiple), uint256)
    # Up to here kappa R' / E' <= M / E.
    weight: uint256 = fixed_point.mul_div_up(
        ledger.parameters.risk_multiple,
        convert(before.state.equity, uint256),
        before.state.maintenance,
    )
    return min(
        max(
            worth,
            portfolio_math.least_reduction(
                before.state.equity, before.v, z, cost, multiple, most
            ),
        ),
        portfolio_math.greatest_reduction(before.state.equity, before.v, z, lost, weight, most),
    )


@view
@internal
def _direction(asset: address, amount: int256, usdc: int256) -> int256[8]:
    """
    @notice W^T of two exposures: entries times amounts.
    """
    return portfolio_math.add_exposure(
        portfolio_math.add_exposure(empty(int256[8]), ledger._row(asset), amount),
        ledger._row(ledger.USDC_TOKEN),
        usdc,
    )


@view
@internal
def _room(before: margin.Valuation, after: margin.Valuation, spent: bool) -> uint256:
    """
    @notice USD of equity above what leaves the margin ratio as it was; refused where portfolio risk has lowered that.
    @param spent Whether the account had no more to lose.
    """
    room: int256 = after.state.equity
    if before.state.equity > 0:
        kept: uint256 = fixed_point.mul_div_up(
            convert(before.state.equity, uint256), after.state.maintenance, before.state.maintenance
        )
        room -= convert(kept, int256)
    self._check_reduces(room >= 0 or spent or after.state.maintenance == after.floored)
    return convert(max(room, 0), uint256)
