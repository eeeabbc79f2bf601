"""Borrow and sell: the vault's second hedge venue, AaveHedge (contracts/SPEC.md §4.8).

Raw amounts throughout, except sizes of positions (base units) and prices (USD).
"""

from __future__ import annotations

from simulator.world.model.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_BALANCE,
    INVENTORY_LIMIT,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
    ZERO_AMOUNT,
)
from simulator.world.model.jit import inner
from simulator.world.model.lending import (
    LAST_DIGITS,
    USDC,
    borrow,
    debt,
    hand_over,
    initial_multiple,
    legs,
    repay,
    supplied,
    supply,
    take,
    value,
)
from simulator.world.model.margin import stale
from simulator.world.model.parameters import AaveTable, PoolTable
from simulator.world.model.pool import Swapped, limit_passed, quote, settle
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.rounding import ceil_raw, floor_raw
from simulator.world.model.state import AaveState, Oracle, PoolState, PositionState
from simulator.world.model.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE


@inner
def leg_pool(aave: AaveState, leg: int) -> PoolState:
    """The pool a leg's asset is sold in."""
    return PoolState(
        aave.sqrt_price[leg], aave.tick[leg], aave.segment[leg], aave.profile[leg], aave.depth[leg]
    )


@inner
def leg_pool_table(table: AaveTable, leg: int) -> PoolTable:
    """Its constants."""
    return PoolTable(
        table.fee_ppm[leg],
        table.tick_spacing[leg],
        table.ticks[leg],
        table.sqrt_prices[leg],
        table.lower[leg],
        table.upper[leg],
        table.liquidity[leg],
    )


@inner
def no_position(aave: AaveState) -> PositionState:
    """The vault provides no liquidity there."""
    zero = aave.nothing[0]
    return PositionState(zero, zero, zero, zero, zero, zero, zero)


@inner
def trade(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, delta: float, limit: float, i: int
) -> tuple[int, float]:
    """Borrow and sell (``delta`` < 0 base units) or buy and repay: (status, fill price USD).

    Refused, it has changed nothing.
    """
    raw = abs(delta) * table.unit[leg + 1]
    if delta < 0.0:
        raw = floor_raw(raw)
        if raw > aave.available[leg + 1, i]:
            return INVENTORY_LIMIT, 0.0
    else:
        owed = debt(aave, oracle, leg, i)
        raw = owed if abs(raw - owed) <= LAST_DIGITS * owed else ceil_raw(raw)
        if raw > owed:
            return INVENTORY_LIMIT, 0.0
    if raw <= 0.0:
        return ZERO_AMOUNT, 0.0
    if delta < 0.0:
        return _sell(table, aave, oracle, leg, raw, limit, i)
    return _buy(table, aave, oracle, leg, raw, limit, i)


@inner
def _swapped(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, sells: bool, raw: float, i: int
) -> tuple[int, Swapped, float]:
    """(status, swap of all of ``raw`` of the asset, fill price USD); nothing written."""
    pool = leg_pool(aave, leg)
    extreme = MIN_SQRT_PRICE if sells else MAX_SQRT_PRICE
    if limit_passed(pool.sqrt_price[i], sells, extreme):
        return SLIPPAGE, Swapped(0.0, 0.0, 0, 0.0, 0.0, 0.0), 0.0
    swapped = quote(
        leg_pool_table(table, leg), pool, no_position(aave), i, sells, sells, raw, extreme
    )
    usdc, done = swapped.amount_in, swapped.amount_out
    if sells:
        usdc, done = done, usdc
    usd = usdc / table.unit[USDC] * oracle.price[USDC_ASSET, i]
    status = OK if done >= raw else SLIPPAGE
    if stale(oracle, USDC_ASSET, i):
        status = STALE_ORACLE
    return status, swapped, usd / (raw / table.unit[leg + 1])


