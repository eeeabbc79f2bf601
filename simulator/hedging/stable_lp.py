"""Closed forms of a share of a StableSwap pool at prices from outside: what it holds and is worth.

Source, by the short name the docstrings use: *SS*, Egorov, "StableSwap – efficient mechanism for
Stablecoin liquidity" (2019), with A as Curve's pools have it (the paper's times n^(n−1)).

A pool's balances are where the last exchange left them, so what they are worth, and any price read
off them, is the last trader's to choose for a block. Its invariant D is not: an exchange leaves it
as it is, but for fees, which raise it. At prices p of an oracle the balances x(p) that arbitrage
would leave follow from D alone: those on the curve whose marginal prices are p. They are also the
worth least at p of all on that curve, so that the value here is never more than the coins in the
pool fetch at the oracle's prices, wherever they have been pushed; and whoever pushes them moves it
by his fees, upward. The derivative of the value by a price is the balance of that coin (envelope
theorem), what a hedge has to be short of.

``prices`` has the coins along its last axis, 2 to 4 of them, in any unit of account; ``invariant``
is the D that belongs to the share (of one share: the virtual price) and broadcasts against the
others. With rates (wstETH), prices are of what the rate has turned a coin into, so are balances.

All functions raise :class:`~simulator.types.InputError` unless prices are above 0 and finite,
0 ≤ D < ∞ and nA > 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Floats

_HALVINGS = 80
_COINS = (2, 3, 4)


def balances(prices: ArrayLike, invariant: ArrayLike, amplification: float) -> Floats:
    """Balances ``[..., n]`` at which the marginal prices of the pool are ``prices``, on D.

    SS, the invariant Ann·S + D = Ann·D + P with P = D^(n+1)/(n^n Π x): a coin's marginal price is
    as Ann + P/x_k, so that x_k = P/(λp_k − Ann) for one λ. With D = 1, Π gives P from λ, P^(n+1) =
    Π(λp_k − Ann)/n^n; λ is then the root of the invariant, by bisection on the logarithm of its
    excess over Ann/min p, which is P over the greatest balance: between 1/n and n(n Ann + 1), as S
    lies between D and n D.
    """
    p = check.numbers("prices", prices, above=0.0)
    d = check.numbers("invariant", invariant, least=0.0)
    n = p.shape[-1] if p.ndim else 0
    if n not in _COINS:
        raise InputError(f"prices: {n} coins; allowed: 2, 3 or 4 along the last axis")
    ann = n * float(check.numbers("amplification", amplification, above=1.0 / n))
    # Prices by the least: λ p − Ann is then e + (e + Ann)(p − 1), e its excess, without cancelling.
    over = p / p.min(axis=-1, keepdims=True) - 1.0
    low = np.full((*p.shape[:-1], 1), -np.log(2.0 * n))
    high = np.full_like(low, np.log(2.0 * n * (n * ann + 1.0)))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        above = _excess(_on_curve(middle, over, ann, n), ann) < 0.0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    x, _ = _on_curve(0.5 * (low + high), over, ann, n)
    return np.asarray(x * d[..., None], np.float64)


def value(prices: ArrayLike, invariant: ArrayLike, amplification: float) -> Floats:
    """What the share is worth at ``prices``: Σ p·x(p), at most what its coins fetch there."""
    held = balances(prices, invariant, amplification)
    return np.asarray((held * np.asarray(prices, np.float64)).sum(axis=-1), np.float64)


def delta(prices: ArrayLike, invariant: ArrayLike, amplification: float) -> Floats:
    """∂V/∂p_k ``[..., n]``: the balances themselves, V being a minimum over the curve."""
    return balances(prices, invariant, amplification)


def gamma(prices: ArrayLike, invariant: ArrayLike, amplification: float) -> Floats:
    """p₀²·∂²V/∂p₀² of two coins, never positive: coins that go into the pool are those that fall.

    With g(x) = p₀/p₁ on the curve, dg/dx = −2P(r² − r·g + g²)/(y²(Ann + P/y)), r = y/x, so that
    ∂x/∂p₀ = 1/(p₁·dg/dx); V being homogeneous, −Γ is the cross term. InputError: not two coins.
    """
    p = check.numbers("prices", prices, above=0.0)
    if p.ndim == 0 or p.shape[-1] != 2:
        raise InputError(f"prices: shape {p.shape}; allowed: two coins along the last axis")
    held = balances(p, 1.0, amplification)
    x, y = held[..., 0], held[..., 1]
    ann, g, r, top = 2.0 * amplification, p[..., 0] / p[..., 1], y / x, 0.25 / (x * y)
    slope = -2.0 * top * (r * r - r * g + g * g) / (y * y * (ann + top / y))
    return np.asarray(p[..., 0] ** 2 / (p[..., 1] * slope) * np.asarray(invariant), np.float64)


def impermanent_loss(prices: ArrayLike, amplification: float) -> Floats:
    """V(p) over what the coins put in at equal prices, one n-th each, are worth at p, less one."""
    p = np.asarray(prices, np.float64)
    return value(p, 1.0, amplification) / p.mean(axis=-1) - 1.0


def _on_curve(log_excess: Floats, over: Floats, ann: float, n: int) -> tuple[Floats, Floats]:
    """Balances and P for D = 1 where λ exceeds Ann by ``log_excess``."""
    e = np.exp(log_excess)
    slack = e + (e + ann) * over
    p = np.exp((np.log(slack).sum(axis=-1, keepdims=True) - n * np.log(n)) / (n + 1))
    return p / slack, p


def _excess(at: tuple[Floats, Floats], ann: float) -> Floats:
    """Of the invariant at D = 1: Ann S + 1 − Ann − P, above zero where λ is too small."""
    x, p = at
    return np.asarray(ann * x.sum(axis=-1, keepdims=True) + 1.0 - ann - p, np.float64)
