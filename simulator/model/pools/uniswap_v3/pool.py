"""The Uniswap v3 pool: swaps across ticks, the vault's position, agents', background depth.

Follows UniswapV3Pool step by step, with the same integer roundings of amounts and fees (held in
float64); √P and L are real numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.model.pools.uniswap_v3.providers import (
    nearest_above,
    nearest_below,
    provided_at,
    share_out,
)
from simulator.model.pools.uniswap_v3.swap_math import step_down, step_up
from simulator.model.pools.uniswap_v3.tick import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    amount0_delta,
    amount1_delta,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)

_WORD = 256.0  # ticks of one word of the pool's bitmap, beyond which a step does not look


class Swapped(NamedTuple):
    """Where a swap leaves the pool, and what it moves (raw units)."""

    sqrt_price: float
    tick: float
    segment: int
    fees: float  # the vault position's part of the fee, in the token put in
    amount_in: float
    amount_out: float


class Asked(NamedTuple):
    """What a swap is asked for: raw, > 0 goes in; the √P where it ends."""

    amount_specified: float
    sqrt_limit: float
    earning: bool  # agents' fees are written, and nothing else


@inner
def _stop_below(
    table: Record, pool: Record, position: Record, tick: float, segment: int
) -> tuple[float, float, bool]:
    """TickBitmap.nextInitializedTickWithinOneWord downward: (tick, its √P, is it background)."""
    word = _WORD * table.tick_spacing
    stop = max(np.floor(tick / word) * word, float(MIN_TICK))
    root = -1.0
    background = False
    if segment > 0 and table.ticks[segment - 1] >= stop:
        stop = table.ticks[segment - 1]
        root = table.sqrt_prices[segment - 1]
        background = True
    if position.liquidity > 0.0:
        if stop < position.tick_upper <= tick:
            stop, root, background = position.tick_upper, position.sqrt_upper, False
        elif stop < position.tick_lower <= tick:
            stop, root, background = position.tick_lower, position.sqrt_lower, False
    if pool.providing > 0.0:
        stop, root, background = nearest_below(pool, tick, stop, root, background)
    if root < 0.0:
        root = sqrt_price_at_tick(stop)
    return stop, root, background


@inner
def _stop_above(
    table: Record, pool: Record, position: Record, tick: float, segment: int
) -> tuple[float, float, bool]:
    """TickBitmap.nextInitializedTickWithinOneWord upward: (tick, its √P, is it background)."""
    spacing = table.tick_spacing
    compressed = np.floor(tick / spacing) + 1.0
    stop = (np.floor(compressed / _WORD) * _WORD + _WORD - 1.0) * spacing
    stop = min(stop, float(MAX_TICK))
    root = -1.0
    background = False
    if segment < table.tick_count and table.ticks[segment] <= stop:
        stop = table.ticks[segment]
        root = table.sqrt_prices[segment]
        background = True
    if position.liquidity > 0.0:
        if tick < position.tick_lower < stop:
            stop, root, background = position.tick_lower, position.sqrt_lower, False
        elif tick < position.tick_upper < stop:
            stop, root, background = position.tick_upper, position.sqrt_upper, False
    if pool.providing > 0.0:
        stop, root, background = nearest_above(pool, tick, stop, root, background)
    if root < 0.0:
        root = sqrt_price_at_tick(stop)
    return stop, root, background


@inner
def own_liquidity(position: Record, tick: float) -> float:
    """The vault's part of the liquidity active at ``tick``."""
    if position.tick_lower <= tick < position.tick_upper:
        return position.liquidity
    return 0.0


@inner
def active_liquidity(pool: Record, position: Record) -> float:
    """The pool's ``liquidity()``."""
    others = pool.profile[int(pool.segment)]
    if pool.providing > 0.0:
        others += provided_at(pool, pool.tick)
    return others + own_liquidity(position, pool.tick)


@inner
def limit_passed(sqrt_price: float, zero_for_one: bool, sqrt_limit: float) -> bool:
    """Whether the pool refuses the price limit ("SPL")."""
    if zero_for_one:
        return not MIN_SQRT_PRICE <= sqrt_limit < sqrt_price
    return not sqrt_price < sqrt_limit <= MAX_SQRT_PRICE


@inner
def quote(
    table: Record,
    pool: Record,
    position: Record,
    zero_for_one: bool,
    amount_specified: float,
    sqrt_limit: float,
) -> Swapped:
    """UniswapV3Pool.swap, without writing; the limit is not passed.

    ``amount_specified``, raw: > 0 goes in, < 0 comes out. The swap stops at ``sqrt_limit`` (√P),
    having used what it could.
    """
    asked = Asked(amount_specified, sqrt_limit, False)
    return _walk(table, pool, position, zero_for_one, asked)


@inner
def earn(
    table: Record,
    pool: Record,
    position: Record,
    zero_for_one: bool,
    amount_specified: float,
    sqrt_limit: float,
) -> None:
    """Give agents' positions what the swap that was quoted so pays them; before it is settled."""
    if pool.providing > 0.0:
        asked = Asked(amount_specified, sqrt_limit, True)
        _walk(table, pool, position, zero_for_one, asked)


