"""What a trade against the maker costs (contracts/SPEC.md §3.3): spread, premium for the skew.

The premium goes into the market's pool, which pays those who take the skew back.
"""

from __future__ import annotations

from simulator.world.model.jit import inlined, inner
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.state import ClearingState, Oracle


@inner
def skew_bound(table: ClearingTable, clearing: ClearingState, market: int, i: int) -> float:
    """B: where the premium rate has grown to half the least maintenance margin; it stays there."""
    margin = table.gross_floor * table.maintenance_rate[market]
    return 0.5 * clearing.skew_scale[market, i] * margin


@inner
def inventory_limit(table: ClearingTable, clearing: ClearingState, market: int, i: int) -> float:
    """S: the largest |k| into which risk may be added."""
    return min(table.max_skew[market], skew_bound(table, clearing, market, i))


@inner
def booked_price(table: ClearingTable, oracle: Oracle, market: int, delta: float, i: int) -> float:
    """Price at which a trade of ``delta`` enters cost and PnL: the index and half the spread."""
    spread = table.half_spread[market] if delta > 0.0 else -table.half_spread[market]
    return max(oracle.price[table.asset[market], i] * (1.0 + spread), 0.0)


@inner
def _potential(skew: float, bound: float) -> float:
    """Twice the integral of the skew, clamped to ``bound``, from zero."""
    size = abs(skew)
    if size <= bound:
        return size * size
    return bound * (2.0 * size - bound)


@inner
def _area(start: float, end: float, least: float, bound: float) -> float:
    """Twice the integral up from ``start`` of the clamped skew, or clamped ``least`` if higher."""
    low, high = max(start, least), max(end, least)
    rate = max(-bound, min(least, bound))
    level = 2.0 * rate * ((end - start) - (high - low))
    return _potential(high, bound) - _potential(low, bound) + level


@inner
def premium_of(
    skew: float,
    delta: float,
    opening: float,
    skew_scale: float,
    bound: float,
    index: float,
    pool: float,
    unpaid: float,
) -> float:
    """USDC a trade of ``delta`` pays into the pool, or (negative) is paid out of it.

    ``opening``: the skew at which the block opened; nobody buys below, nor sells above, its price.
    ``bound``: B. ``pool``: what it holds; a way back to zero earns no more than its part of it.
    ``unpaid``: U; the first of the way back, which nobody has paid for, earns nothing.
    A sale is a purchase seen in the mirror.
    """
    side = 1.0 if delta > 0.0 else -1.0
    start, least = side * skew, side * opening
    end = start + abs(delta)
    rate = index / (2.0 * skew_scale)
    paid = 0.0
    if start < 0.0:
        home = min(end, 0.0)
        area = _area(start, home, least, bound)
        paid = area * rate
        if area < 0.0:
            before = _potential(start, bound)
            owed = min(unpaid, before)
            released = before - _potential(home, bound) - owed
            paid = 0.0
            if released > 0.0:
                earned = max(-area - owed, 0.0) * rate
                paid = -min(earned, pool * released / (before - owed))
    if end > 0.0:
        paid += _area(max(start, 0.0), end, least, bound) * rate
    return paid


@inlined
def premium(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    market: int,
    delta: float,
    opening: float,
    i: int,
) -> float:
    """:func:`premium_of` a trade in a market; ``opening``: once this block is accrued."""
    return premium_of(
        clearing.skew[market, i],
        delta,
        opening,
        clearing.skew_scale[market, i],
        skew_bound(table, clearing, market, i),
        oracle.price[table.asset[market], i],
        clearing.premium_pool[market, i],
        clearing.unpaid_premium[market, i],
    )


@inner
def move_unpaid(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    market: int,
    delta: float,
    missing: float,
    i: int,
) -> None:
    """Bring U to the skew, which has moved by ``delta``; ``missing`` USDC of it was not paid.

    The way back to zero works U off first; of the way out the part is added that was not paid for.
    """
    unpaid = clearing.unpaid_premium[market, i]
    if unpaid == 0.0 and missing == 0.0:
        return
    bound = skew_bound(table, clearing, market, i)
    after = clearing.skew[market, i]
    start = after - delta
    turn = max(min(after, start), 0.0) if start > 0.0 else min(max(after, start), 0.0)
    before, home = _potential(start, bound), _potential(turn, bound)
    left = max(min(unpaid, before) - (before - home), 0.0)
    worth = oracle.price[table.asset[market], i] / (2.0 * clearing.skew_scale[market, i])
    lacking = min(missing / worth, _potential(after, bound) - home)
    clearing.unpaid_premium[market, i] = left + lacking


@inner
def pay_premium(clearing: ClearingState, account: int, market: int, paid: float, i: int) -> None:
    """Move a premium from the account into the pool."""
    clearing.cash[account, i] -= paid
    clearing.premium_pool[market, i] = max(clearing.premium_pool[market, i] + paid, 0.0)


@inner
def sweep_pool(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> None:
    """Give the maker what the pool holds beyond what closing the skew would earn."""
    bound = skew_bound(table, clearing, market, i)
    claim = _potential(clearing.skew[market, i], bound)
    claim -= min(clearing.unpaid_premium[market, i], claim)
    claim /= 2.0 * clearing.skew_scale[market, i]
    surplus = clearing.premium_pool[market, i] - claim * oracle.price[table.asset[market], i]
    if surplus > 0.0:
        clearing.premium_pool[market, i] -= surplus
        clearing.maker_cash[market, i] += surplus
