# pragma version 0.4.3
"""
@title  Maker
@license MIT
@notice What stands behind a market (contracts/SPEC.md §3.6): the value of its maker account at the index, how much of it
        new risk needs, and who bears what it lacks.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import perp_math

uses: ledger


WAD: constant(uint256) = fixed_point.WAD


@view
@internal
def _value(market: uint256, state: IClearingHouse.MarketState, index: uint256) -> int256:
    """
    @notice USDC WAD the maker would hold were every position closed at `index`, rounded down.
    @param state Accrued up to now.
    """
    long: int256 = convert(ledger.long_interest[market], int256)
    return (
        ledger.maker_cash[market]
        + ledger.basis[market]
        - fixed_point.mul_div_floor(state.skew, index, WAD)
        + perp_math.funding_owed(state.skew, state.funding_index)
        + fixed_point.mul_div_floor(long, ledger.loss_long[market], WAD)
        + fixed_point.mul_div_floor(long - state.skew, ledger.loss_short[market], WAD)
    )


@view
@internal
def _check_reserve(market: uint256, index: uint256):
    """
    @notice That the maker can pay for a move of the index by the maintenance rate, were only one side left: the
            other may be liquidated on the way. The market is accrued.
    """
    reserve: uint256 = fixed_point.mul_div_up(
        perp_math.notional(self._larger_side(market), index),
        ledger.market[market].maintenance_rate,
        WAD,
    )
    errors.check(
        self._value(market, ledger.state[market], index) >= convert(reserve, int256),
        "clearing: maker reserve",
    )


@view
@internal
def _missing(market: uint256, state: IClearingHouse.MarketState, index: uint256) -> uint256:
    """
    @notice USDC WAD that the maker lacks for what the side that wins against it would get at `index`.
    """
    if state.skew == 0:
        return 0
    return convert(max(-self._value(market, state, index), 0), uint256)


@view
@internal
def _unpaid(
    market: uint256, long: bool, state: IClearingHouse.MarketState, index: uint256
) -> uint256:
    """
    @notice What `_cover` would now add to the socialised loss per unit of size of a side. Nothing in a settled market, whose
            gains bear what is missing, whichever side they are on.
    """
    missing: uint256 = 0
    if (
        state.skew != 0
        and (state.skew > 0) == long
        and ledger._settlement_price(market) == 0
    ):
        missing = self._missing(market, state, index)
    if missing == 0:
        return 0
    return fixed_point.mul_div_up(missing, WAD, self._side(market, long))


@view
@internal
def _unsettled(
    market: uint256,
    position: IClearingHouse.Position,
    state: IClearingHouse.MarketState,
    index: uint256,
) -> int256:
    """
    @notice USDC WAD that the maker would pay for a position were it closed at `index`: its PnL less what it owes, rounded
            down.
    @param state Accrued up to now.
    """
    profit: int256 = (
        fixed_point.mul_div_floor(position.size, index, WAD)
        - position.cost
        - ledger._owed(
            market,
            position,
            state.funding_index,
            self._unpaid(market, position.size > 0, state, index),
        )
    )
    if profit > 0 and ledger._settlement_price(market) != 0 and not ledger._is_closed(market):
        # As the books will be closed with the debts that are known: gains bear them, no side and nobody who lost.
        gains: uint256 = ledger.gains[market]
        profit -= convert(
            fixed_point.mul_div_up(
                convert(profit, uint256), min(ledger.shortfall[market], gains), max(gains, 1)
            ),
            int256,
        )
    return profit


@internal
def _cover(market: uint256, index: uint256):
    """
    @notice Before the maker pays anything: what it lacks is borne at once by the side that wins against it, so that
            its own money and theirs is all that it can lose. The market is accrued.
    """
    missing: uint256 = self._missing(market, ledger.state[market], index)
    if missing != 0:
        self._socialise(market, ledger.state[market].skew > 0, missing)


@view
@internal
def _side(market: uint256, long: bool) -> uint256:
    """
    @notice Open size of the longs or of the shorts.
    """
    size: uint256 = ledger.long_interest[market]
    if not long:
        size = convert(convert(size, int256) - ledger.state[market].skew, uint256)
    return size


@view
@internal
def _larger_side(market: uint256) -> uint256:
    """
    @notice Open size of the side that holds more.
    """
    return max(self._side(market, True), self._side(market, False))


@internal
def _socialise(market: uint256, longs: bool, amount: uint256):
    """
    @notice Spread what the maker advanced over the open size of a side, or of the other where there is none;
            per unit rounded up. Where nobody is left it stays with the maker.
    """
    on_longs: bool = longs
    size: uint256 = self._side(market, longs)
    if size == 0:
        on_longs = not longs
        size = self._side(market, on_longs)
    if size == 0:
        return
    per_unit: uint256 = fixed_point.mul_div_up(amount, WAD, size)
    if on_longs:
        ledger.loss_long[market] += per_unit
    else:
        ledger.loss_short[market] += per_unit
    log IClearingHouse.LossSocialised(market=market, longs=on_longs, amount=amount)
