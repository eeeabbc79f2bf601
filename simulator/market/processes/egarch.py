"""Two-component Beta-t-EGARCH, the slow component common to the market (Harvey 2013, chapter 4).

Log variances follow the scores of the multivariate t likelihood. With z the shocks of covariance R
(variance one) and d = zᵀR⁻¹z over the n assets that have a component, the score by a common log
variance is ½((ν + n)·b − n), b = d/(ν − 2 + d); by that of one asset the same with n = 1. Twice the
scores are used, as beside a log variance, the common one divided by n.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation
from simulator.config.process import Egarch
from simulator.kernel_files import njit
from simulator.market.processes import shocks
from simulator.market.streams import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats

# A pivot below this is rounding: the asset is then a combination of those before it.
LEAST_PIVOT = 1e-12
# Of the quadrature over the Beta laws; weights of scores below the least change nothing that shows.
_NODES, _LEAST_WEIGHT, _BLOCK = 24, 1e-5, 4_096


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Paths from the market's long-run law; see :mod:`simulator.market.processes`."""
    process, years = settings.process, shocks.years_per_step(settings)
    assert isinstance(process, Egarch)
    draws = shocks.normals(settings, first_path, paths)
    draws *= shocks.student_scale(settings, "egarch", process.dof, first_path, paths)
    moving = np.array([settings.symbols.index(symbol) for symbol in process.components], np.int64)
    weights = np.zeros((len(settings.symbols), 3))
    level = shocks.volatilities(settings) ** 2 * years
    market = np.zeros(paths)
    for symbol, row in zip(process.components, moving, strict=True):
        own = process.components[symbol]
        weights[row] = own.news, own.memory, own.market
        level[row] *= exp(-log_mean(process, symbol))
    if len(moving):
        # The law of m is that of a sum of many small scores, as good as normal.
        unit = Stream(settings.seed, "egarch/market").normals(first_path, paths, 1)[0]
        market = unit * _market_deviation(process)
    matrix = correlation.initial(settings)
    evolve(
        index,
        draws,
        (shocks.drifts(settings) - compensators) * years,
        level,
        weights,
        correlation.cholesky(matrix),
        np.sort(moving),
        correlation.cholesky(matrix[np.ix_(np.sort(moving), np.sort(moving))]),
        market,
        process.market_memory,
        process.dof,
    )


def _market_deviation(process: Egarch) -> float:
    count = len(process.components)
    score = 2 * process.dof / (count * (process.dof + count + 2))
    return sqrt(score / (1 - process.market_memory**2))


def log_mean(process: Egarch, symbol: str) -> float:
    """Log E[e^(s + w·m)] of an asset in the long run: what its level is below the log variance."""
    own = process.components[symbol]
    return _log_mean(
        (own.news, own.memory),
        (own.market, process.market_memory),
        process.dof,
        len(process.components),
    )


@lru_cache(maxsize=256)
def _log_mean(
    own: tuple[float, float], market: tuple[float, float], dof: float, count: int
) -> float:
    """Sum over lags k of the cumulant of κφ^k·u + wφₘ^k·U, by Gauss–Jacobi quadrature.

    With b of law Beta(n/2, ν/2) for all n assets and v of law Beta(½, (n − 1)/2), the asset's part
    of d, its own is vb/(1 − b + vb).
    """
    from scipy.special import roots_jacobi

    def beta(first: float, second: float) -> tuple[Floats, Floats]:
        nodes, mass = roots_jacobi(_NODES, second - 1, first - 1)
        return (nodes + 1) / 2, mass / mass.sum()

    joint, joint_mass = beta(count / 2, dof / 2)
    part, part_mass = beta(0.5, (count - 1) / 2) if count > 1 else (np.ones(1), np.ones(1))
    every = ((dof + count) * joint - count) / count
    single = part[:, None] * joint / (1 - joint + part[:, None] * joint)
    alone = (dof + 1) * single - 1
    mass = part_mass[:, None] * joint_mass
    fast, slow = _lags(*own), _lags(*market)
    total = 0.0
    for first in range(0, max(fast, slow), _BLOCK):
        lag = np.arange(first, min(first + _BLOCK, max(fast, slow)))[:, None]
        weight = market[0] * market[1] ** lag
        if first >= fast:  # only the market's is left
            total += float(np.sum(np.log(np.exp(weight * every) @ joint_mass)))
            continue
        combined = (own[0] * own[1] ** lag)[:, :, None] * alone + weight[:, :, None] * every
        total += float(np.sum(np.log(np.sum(np.exp(combined) * mass, axis=(1, 2)))))
    return total


def _lags(weight: float, memory: float) -> int:
    """Lags after which a weight that decays by ``memory`` a step is too small to count."""
    if weight <= _LEAST_WEIGHT:
        return 0
    return 1 if memory == 0.0 else 1 + ceil(log(_LEAST_WEIGHT / weight) / log(memory))


@njit(cache=True, nogil=True, error_model="numpy")
def evolve(
    log_prices: Floats,
    draws: Floats,
    drift: Floats,
    level: Floats,
    weights: Floats,
    factor: Floats,
    moving: NDArray[np.int64],
    whitener: Floats,
    market: Floats,
    market_memory: float,
    dof: float,
) -> None:
    """Add a path's log returns to its jumps and sum up, in place.

    ``log_prices`` ``[A, T + 1, P]``; ``draws`` ``[A, T, P]`` of variance one, uncorrelated; per
    step and asset ``drift``, ``level`` (variance at s = m = 0) ``[A]`` and ``weights`` ``[A, 3]``:
    κ, φ, w; ``factor`` ``[A, A]`` of the correlation; ``moving`` ``[n]`` rows that have a
    component, ``whitener`` ``[n, n]`` the factor of their correlation; ``market`` ``[P]`` m at the
    start, changed.
    """
    assets, points, paths = log_prices.shape
    count = len(moving)
    own, z = np.zeros((assets, paths)), np.empty((assets, paths))
    white, distance, variance = np.empty((count, paths)), np.empty(paths), np.empty(paths)
    for step in range(points - 1):
        for i in range(assets):
            z[i] = 0.0
            for j in range(i + 1):
                for path in range(paths):
                    z[i, path] += factor[i, j] * draws[j, step, path]
        distance[:] = 0.0
        for i in range(count):
            pivot = whitener[i, i]
            inverse = 1.0 / pivot if pivot > LEAST_PIVOT else 0.0
            for path in range(paths):
                rest = z[moving[i], path]
                for j in range(i):
                    rest -= whitener[i, j] * white[j, path]
                white[i, path] = rest * inverse
                distance[path] += white[i, path] ** 2
        for i in range(assets):
            news, memory, loading = weights[i]
            before, after = log_prices[i, step], log_prices[i, step + 1]
            # Apart: what follows is done eight paths at a time, which a call of exp is not.
            for path in range(paths):
                variance[path] = level[i] * exp(own[i, path] + loading * market[path])
            for path in range(paths):
                h = variance[path]
                after[path] += before[path] + drift[i] - 0.5 * h + sqrt(h) * z[i, path]
                square = z[i, path] ** 2
                score = (dof + 1.0) * square / (dof - 2.0 + square) - 1.0
                own[i, path] = memory * own[i, path] + news * score
        if count:
            for path in range(paths):
                share = distance[path] / (dof - 2.0 + distance[path])
                score = ((dof + count) * share - count) / count
                market[path] = market_memory * market[path] + score
