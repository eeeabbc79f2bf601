"""A hand-written kernel of a few dynamics, in one function: what a vault simulator could cost.

One position on Uniswap v3 and what its fees come to, the pool's arbitrageur, one perp hedge traded
outside its band by a keeper, funding and margin: the formulas of ``simulator/model`` for
these alone, in real numbers, not rounded to raw units. Whatever the product does beside them
(books, refusals, other agents) is not here, so their ratio says what the rest costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

_DAY = 86_400.0


class Terms(NamedTuple):
    """What is the same on every path and step."""

    step_seconds: float
    base_unit: float  # raw per whole token
    usdc_unit: float
    fee: float  # of the pool, fraction of what goes in
    swap_gas: float
    skew_scale: float  # base units of the market, as all sizes
    max_skew: float
    half_spread: float
    taker_fee: float
    funding_velocity: float  # per day, at a skew of one scale
    maintenance_rate: float
    gross_floor: float
    initial_multiple: float
    profit_cap: float
    haircut: float  # of USDC
    beta: float  # USD short per USD of the base asset
    band: float  # of NAV
    max_slippage: float
    deleverage_ratio: float


class Moments(NamedTuple):
    """What the market does, ``[steps + 1, P]`` each: indices, oracle rounds, USD; gas, USD."""

    usdc_index: Floats
    base_index: Floats
    usdc: Floats
    base: Floats
    hedge: Floats
    gas: Floats


class Ranges(NamedTuple):
    """The pool's liquidity between its edges, per path."""

    edges: Floats  # √P, ascending, [P, edges]
    active: Floats  # raw L from one edge to the next, [P, edges + 1]
    own: Floats  # the vault's part of it, [P, edges + 1]
    low: Floats  # √P of the vault's range, [P]
    high: Floats
    liquidity: Floats  # raw L of the vault, [P]


#: A path: what the kernel goes on from, and where it ends.
PATH = np.dtype(
    [
        (name, "f8")
        for name in (
            *("root", "segment"),  # of the pool: √P raw, place among the edges
            *("fees_base", "fees_usdc", "idle_base", "idle_usdc"),  # the vault's, raw
            *("their_base", "their_usdc"),  # the arbitrageur's, raw
            *("cash", "size", "cost", "entry"),  # of the margin account and its position
            *("rate", "index", "since", "premium"),  # of the market, as last written
            "lowest",  # margin ratio
        )
    ]
)


