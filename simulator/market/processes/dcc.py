"""GJR-GARCH(1,1) variances and dynamic conditional correlation.

Glosten, Jagannathan and Runkle (1993), eq. 4; Engle (2002), eqs. 24–26 with one lag. Q, not its
scaled R, is factorised: with D = diag(Q)^−½ the factor of R = DQD is D times that of Q.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from simulator.config import correlation
from simulator.config.process import Dcc, Garch
from simulator.market.processes import shocks

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats

# Paths worked on together: their Q fit in the second-level cache, and loops over them vectorise.
LANES = 64
# A pivot below this is rounding: the asset is then a combination of those before it.
LEAST_PIVOT = 1e-12


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Paths from the long-run state; see :mod:`simulator.market.processes` for the arrays."""
    process, years = settings.process, shocks.years_per_step(settings)
    assert isinstance(process, Dcc)
    garch = [process.garch.get(symbol, Garch()) for symbol in settings.symbols]
    draws = shocks.normals(settings, first_path, paths)
    if process.dof is not None:
        draws *= shocks.student_scale(settings, "dcc", process.dof, first_path, paths)
    evolve(
        index,
        draws,
        (shocks.drifts(settings) - compensators) * years,
        shocks.volatilities(settings) ** 2 * years,
        np.array([[item.alpha, item.gamma, item.beta] for item in garch]),
        correlation.initial(settings),
        process.news,
        process.memory,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def evolve(
    log_prices: Floats,
    draws: Floats,
    drift: Floats,
    variance: Floats,
    garch: Floats,
    target: Floats,
    news: float,
    memory: float,
) -> None:
    """Add a path's log returns to its jumps and sum up, in place.

    ``log_prices`` ``[A, T + 1, P]``; ``draws`` ``[A, T, P]`` of variance one, uncorrelated, turned
    into the standardised shocks; ``drift``, ``variance`` (long-run) ``[A]`` per step; ``garch``
    ``[A, 3]``: α, γ, β; ``target`` ``[A, A]``.
    """
    assets, points, paths = log_prices.shape
    for first in range(0, paths, LANES):
        lanes = min(LANES, paths - first)
        h, q = np.empty((assets, LANES)), np.empty((assets, assets, LANES))
        factor, total = np.empty((assets, assets, LANES)), np.empty(LANES)
        for i in range(assets):
            h[i] = variance[i]
            for j in range(assets):
                q[i, j] = target[i, j]
        for step in range(points - 1):
            here = draws[:, step, first : first + lanes]
            _factorise(q, factor, total, lanes)
            _correlate(here, factor, q, total, lanes)
            for i in range(assets):
                before = log_prices[i, step, first : first + lanes]
                after = log_prices[i, step + 1, first : first + lanes]
                _garch_step(before, after, here[i], h[i], drift[i], variance[i], garch[i], lanes)
            for i in range(assets):
                for j in range(i + 1):
                    base = (1.0 - news - memory) * target[i, j]
                    for lane in range(lanes):
                        q[i, j, lane] = (
                            base + news * here[i, lane] * here[j, lane] + memory * q[i, j, lane]
                        )


@njit(cache=True, nogil=True, error_model="numpy")
def _factorise(q: Floats, factor: Floats, total: Floats, lanes: int) -> None:
    """Lower Cholesky factors ``[A, A, LANES]`` of ``q``; the diagonal holds 1/pivot, 0 for none."""
    assets = len(q)
    for j in range(assets):
        for i in range(j, assets):
            for lane in range(lanes):
                total[lane] = q[i, j, lane]
            for k in range(j):
                for lane in range(lanes):
                    total[lane] -= factor[i, k, lane] * factor[j, k, lane]
            if i == j:
                for lane in range(lanes):
                    pivot = max(total[lane], LEAST_PIVOT)
                    factor[j, j, lane] = 1.0 / sqrt(pivot) if total[lane] > LEAST_PIVOT else 0.0
            else:
                for lane in range(lanes):
                    factor[i, j, lane] = total[lane] * factor[j, j, lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _correlate(draws: Floats, factor: Floats, q: Floats, total: Floats, lanes: int) -> None:
    """Turn uncorrelated ``draws`` ``[A, lanes]`` into shocks of correlation diag(q)^−½·q·diag^−½.

    From the last asset to the first, since asset i needs the draws of those before it.
    """
    for i in range(len(q) - 1, -1, -1):
        for lane in range(lanes):
            inverse = factor[i, i, lane]
            total[lane] = draws[i, lane] / inverse if inverse > 0.0 else 0.0
        for k in range(i):
            for lane in range(lanes):
                total[lane] += factor[i, k, lane] * draws[k, lane]
        for lane in range(lanes):
            draws[i, lane] = total[lane] / sqrt(q[i, i, lane])


@njit(cache=True, nogil=True, error_model="numpy")
def _garch_step(
    before: Floats,
    after: Floats,
    shock: Floats,
    h: Floats,
    drift: float,
    variance: float,
    garch: Floats,
    lanes: int,
) -> None:
    """One asset's log prices and next variances ``[lanes]``."""
    alpha, gamma, beta = garch[0], garch[1], garch[2]
    omega = (1.0 - alpha - 0.5 * gamma - beta) * variance
    for lane in range(lanes):
        residual = sqrt(h[lane]) * shock[lane]
        after[lane] += before[lane] + drift - 0.5 * h[lane] + residual
        weight = alpha + gamma if residual < 0.0 else alpha
        h[lane] = omega + weight * residual * residual + beta * h[lane]