@inner
def _sell(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, raw: float, limit: float, i: int
) -> tuple[int, float]:
    status, swapped, fill = _swapped(table, aave, oracle, leg, True, raw, i)
    if status == OK and fill < limit:
        status = SLIPPAGE
    if status != OK:
        return status, 0.0
    loan = value(table, aave, oracle, i)
    asset, size = table.asset[leg + 1], raw / table.unit[leg + 1]
    if not loan.fresh or stale(oracle, asset, i):
        return STALE_ORACLE, 0.0
    sold = size * oracle.price[asset, i]
    required = loan.maintenance + sold * (1.0 / table.threshold - 1.0)
    if loan.equity + size * fill - sold < initial_multiple(table) * required:
        return BELOW_INITIAL_MARGIN, 0.0
    settle(leg_pool(aave, leg), no_position(aave), i, True, swapped)
    if swapped.amount_out > 0.0:
        supply(table, aave, oracle, swapped.amount_out, i)
    borrow(table, aave, oracle, leg, raw, i)
    return OK, fill


@inner
def _buy(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, raw: float, limit: float, i: int
) -> tuple[int, float]:
    status, swapped, fill = _swapped(table, aave, oracle, leg, False, raw, i)
    if status == OK and fill > limit:
        status = SLIPPAGE
    if status == OK:
        status = _reducible(table, aave, oracle, leg, raw, swapped.amount_in, i)
    if status != OK:
        return status, 0.0
    settle(leg_pool(aave, leg), no_position(aave), i, False, swapped)
    repay(table, aave, oracle, leg, raw, i)
    take(table, aave, oracle, swapped.amount_in, i)
    return OK, fill


@inner
def _reducible(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, raw: float, due: float, i: int
) -> int:
    """Whether Aave releases ``due`` USDC once ``raw`` of a debt is repaid: E ≥ M then."""
    loan = value(table, aave, oracle, i)
    if due > loan.supplied:
        return BELOW_INITIAL_MARGIN
    if not _last_debt(table, aave, oracle, leg, raw, i):
        if not loan.fresh:
            return STALE_ORACLE
        bought = raw / table.unit[leg + 1] * oracle.price[table.asset[leg + 1], i]
        cost = due / table.unit[USDC] * oracle.price[USDC_ASSET, i]
        left = loan.maintenance - bought * (1.0 / table.threshold - 1.0)
        if loan.equity + bought - cost < left:
            return BELOW_INITIAL_MARGIN
    return OK if due <= aave.available[USDC, i] else INSUFFICIENT_BALANCE


@inner
def _last_debt(
    table: AaveTable, aave: AaveState, oracle: Oracle, repaid: int, raw: float, i: int
) -> bool:
    """Whether nothing is owed once ``raw`` of leg ``repaid`` has been paid back."""
    for leg in range(legs(table)):
        owed = debt(aave, oracle, leg, i)
        if leg == repaid:
            owed -= raw
        if owed > 0.0:
            return False
    return True


@inner
def owed_in_kind(aave: AaveState, oracle: Oracle, leg: int, fraction: float, i: int) -> float:
    """What someone who leaves with ``fraction`` brings of a leg's asset."""
    return min(ceil_raw(debt(aave, oracle, leg, i) * fraction), debt(aave, oracle, leg, i))


@inner
def exit_slice(table: AaveTable, aave: AaveState, oracle: Oracle, fraction: float, i: int) -> float:
    """Repay ``fraction`` of every debt and release that part of the USDC, which is returned.

    Where Aave has lent the USDC, its own token is handed over instead, which no wallet here holds.
    The caller has taken :func:`owed_in_kind` of each asset from the payer, and found E ≥ M: Aave
    lets nobody leave an unhealthy account in part.
    """
    for leg in range(legs(table)):
        due = owed_in_kind(aave, oracle, leg, fraction, i)
        if due > 0.0:
            repay(table, aave, oracle, leg, due, i)
    raw = floor_raw(supplied(aave, oracle, i) * fraction)
    if raw > aave.available[USDC, i]:
        hand_over(aave, oracle, raw, i)
        return 0.0
    if raw > 0.0:
        take(table, aave, oracle, raw, i)
    return raw