@njit(cache=True, nogil=True, error_model="numpy")
def fused(  # noqa: PLR0912, PLR0915 (one function is what this is for)
    terms: Terms, moments: Moments, ranges: Ranges, paths: Any
) -> Floats:
    """Run ``paths`` (:data:`PATH`) from the first step on; returns the NAV at the end, USD.

    A path on which the product would do anything else (recentre, deleverage, refuse) is the
    caller's to leave out.
    """
    steps, count = moments.usdc.shape
    t = terms
    kept = 1.0 - t.fee
    bound = 0.5 * t.skew_scale * t.gross_floor * t.maintenance_rate
    most = min(t.max_skew, bound)
    to_raw = np.sqrt(t.usdc_unit / t.base_unit)
    whole = (t.base_unit * t.usdc_unit) ** -0.5
    nav = np.zeros(count)
    for step in range(1, steps):
        for i in range(count):
            path = paths[i]
            # ---------------------------------------------------- the market moves; margin
            usdc, base, price = moments.usdc[step, i], moments.base[step, i], moments.hedge[step, i]
            cash, size, cost = path.cash, path.size, path.cost
            new_rate, index = path.rate, path.index
            days = (step * t.step_seconds - path.since) / _DAY  # since the last trade
            skew = min(max(size / t.skew_scale, -1.0), 1.0)
            new_rate += t.funding_velocity * skew * days
            index += 0.5 * (path.rate + new_rate) * price * days
            profit = size * price - cost - size * (index - path.entry)
            balance = (cash + profit) * usdc
            equity = balance * (1.0 - t.haircut) if balance >= 0.0 else balance
            required = abs(size) * price * t.maintenance_rate
            if required > 0.0:
                path.lowest = min(path.lowest, equity / required)
            # ---------------------------------------------------- the arbitrageur of the pool
            fair = moments.base_index[step, i] / moments.usdc_index[step, i]
            root, segment = path.root, int(path.segment)
            spot = root * root * (t.base_unit / t.usdc_unit)
            down = spot > fair / kept
            if down or spot < fair * kept:
                edge = fair / kept if down else fair * kept
                liquidity = ranges.active[i, segment] * whole
                start, end = np.sqrt(spot), np.sqrt(edge)
                usd = liquidity * abs(end - start)
                asset = liquidity * abs(1.0 / start - 1.0 / end)
                gain = usd - asset / kept * fair if down else asset * fair - usd / kept
                limit = np.sqrt(edge) * to_raw
                left = path.their_base if down else path.their_usdc
                if gain * moments.usdc_index[step, i] > t.swap_gas * moments.gas[step, i]:
                    while left > 0.0 and root != limit:
                        liquidity = ranges.active[i, segment]
                        if down:
                            stop = ranges.edges[i, segment - 1] if segment > 0 else 0.0
                            target = max(stop, limit)
                            used = liquidity * (root - target) / (root * target)
                        else:
                            last = segment == ranges.edges.shape[1]
                            stop = np.inf if last else ranges.edges[i, segment]
                            target = min(stop, limit)
                            used = liquidity * (target - root)
                        paid = used / kept
                        if left < paid:
                            paid, used = left, left * kept
                            if down:
                                target = root * liquidity / (liquidity + used * root)
                            else:
                                target = root + used / liquidity
                        share = (paid - used) * ranges.own[i, segment] / liquidity
                        left -= paid
                        if down:
                            path.their_base -= paid
                            path.their_usdc += liquidity * (root - target)
                            path.fees_base += share
                            segment -= target == stop
                        else:
                            path.their_usdc -= paid
                            path.their_base += liquidity * (target - root) / (root * target)
                            path.fees_usdc += share
                            segment += target == stop
                        root = target
                    path.root, path.segment = root, segment
            # ---------------------------------------------------- what the vault is worth
            at = min(max(np.sqrt(base / usdc) * to_raw, ranges.low[i]), ranges.high[i])
            liquidity = ranges.liquidity[i]
            held_base = liquidity * (1.0 / at - 1.0 / ranges.high[i]) + path.idle_base
            held_usdc = liquidity * (at - ranges.low[i]) + path.idle_usdc
            worth = (held_base + path.fees_base) / t.base_unit * base
            worth += (held_usdc + path.fees_usdc) / t.usdc_unit * usdc
            nav[i] = worth + balance
            # ---------------------------------------------------- the keeper's rebalance
            delta = -t.beta * (held_base / t.base_unit * base) / price - size
            if abs(delta) * price > t.band * max(nav[i], 0.0):
                side = 1.0 if delta > 0.0 else -1.0
                start, end = side * size, side * size + abs(delta)
                rate = price / (2.0 * t.skew_scale)
                # Twice the integral of the skew, clamped to the bound, at its three ends.
                p = min(abs(start), bound) * (2.0 * abs(start) - min(abs(start), bound))
                q = min(abs(end), bound) * (2.0 * abs(end) - min(abs(end), bound))
                premium = 0.0
                if start < 0.0:
                    home = q if end < 0.0 else 0.0
                    premium = -min((p - home) * rate, path.premium * (p - home) / p)
                    p = 0.0
                if end > 0.0:
                    premium += (q - p) * rate
                booked = price * (1.0 + side * t.half_spread)
                fill = booked + premium / delta
                after = size + delta
                grows = abs(after) > abs(size)
                if side * (fill - price * (1.0 + side * t.max_slippage)) <= 0.0 and not (
                    grows and abs(after) > most
                ):
                    paid = size * (index - path.entry) + premium + abs(delta) * fill * t.taker_fee
                    if size * delta >= 0.0:
                        cost += delta * booked
                    elif abs(delta) < abs(size):
                        released = cost * abs(delta) / abs(size)
                        paid += delta * booked + released
                        cost -= released
                    else:
                        paid -= size * booked - cost
                        cost = after * booked
                    profit = after * price - cost
                    counted = min(profit, t.profit_cap * max(cash - paid, 0.0))
                    counted = counted if profit > 0.0 else profit
                    required = abs(after) * price * t.maintenance_rate
                    counted = (cash - paid + counted) * usdc * (1.0 - t.haircut)
                    balance = (cash - paid + profit) * usdc
                    equity = balance * (1.0 - t.haircut) if balance >= 0.0 else balance
                    least = max(t.initial_multiple * required - counted, 0.0)
                    least = max(t.deleverage_ratio * required - equity, least)
                    if not grows or least == 0.0:
                        nav[i] = worth + balance
                        path.cash, path.size, path.cost = cash - paid, after, cost
                        path.rate, path.index = new_rate, index
                        path.since = step * t.step_seconds
                        path.entry, path.premium = index, max(path.premium + premium, 0.0)
                        if required > 0.0:
                            path.lowest = min(path.lowest, equity / required)
    return nav
