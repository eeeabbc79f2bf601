"""How the LP asset and the hedge moved together, measured on the market paths themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.minimum_variance import covariance, hedge_ratios

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

ROLLING_WINDOW_HOURS = 48.0


@dataclass(frozen=True, eq=False)
class RealisedHedge:
    """What a path's own returns say about the hedge.

    ``correlation`` ``[paths]``: LP asset against the hedge portfolio Σ β_m r_m. ``betas``
    ``[markets, paths]``: minimum-variance hedge ratios of the whole path, in hindsight.
    """

    correlation: Floats
    betas: Floats


def returns_of(market: MarketPaths, protocol: Protocol) -> Floats:
    """Log returns of LP asset and hedge assets by index, ``[1 + markets, steps, paths]``."""
    assets = [1, *(m.asset for m in protocol.clearing.markets)]
    return np.diff(np.log(market.index[assets]), axis=1)


def realised_hedge(market: MarketPaths, protocol: Protocol, weights: Floats) -> RealisedHedge:
    """Correlation with the portfolio of ``weights`` ``[markets, paths]`` and betas of each path.

    The correlation is NaN where either side did not move.
    """
    moments = covariance(returns_of(market, protocol))
    return RealisedHedge(portfolio_correlation(moments, weights), hedge_ratios(moments))


def portfolio_correlation(moments: Floats, weights: Floats) -> Floats:
    """Correlation of asset 0 with Σ weights · (the other assets).

    ``moments``: covariances ``[1 + markets, 1 + markets, ...]``; ``weights`` ``[markets, ...]``.
    """
    variance = np.zeros(np.broadcast_shapes(moments.shape[2:], weights.shape[1:]))
    cross = np.zeros_like(variance)
    for m, weight in enumerate(weights):
        cross += weight * moments[0, m + 1]
        for n, other in enumerate(weights):
            variance += weight * other * moments[m + 1, n + 1]
    scale = moments[0, 0] * variance
    out = np.full(scale.shape, np.nan)
    np.divide(cross, np.sqrt(scale, where=scale > 0, out=np.ones_like(scale)), out, where=scale > 0)
    return np.clip(out, -1.0, 1.0)


def rolling_correlation(
    returns: Floats, weights: Floats, points: NDArray[np.int64], window: int
) -> Floats:
    """Correlation over the ``window`` steps before each of ``points``, ``[points, paths]``.

    ``returns`` as :func:`returns_of` gives them; asset 0 against Σ ``weights`` ``[markets, paths]``
    · (the others). ``points`` are steps; NaN where fewer than ``window`` steps lie before one.
    Running sums go step by step: a path's figures do not depend on how many stand beside it.
    """
    portfolio = np.zeros_like(returns[0])
    for m, weight in enumerate(weights):
        portfolio += weight * returns[m + 1]
    lp = returns[0]

    def moved(product: Floats) -> Floats:
        total = np.concatenate([np.zeros((1, product.shape[1])), np.cumsum(product, axis=0)])
        return total[ends] - total[ends - window]

    steps = points
    out = np.full((steps.size, lp.shape[1]), np.nan)
    known = steps >= window
    ends = steps[known]
    sum_x, sum_y = moved(lp), moved(portfolio)
    var_x = moved(lp * lp) - sum_x * sum_x / window
    var_y = moved(portfolio * portfolio) - sum_y * sum_y / window
    cov = moved(lp * portfolio) - sum_x * sum_y / window
    # Running sums leave rounding dust where nothing moved.
    floor = 1e-12
    alive = (var_x > floor * _total(lp)) & (var_y > floor * _total(portfolio))
    scale = np.sqrt(np.where(alive, var_x * var_y, 1.0))
    out[known] = np.where(alive, np.clip(cov / scale, -1.0, 1.0), np.nan)
    return out


def _total(returns: Floats) -> Floats:
    return np.cumsum(returns * returns, axis=0)[-1]
