"""Borrow and sell: the vault's second hedge venue, AaveHedge (contracts/SPEC.md §4.8).

Raw amounts throughout, except sizes of positions (base units) and prices (USD).
"""

from __future__ import annotations

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_BALANCE,
    INVENTORY_LIMIT,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
    ZERO_AMOUNT,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import ceil_raw, floor_raw
from simulator.model.pools.uniswap_v3.pool import Swapped, limit_passed, quote, settle
from simulator.model.pools.uniswap_v3.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE
from simulator.model.venues.aave.lending import (
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
from simulator.model.venues.perps.margin import stale
from simulator.model.venues.perps.portfolio import USDC_ASSET


@inner
def trade(w: Path, leg: int, delta: float, limit: float) -> tuple[int, float]:
    """Borrow and sell (``delta`` < 0 base units) or buy and repay: (status, fill price USD).

    Refused, it has changed nothing.
    """
    table, aave = w.tables.aave, w.state.aave
    raw = abs(delta) * table.unit[leg + 1]
    if delta < 0.0:
        raw = floor_raw(raw)
        if raw > aave.available[leg + 1]:
            return INVENTORY_LIMIT, 0.0
    else:
        owed = debt(w, leg)
        raw = owed if abs(raw - owed) <= LAST_DIGITS * owed else ceil_raw(raw)
        if raw > owed:
            return INVENTORY_LIMIT, 0.0
    if raw <= 0.0:
        return ZERO_AMOUNT, 0.0
    if delta < 0.0:
        return _sell(w, leg, raw, limit)
    return _buy(w, leg, raw, limit)


@inner
def _swapped(w: Path, leg: int, sells: bool, raw: float) -> tuple[int, Swapped, float]:
    """(status, swap of all of ``raw`` of the asset, fill price USD); nothing written."""
    table, oracle, pool = w.tables.aave, w.now, w.state.aave.pools[leg]
    extreme = MIN_SQRT_PRICE if sells else MAX_SQRT_PRICE
    if limit_passed(pool.sqrt_price, sells, extreme):
        return SLIPPAGE, Swapped(0.0, 0.0, 0, 0.0, 0.0, 0.0), 0.0
    specified = raw if sells else -raw
    swapped = quote(table.pools[leg], pool, w.state.aave.nothing, sells, specified, extreme)
    usdc, done = swapped.amount_in, swapped.amount_out
    if sells:
        usdc, done = done, usdc
    usd = usdc / table.unit[USDC] * oracle.price[USDC_ASSET]
    status = OK if done >= raw else SLIPPAGE
    if stale(w, USDC_ASSET):
        status = STALE_ORACLE
    return status, swapped, usd / (raw / table.unit[leg + 1])


@inner
def _sell(w: Path, leg: int, raw: float, limit: float) -> tuple[int, float]:
    table, oracle = w.tables.aave, w.now
    status, swapped, fill = _swapped(w, leg, True, raw)
    if status == OK and fill < limit:
        status = SLIPPAGE
    if status != OK:
        return status, 0.0
    loan = value(w)
    asset, size = table.asset[leg + 1], raw / table.unit[leg + 1]
    if not loan.fresh or stale(w, asset):
        return STALE_ORACLE, 0.0
    sold = size * oracle.price[asset]
    required = loan.maintenance + sold * (1.0 / table.liquidation_threshold - 1.0)
    if loan.equity + size * fill - sold < initial_multiple(w) * required:
        return BELOW_INITIAL_MARGIN, 0.0
    settle(w.state.aave.pools[leg], w.state.aave.nothing, True, swapped)
    if swapped.amount_out > 0.0:
        supply(w, swapped.amount_out)
    borrow(w, leg, raw)
    return OK, fill


@inner
def _buy(w: Path, leg: int, raw: float, limit: float) -> tuple[int, float]:
    status, swapped, fill = _swapped(w, leg, False, raw)
    if status == OK and fill > limit:
        status = SLIPPAGE
    if status == OK:
        status = _reducible(w, leg, raw, swapped.amount_in)
    if status != OK:
        return status, 0.0
    settle(w.state.aave.pools[leg], w.state.aave.nothing, False, swapped)
    repay(w, leg, raw)
    take(w, swapped.amount_in)
    return OK, fill


@inner
def _reducible(w: Path, leg: int, raw: float, due: float) -> int:
    """Whether Aave releases ``due`` USDC once ``raw`` of a debt is repaid: E ≥ M then."""
    table, aave, oracle = w.tables.aave, w.state.aave, w.now
    loan = value(w)
    if due > loan.supplied:
        return BELOW_INITIAL_MARGIN
    if not _last_debt(w, leg, raw):
        if not loan.fresh:
            return STALE_ORACLE
        bought = raw / table.unit[leg + 1] * oracle.price[table.asset[leg + 1]]
        cost = due / table.unit[USDC] * oracle.price[USDC_ASSET]
        left = loan.maintenance - bought * (1.0 / table.liquidation_threshold - 1.0)
        if loan.equity + bought - cost < left:
            return BELOW_INITIAL_MARGIN
    return OK if due <= aave.available[USDC] else INSUFFICIENT_BALANCE


@inner
def _last_debt(w: Path, repaid: int, raw: float) -> bool:
    """Whether nothing is owed once ``raw`` of leg ``repaid`` has been paid back."""
    for leg in range(legs(w)):
        owed = debt(w, leg)
        if leg == repaid:
            owed -= raw
        if owed > 0.0:
            return False
    return True


@inner
def owed_in_kind(w: Path, leg: int, fraction: float) -> float:
    """What someone who leaves with ``fraction`` brings of a leg's asset."""
    return min(ceil_raw(debt(w, leg) * fraction), debt(w, leg))


@inner
def exit_slice(w: Path, fraction: float) -> float:
    """Repay ``fraction`` of every debt and release that part of the USDC, which is returned.

    Where Aave has lent the USDC, its own token is handed over instead, which no wallet here holds.
    The caller has taken :func:`owed_in_kind` of each asset from the payer, and found E ≥ M: Aave
    lets nobody leave an unhealthy account in part.
    """
    aave = w.state.aave
    for leg in range(legs(w)):
        due = owed_in_kind(w, leg, fraction)
        if due > 0.0:
            repay(w, leg, due)
    raw = floor_raw(supplied(w) * fraction)
    if raw > aave.available[USDC]:
        hand_over(w, raw)
        return 0.0
    if raw > 0.0:
        take(w, raw)
    return raw
