"""What a trade against the maker costs (contracts/SPEC.md §3.3): spread, premium for the skew.

The premium goes into the market's pool, which pays those who take the skew back.
"""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path


@inner
def skew_bound(w: Path, market: int) -> float:
    """B: where the premium rate has grown to half the least maintenance margin; it stays there."""
    table, clearing = w.tables.clearing, w.state.clearing
    margin = table.gross_floor * table.maintenance_rate[market]
    return 0.5 * clearing.skew_scale[market] * margin


@inner
def inventory_limit(w: Path, market: int) -> float:
    """S: the largest |k| into which risk may be added."""
    table = w.tables.clearing
    return min(table.max_skew[market], skew_bound(w, market))


@inner
def booked_price(w: Path, market: int, delta: float) -> float:
    """Price at which a trade of ``delta`` enters cost and PnL: the index and half the spread."""
    table, oracle = w.tables.clearing, w.now
    spread = table.half_spread[market] if delta > 0.0 else -table.half_spread[market]
    return max(oracle.price[table.asset[market]] * (1.0 + spread), 0.0)


@inner
def potential(skew: float, bound: float) -> float:
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
    return potential(high, bound) - potential(low, bound) + level


@inner
def premium(
    w: Path,
    market: int,
    delta: float,
    opening: float,
) -> float:
    """USDC a trade of ``delta`` pays into the pool, or (negative) is paid out of it.

    ``opening``: the skew at which the block opened, once it is accrued; nobody buys below, nor
    sells above, its price. A way back to zero earns no more than its part of what the pool holds;
    the first of it, U, which nobody has paid for, earns nothing. A sale is a purchase seen in the
    mirror.
    """
    clearing = w.state.clearing
    bound = skew_bound(w, market)
    side = 1.0 if delta > 0.0 else -1.0
    start, least = side * clearing.skew[market], side * opening
    end = start + abs(delta)
    index = w.now.price[w.tables.clearing.asset[market]]
    rate = index / (2.0 * clearing.skew_scale[market])
    paid = 0.0
    if start < 0.0:
        home = min(end, 0.0)
        area = _area(start, home, least, bound)
        paid = area * rate
        if area < 0.0:
            before = potential(start, bound)
            owed = min(clearing.unpaid_premium[market], before)
            released = before - potential(home, bound) - owed
            paid = 0.0
            if released > 0.0:
                earned = max(-area - owed, 0.0) * rate
                paid = -min(earned, clearing.premium_pool[market] * released / (before - owed))
    if end > 0.0:
        paid += _area(max(start, 0.0), end, least, bound) * rate
    return paid


@inner
def move_unpaid(
    w: Path,
    market: int,
    delta: float,
    missing: float,
) -> None:
    """Bring U to the skew, which has moved by ``delta``; ``missing`` USDC of it was not paid.

    The way back to zero works U off first; of the way out the part is added that was not paid for.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    unpaid = clearing.unpaid_premium[market]
    if unpaid == 0.0 and missing == 0.0:
        return
    bound = skew_bound(w, market)
    after = clearing.skew[market]
    start = after - delta
    turn = max(min(after, start), 0.0) if start > 0.0 else min(max(after, start), 0.0)
    before, home = potential(start, bound), potential(turn, bound)
    left = max(min(unpaid, before) - (before - home), 0.0)
    worth = oracle.price[table.asset[market]] / (2.0 * clearing.skew_scale[market])
    lacking = min(missing / worth, potential(after, bound) - home)
    clearing.unpaid_premium[market] = left + lacking


@inner
def pay_premium(w: Path, account: int, market: int, paid: float) -> None:
    """Move a premium from the account into the pool."""
    clearing = w.state.clearing
    clearing.cash[account] -= paid
    clearing.premium_pool[market] = max(clearing.premium_pool[market] + paid, 0.0)


@inner
def sweep_pool(w: Path, market: int) -> None:
    """Give the maker what the pool holds beyond what closing the skew would earn."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    bound = skew_bound(w, market)
    claim = potential(clearing.skew[market], bound)
    claim -= min(clearing.unpaid_premium[market], claim)
    claim /= 2.0 * clearing.skew_scale[market]
    surplus = clearing.premium_pool[market] - claim * oracle.price[table.asset[market]]
    if surplus > 0.0:
        clearing.premium_pool[market] -= surplus
        clearing.maker_cash[market] += surplus
