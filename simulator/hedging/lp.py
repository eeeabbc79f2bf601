"""Closed forms of one Uniswap v3 liquidity position without fees: value, Greeks, losses.

Sources, by the short names the docstrings use:

* *v3*: Adams, Zinsmeister, Salem, Keefer, Robinson, "Uniswap v3 Core" (2021).
* *LVR*: Milionis, Moallemi, Roughgarden, Zhang, "Automated Market Making and
  Loss-Versus-Rebalancing" (2022, arXiv:2208.06046).

``price`` P is quote tokens per base token, ``liquidity`` L is √(base · quote), values are in quote
tokens. Any consistent units do: whole tokens with whole-token L, or raw units with the pool's own L
and a raw price. ``lower`` and ``upper`` bound the range in the same price; the defaults 0 and ∞ are
the full range, a limit that the model's compiled scalar twin of :func:`amounts`, between two ticks
(:func:`simulator.model.pools.uniswap_v3.tick.amounts_for_liquidity`), does not have. Every
argument broadcasts, and results have the broadcast shape, float64.

All functions raise :class:`~simulator.types.InputError` unless 0 < P < ∞, 0 ≤ lower < upper and
0 ≤ L < ∞.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import shown
from simulator.hedging import check
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Booleans, Floats


def amounts(
    price: ArrayLike, liquidity: ArrayLike, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf
) -> tuple[Floats, Floats]:
    """Base and quote tokens held: L(1/√P − 1/√P_b) and L(√P − √P_a), P kept within the range.

    v3, equations 6.29 and 6.30.
    """
    root, low, high = _roots(price, lower, upper)
    scale = _non_negative("liquidity", liquidity)
    return scale * (1.0 / root - 1.0 / high), scale * (root - low)


def value(
    price: ArrayLike, liquidity: ArrayLike, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf
) -> Floats:
    """Value of the position in quote tokens; in range L(2√P − √P_a − P/√P_b).

    v3, equations 6.29 and 6.30, both legs at P.
    """
    base, quote = amounts(price, liquidity, lower, upper)
    return base * np.asarray(price, np.float64) + quote


def delta(
    price: ArrayLike, liquidity: ArrayLike, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf
) -> Floats:
    """V'(P), in base tokens: what a hedge must short.

    Equal to the base tokens held, by the envelope theorem (LVR: V' = x*).
    """
    return amounts(price, liquidity, lower, upper)[0]


def gamma(
    price: ArrayLike, liquidity: ArrayLike, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf
) -> Floats:
    """V''(P), base tokens per unit of price: −L/(2P^{3/2}) for lower ≤ P < upper, else 0.

    The derivative of :func:`delta`; it jumps at both ends of the range, half-open as the pool's own
    (see :func:`in_range`).
    """
    P = np.asarray(price, np.float64)
    scale = _non_negative("liquidity", liquidity)
    return np.where(in_range(price, lower, upper), -0.5 * scale * P**-1.5, 0.0)


def lvr_rate(
    price: ArrayLike,
    liquidity: ArrayLike,
    volatility: ArrayLike,
    lower: ArrayLike = 0.0,
    upper: ArrayLike = np.inf,
) -> Floats:
    """Loss-versus-rebalancing ½σ²P²|V''(P)|, quote tokens per year; Lσ²√P/4 in range, else 0.

    LVR, theorem 1; ``volatility`` σ is per square root of a year. Over the value of the full range
    it is σ²/8 whatever the price (LVR, the constant-product example). InputError also unless
    0 ≤ σ < ∞.
    """
    sigma = _non_negative("volatility", volatility)
    P = np.asarray(price, np.float64)
    return -0.5 * sigma**2 * P**2 * gamma(price, liquidity, lower, upper)


def divergence_loss(
    price: ArrayLike,
    entry_price: ArrayLike,
    liquidity: ArrayLike,
    lower: ArrayLike = 0.0,
    upper: ArrayLike = np.inf,
) -> Floats:
    """Value at P less that of the tokens held at ``entry_price``, in quote tokens; never positive.

    L(s − s₀)(1 − P/(s·s₀)) with s, s₀ the roots of P and entry price kept within the range: the
    difference of the two values by v3, equations 6.29 and 6.30, factored so that nothing cancels
    near the entry price. In range it is −L(√P − √P₀)²/√P₀. Entry may itself be out of range.
    """
    root, _, _ = _roots(price, lower, upper)
    entry, _, _ = _roots(entry_price, lower, upper, name="entry_price")
    P = np.asarray(price, np.float64)
    loss = _non_negative("liquidity", liquidity) * (root - entry) * (1.0 - P / (root * entry))
    # Next to the entry price both factors are rounding errors, whose signs may agree.
    return np.minimum(loss, 0.0)


def impermanent_loss(
    price: ArrayLike,
    entry_price: ArrayLike,
    lower: ArrayLike = 0.0,
    upper: ArrayLike = np.inf,
) -> Floats:
    """:func:`divergence_loss` as a fraction of the value of holding; in (−1, 0], whatever L.

    Full range: 2√k/(1 + k) − 1 with k = P/entry_price.
    """
    loss = divergence_loss(price, entry_price, 1.0, lower, upper)
    base, quote = amounts(entry_price, 1.0, lower, upper)
    return loss / (base * np.asarray(price, np.float64) + quote)


def in_range(price: ArrayLike, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf) -> Booleans:
    """Whether the position is active: lower ≤ P < upper, as the pool counts it.

    v3, section 6.1: the current tick is the floor of log P, so a range owns its lower end only.
    """
    _roots(price, lower, upper)
    P = np.asarray(price, np.float64)
    return (np.asarray(lower) <= P) & (np.asarray(upper) > P)


def _roots(
    price: ArrayLike, lower: ArrayLike, upper: ArrayLike, name: str = "price"
) -> tuple[Floats, Floats, Floats]:
    """√P kept within the range, √P_a, √P_b."""
    P = check.numbers(name, price, above=0.0)
    low = check.numbers("lower", lower, least=0.0)
    high = check.numbers("upper", upper, infinite=True)
    if not np.all(low < high):
        raise InputError(f"lower, upper = {shown(lower)}, {shown(upper)}: must be lower < upper")
    low, high = np.sqrt(low), np.sqrt(high)
    return np.minimum(np.maximum(np.sqrt(P), low), high), low, high


def _non_negative(name: str, number: ArrayLike) -> Floats:
    return check.numbers(name, number, least=0.0)