@inner
def _walk(
    table: Record, pool: Record, position: Record, zero_for_one: bool, asked: Asked
) -> Swapped:
    """A swap tick by tick."""
    amount_specified, sqrt_limit = asked.amount_specified, asked.sqrt_limit
    exact_input, amount = amount_specified > 0.0, abs(amount_specified)
    root, tick, segment = pool.sqrt_price, pool.tick, int(pool.segment)
    remaining, total_in, total_out, fees = amount, 0.0, 0.0, 0.0
    while remaining > 0.0 and root != sqrt_limit:
        own = own_liquidity(position, tick)
        liquidity = pool.profile[segment]
        if pool.providing > 0.0:
            liquidity += provided_at(pool, tick)
        liquidity += own
        start = root
        if zero_for_one:
            stop, stop_root, background = _stop_below(table, pool, position, tick, segment)
            root, reached, used, out, fee = step_down(
                start, max(stop_root, sqrt_limit), liquidity, remaining, exact_input, table.fee_ppm
            )
        else:
            stop, stop_root, background = _stop_above(table, pool, position, tick, segment)
            root, reached, used, out, fee = step_up(
                start, min(stop_root, sqrt_limit), liquidity, remaining, exact_input, table.fee_ppm
            )
        spent = used + fee if exact_input else out
        remaining = max(remaining - spent, 0.0) if reached else 0.0
        total_in += used + fee
        total_out += out
        if own > 0.0:
            fees += fee * own / liquidity
        if asked.earning:
            share_out(pool, tick, zero_for_one, fee, liquidity)
        if reached and root == stop_root:
            if background:
                segment += -1 if zero_for_one else 1
            tick = stop - 1.0 if zero_for_one else stop
        elif root != start:
            # Between the stops whatever the last digit of the logarithm says.
            tick = tick_at_sqrt_price(root)
            tick = max(tick, stop) if zero_for_one else min(tick, stop - 1.0)
    # All of it, not the sum of the steps, which may differ in the last digit.
    if remaining == 0.0 and exact_input:
        total_in = amount
    elif remaining == 0.0:
        total_out = amount
    return Swapped(root, tick, segment, fees, total_in, total_out)


@inner
def settle(pool: Record, position: Record, zero_for_one: bool, swapped: Swapped) -> None:
    """Write what :func:`quote` found."""
    pool.sqrt_price = swapped.sqrt_price
    pool.tick = swapped.tick
    pool.segment = swapped.segment
    if zero_for_one:
        position.fees0 += swapped.fees
    else:
        position.fees1 += swapped.fees


@inner
def position_amounts(pool: Record, position: Record, liquidity: float) -> tuple[float, float]:
    """(token0, token1) of ``liquidity`` in the vault's range at the pool's price; not rounded."""
    lower, upper, root = position.sqrt_lower, position.sqrt_upper, pool.sqrt_price
    if pool.tick < position.tick_lower:
        return amount0_delta(lower, upper, liquidity), 0.0
    if pool.tick < position.tick_upper:
        return (
            max(amount0_delta(root, upper, liquidity), 0.0),
            max(amount1_delta(lower, root, liquidity), 0.0),
        )
    return 0.0, amount1_delta(lower, upper, liquidity)


@inner
def place(position: Record, tick_lower: float, tick_upper: float) -> None:
    """Set the range of an empty position."""
    position.tick_lower = tick_lower
    position.tick_upper = tick_upper
    position.sqrt_lower = sqrt_price_at_tick(tick_lower)
    position.sqrt_upper = sqrt_price_at_tick(tick_upper)


@inner
def mint(pool: Record, position: Record, liquidity: float) -> tuple[float, float]:
    """Add ``liquidity`` to the placed range; returns the raw amounts due, rounded up."""
    amount0, amount1 = position_amounts(pool, position, liquidity)
    position.liquidity += liquidity
    return np.ceil(amount0), np.ceil(amount1)


@inner
def burn_and_collect(
    pool: Record, position: Record, liquidity: float
) -> tuple[float, float, float, float]:
    """Burn ``liquidity``, collect everything owed: raw (principal0, principal1, fees0, fees1)."""
    amount0, amount1 = position_amounts(pool, position, liquidity)
    fees0, fees1 = np.floor(position.fees0), np.floor(position.fees1)
    position.fees0 = 0.0
    position.fees1 = 0.0
    position.liquidity -= liquidity
    return np.floor(amount0), np.floor(amount1), fees0, fees1


@inner
def burn_part(pool: Record, position: Record, liquidity: float, part: float) -> tuple[float, float]:
    """Burn ``liquidity``, collect it and ``part`` of the fees owed: raw (amount0, amount1)."""
    amount0, amount1 = position_amounts(pool, position, liquidity)
    fees0, fees1 = np.floor(position.fees0), np.floor(position.fees1)
    taken0, taken1 = np.floor(fees0 * part), np.floor(fees1 * part)
    position.fees0 = fees0 - taken0
    position.fees1 = fees1 - taken1
    position.liquidity -= liquidity
    return np.floor(amount0) + taken0, np.floor(amount1) + taken1


@inner
def set_depth(table: Record, pool: Record, depth: float) -> None:
    """Scale the background ranges to floor(L·depth) where the factor has changed."""
    if depth == pool.depth:
        return
    pool.depth = depth
    for segment in range(table.tick_count + 1):
        pool.profile[segment] = 0.0
    for b in range(table.range_count):
        liquidity = np.floor(table.liquidity[b] * depth)
        for segment in range(table.lower[b] + 1, table.upper[b] + 1):
            pool.profile[segment] += liquidity


@inner
def initialise(table: Record, pool: Record, depth: float) -> None:
    """Open the pool at its first price."""
    sqrt_price = table.opening_sqrt_price
    tick = tick_at_sqrt_price(sqrt_price)
    segment = 0
    while segment < table.tick_count and table.ticks[segment] <= tick:
        segment += 1
    pool.sqrt_price = sqrt_price
    pool.tick = tick
    pool.segment = segment
    pool.depth = -1.0
    set_depth(table, pool, depth)
