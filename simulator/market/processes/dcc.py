"""GJR-GARCH(1,1) variances and dynamic conditional correlation.

Glosten, Jagannathan and Runkle (1993), eq. 4; Engle (2002), eqs. 24–26 with one lag. Q, not its
scaled R, is factorised: with D = diag(Q)^−½ the factor of R = DQD is D times that of Q.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation
from simulator.config.process import Dcc, Garch
from simulator.kernel_files import njit
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
    scale = np.empty((0, paths))
    if process.dof is not None:
        scale = shocks.student_scale(settings, "dcc", process.dof, first_path, paths)
    evolve(
        index,
        shocks.point_normals(settings, index, first_path, paths),
        shocks.has_jumps(settings),
        scale,
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
    jumps: bool,
    scale: Floats,
    drift: Floats,
    variance: Floats,
    garch: Floats,
    target: Floats,
    news: float,
    memory: float,
) -> None:
    """Add a path's log returns to its jumps, if it has any, and sum up, in place.

    ``log_prices`` and ``draws`` ``[A, T + 1, P]``, the normals of each point's step, uncorrelated
    and of variance one; without ``jumps`` the two may be one array. ``scale`` ``[T, P]`` on a
    step's normals, or ``[0, P]`` for none; ``drift``, ``variance`` (long-run) ``[A]`` per step;
    ``garch`` ``[A, 3]``: α, γ, β; ``target`` ``[A, A]``.
    """
    assets, points, paths = log_prices.shape
    # Buffers of one length, worked on whole: loops of a known length vectorise without a rest.
    h, level, shock = (
        np.empty((assets, LANES)),
        np.empty((assets, LANES)),
        np.empty((assets, LANES)),
    )
    q, factor = np.empty((assets, assets, LANES)), np.empty((assets, assets, LANES))
    total = np.empty(LANES)
    for first in range(0, paths, LANES):
        lanes = min(LANES, paths - first)
        level[:], shock[:] = 0.0, 0.0
        for i in range(assets):
            h[i] = variance[i]
            for j in range(assets):
                q[i, j] = target[i, j]
        for step in range(points - 1):
            for i in range(assets):
                drawn = draws[i, step + 1, first : first + lanes]
                stretch = scale[step : step + 1, first : first + lanes]
                _take(drawn, stretch, shock[i])
            _factorise(q, factor, total)
            _correlate(shock, factor, q, total)
            for i in range(assets):
                _garch_step(level[i], shock[i], h[i], drift[i], variance[i], garch[i])
                after, reached = log_prices[i, step + 1, first : first + lanes], level[i]
                if jumps:
                    for lane in range(lanes):
                        reached[lane] += after[lane]
                for lane in range(lanes):
                    after[lane] = reached[lane]
            _update(q, shock, target, news, memory)


@njit(cache=True, nogil=True, error_model="numpy")
def _take(drawn: Floats, scale: Floats, shock: Floats) -> None:
    """Put a step's normals ``[lanes]``, times ``scale`` ``[1, lanes]`` if any, into ``shock``."""
    if len(scale) > 0:
        for lane in range(len(drawn)):
            shock[lane] = drawn[lane] * scale[0, lane]
    else:
        for lane in range(len(drawn)):
            shock[lane] = drawn[lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _factorise(q: Floats, factor: Floats, total: Floats) -> None:
    """Lower Cholesky factors ``[A, A, LANES]`` of ``q``; the diagonal holds 1/pivot, 0 for none."""
    assets = len(q)
    for j in range(assets):
        for i in range(j, assets):
            left, out = q[i, j], factor[i, j]
            for k in range(j):
                one, other = factor[i, k], factor[j, k]
                for lane in range(LANES):
                    total[lane] = left[lane] - one[lane] * other[lane]
                left = total
            if i == j:
                for lane in range(LANES):
                    pivot = max(left[lane], LEAST_PIVOT)
                    out[lane] = 1.0 / sqrt(pivot) if left[lane] > LEAST_PIVOT else 0.0
            else:
                inverse = factor[j, j]
                for lane in range(LANES):
                    out[lane] = left[lane] * inverse[lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _correlate(shock: Floats, factor: Floats, q: Floats, total: Floats) -> None:
    """Give uncorrelated ``shock`` ``[A, LANES]`` the correlation diag(q)^−½·q·diag^−½, in place.

    From the last asset to the first, since asset i needs the draws of those before it.
    """
    for i in range(len(q) - 1, -1, -1):
        own, inverse, variance = shock[i], factor[i, i], q[i, i]
        for lane in range(LANES):
            total[lane] = own[lane] / inverse[lane] if inverse[lane] > 0.0 else 0.0
        for k in range(i):
            weight, other = factor[i, k], shock[k]
            for lane in range(LANES):
                total[lane] += weight[lane] * other[lane]
        for lane in range(LANES):
            own[lane] = total[lane] / sqrt(variance[lane])


@njit(cache=True, nogil=True, error_model="numpy")
def _garch_step(
    level: Floats, shock: Floats, h: Floats, drift: float, variance: float, garch: Floats
) -> None:
    """One asset's log prices and next variances ``[LANES]``, in place."""
    alpha, gamma, beta = garch[0], garch[1], garch[2]
    omega = (1.0 - alpha - 0.5 * gamma - beta) * variance
    for lane in range(LANES):
        residual = sqrt(h[lane]) * shock[lane]
        level[lane] = level[lane] + drift - 0.5 * h[lane] + residual
        weight = alpha + gamma if residual < 0.0 else alpha
        h[lane] = omega + weight * residual * residual + beta * h[lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _update(q: Floats, shock: Floats, target: Floats, news: float, memory: float) -> None:
    """The next ``q`` ``[A, A, LANES]``, lower half, in place."""
    for i in range(len(q)):
        for j in range(i + 1):
            base = (1.0 - news - memory) * target[i, j]
            one, other, own = shock[i], shock[j], q[i, j]
            for lane in range(LANES):
                own[lane] = base + news * one[lane] * other[lane] + memory * own[lane]
