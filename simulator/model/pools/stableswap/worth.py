"""What two coins would be at a price from outside: where they are worth the least on their D.

As :mod:`simulator.hedging.stable_lp` for any coins and arrays, of one pool at once: Newton on the
balance of the coin there is more of.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.model.pools.stableswap.invariant import invariant
from simulator.model.pools.stableswap.pool import scaled

_ROUNDS = 255
_LEAST_PRICE = 1e-9  # as the contract has it
_LAST_DIGIT = 1e-16


@inner
def _other(x: float, ann: float) -> float:
    """The other balance on the curve of D = 1: y² + (x + 1/Ann − 1)y = 1/(4·Ann·x)."""
    left, four_c = x - 1.0 + 1.0 / ann, 1.0 / (ann * x)
    root = np.sqrt(left * left + four_c)
    return 0.5 * (root - left) if left < 0.0 else 0.5 * four_c / (root + left)


@inner
def _curve_below(price: float, ann: float) -> tuple[float, float]:
    """Balances on D = 1 of a coin whose price in the other is at most one, and of the other.

    The marginal price is 1 − P(x − y)/((Ann·y + P)x), which falls in x.
    """
    low, high = 0.5, 0.5 + 0.5 / price
    x = y = low
    for _ in range(_ROUNDS):
        y = _other(x, ann)
        p = 0.25 / (x * y)
        weight = ann * y + p
        below = p * (x - y) / (weight * x)
        gap = (1.0 - price) - below
        g, r = 1.0 - below, y / x
        if gap > 0.0:
            low = x
        else:
            high = x
        step = gap * weight * y / (2.0 * p * (r * r - r * g + g * g))
        if abs(step) <= _LAST_DIGIT * ann or high - low <= _LAST_DIGIT:
            break
        x += step
        if not low < x < high:
            x = 0.5 * (low + high)
    return x, y


@inner
def curve_at(price: float, ann: float) -> tuple[float, float]:
    """Balances of two coins, of D, at which the second's units for one of the first are so many."""
    if price <= 1.0:
        return _curve_below(max(price, _LEAST_PRICE), ann)
    y, x = _curve_below(max(1.0 / price, _LEAST_PRICE), ann)
    return x, y


@inner
def balances_at(pool: Record, root: float) -> tuple[float, float]:
    """Raw balances of all shares were the pool's √P ``root``, at the D it has; not rounded."""
    d = invariant(scaled(pool), int(pool.coins), pool.ann)
    x, y = curve_at(root * root * (pool.rate[1] / pool.rate[0]), pool.ann)
    return x * d / pool.rate[0], y * d / pool.rate[1]
