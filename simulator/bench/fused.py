"""A hand-written kernel of a few dynamics, in one function: what a vault simulator could cost.

One position on Uniswap v3 and what its fees come to, the pool's arbitrageur, one perp hedge traded
outside its band by a keeper, funding and margin: the formulas of ``simulator/world/model`` for
these alone, in real numbers, not rounded to raw units. Whatever the product does beside them
(books, refusals, other agents) is not here, so their ratio says what the rest costs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.kernel_files import njit

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

    usdc_index: np.ndarray
    base_index: np.ndarray
    usdc: np.ndarray
    base: np.ndarray
    hedge: np.ndarray
    gas: np.ndarray


class Ranges(NamedTuple):
    """The pool's liquidity between its edges, per path."""

    edges: np.ndarray  # √P, ascending, [P, edges]
    active: np.ndarray  # raw L from one edge to the next, [P, edges + 1]
    own: np.ndarray  # the vault's part of it, [P, edges + 1]
    low: np.ndarray  # √P of the vault's range, [P]
    high: np.ndarray
    liquidity: np.ndarray  # raw L of the vault, [P]


#: A path, one row of ``[P, 16]``: what the kernel goes on from, and where it ends.
STATE = (
    *("root", "segment", "fees_base", "fees_usdc", "their_base", "their_usdc"),  # raw
    *("idle_base", "idle_usdc", "cash", "size", "cost"),
    *("rate", "index", "entry", "premium", "lowest"),
)


@njit(cache=True, nogil=True, error_model="numpy")
def fused(terms: Terms, moments: Moments, ranges: Ranges, paths: np.ndarray) -> np.ndarray:
    """Run ``paths`` ``[P, len(STATE)]`` from the first step on; returns the NAV at the end, USD.

    A path on which the product would do anything else (recentre, deleverage, refuse) is the
    caller's to leave out.
    """
    steps, count = moments.usdc.shape
    t = terms
    days = t.step_seconds / _DAY
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
            cash, size, cost = path[8], path[9], path[10]
            new_rate, index = path[11], path[12]
            skew = min(max(size / t.skew_scale, -1.0), 1.0)
            new_rate += t.funding_velocity * skew * days
            index += 0.5 * (path[11] + new_rate) * price * days
            profit = size * price - cost - size * (index - path[13])
            balance = (cash + profit) * usdc
            equity = balance * (1.0 - t.haircut) if balance >= 0.0 else balance
            required = abs(size) * price * t.maintenance_rate
            if required > 0.0:
                path[15] = min(path[15], equity / required)
            # ---------------------------------------------------- the arbitrageur of the pool
            fair = moments.base_index[step, i] / moments.usdc_index[step, i]
            root, segment = path[0], int(path[1])
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
                left = path[4] if down else path[5]
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
                            path[4] -= paid
                            path[5] += liquidity * (root - target)
                            path[2] += share
                            segment -= target == stop
                        else:
                            path[5] -= paid
                            path[4] += liquidity * (target - root) / (root * target)
                            path[3] += share
                            segment += target == stop
                        root = target
                    path[0], path[1] = root, segment
            # ---------------------------------------------------- what the vault is worth
            at = min(max(np.sqrt(base / usdc) * to_raw, ranges.low[i]), ranges.high[i])
            liquidity = ranges.liquidity[i]
            held_base = liquidity * (1.0 / at - 1.0 / ranges.high[i]) + path[6]
            held_usdc = liquidity * (at - ranges.low[i]) + path[7]
            worth = (held_base + path[2]) / t.base_unit * base
            worth += (held_usdc + path[3]) / t.usdc_unit * usdc
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
                    premium = -min((p - home) * rate, path[14] * (p - home) / p)
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
                    paid = size * (index - path[13]) + premium + abs(delta) * fill * t.taker_fee
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
                        path[8], path[9], path[10] = cash - paid, after, cost
                        path[11], path[12] = new_rate, index
                        path[13], path[14] = index, max(path[14] + premium, 0.0)
                        if required > 0.0:
                            path[15] = min(path[15], equity / required)
                        continue
            # Nothing traded: funding goes on from what was written last.
            path[8] = cash
    return nav
