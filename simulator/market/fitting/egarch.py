"""Two-component Beta-t-EGARCH by maximum likelihood of the multivariate t (Harvey 2013, §4.2).

Levels of the log variances, the components and the degrees of freedom maximise the likelihood
given the correlation of the shocks, which is then that of the standardised returns, in turns.
Volatility and correlation written down are the returns' in the sample, as variance targeting has
it. Standard errors take the correlation as known.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.kernel_files import njit
from simulator.market.fitting.base import (
    LEAST_DOF,
    MOST_DOF,
    Fitted,
    correlation_of,
    estimates,
    outer_product_covariance,
    yearly,
)
from simulator.market.fitting.student import t_density

if TYPE_CHECKING:
    from simulator.types import Floats

# By asset: level, κ, φ, w. In common: φₘ, 1/ν. An asset's own memory stays short, half of it gone
# in three steps: left free on hourly prices it doubles the market's at 0.99, and what is then drawn
# has bursts the record does not have (autocorrelation of |r| after a day 0.32 for 0.18).
_ASSET_BOX = ((-8.0, 8.0), (1e-5, 0.5), (0.0, 0.8), (1e-5, 0.5))
_ASSET_START = (-0.3, 0.1, 0.5, 0.06)
_BOX = ((0.9, 0.9999), (1 / (2 * MOST_DOF), 1 / LEAST_DOF))
_START = (0.99, 0.2)
_ROUNDS = 2
_DIGITS = 6
_UNTENABLE = 1e6  # loss where a variance left the range of a float


def fit(returns: Floats, names: tuple[str, ...], step_minutes: int) -> Fitted:
    """See :func:`simulator.market.fitting.fit`."""
    deviation = returns.std(axis=0)
    unit = returns / deviation
    matrix = correlation_of(unit.T @ unit)
    point = np.array([*_ASSET_START * len(names), *_START])
    for _ in range(_ROUNDS):
        point = _maximise(unit, matrix, point)
        z = unit / np.exp(0.5 * _follow(unit, _natural(point), matrix)[0])
        matrix = correlation_of(z.T @ z)
    point = _natural(point)
    parts, known = {}, ["market_memory", "dof"]
    for row, name in enumerate(names):
        _, news, memory, market = (round(float(x), _DIGITS) for x in point[4 * row : 4 * row + 4])
        parts[name] = {"news": news, "memory": memory, "market": market}
        path = f"components.{name}"
        known[-2:-2] = [f"{path}.level", f"{path}.news", f"{path}.memory", f"{path}.market"]
    covariance = outer_product_covariance(lambda at: densities(unit, at, matrix), point)
    found = estimates(known, point, covariance)
    process: dict[str, Any] = {
        "kind": "egarch",
        "dof": round(float(point[-1]), 4),
        "components": parts,
        "market_memory": round(float(point[-2]), _DIGITS),
        "fitted_minutes": step_minutes,
    }
    # The level is the sample's volatility in the section, no parameter of it; what stopped at the
    # end of its box has no standard error.
    shown = {
        path: each
        for path, each in found.items()
        if not path.endswith(".level")
        and not (path.endswith(".memory") and each.value >= _ASSET_BOX[2][1])
    }
    sample = correlation_of(unit.T @ unit)
    return Fitted(names, process, yearly(deviation, step_minutes), sample, shown)


def _maximise(unit: Floats, matrix: Floats, start: Floats) -> Floats:
    from scipy.optimize import minimize

    def loss(point: Floats) -> float:
        found = np.mean(densities(unit, _natural(point), matrix))
        return -float(found) if np.isfinite(found) else _UNTENABLE

    box = [*_ASSET_BOX * unit.shape[1], *_BOX]
    return np.asarray(minimize(loss, start, method="L-BFGS-B", bounds=box).x)


def densities(unit: Floats, point: Floats, matrix: Floats) -> Floats:
    """Log densities ``[T]`` at ``point``: level, κ, φ, w of each asset, then φₘ and ν."""
    values, distances = _follow(unit, point, matrix)
    determinant = np.linalg.slogdet(matrix)[1] + values.sum(axis=1)
    return t_density(point[-1], determinant, distances, unit.shape[1])


def _natural(point: Floats) -> Floats:
    """A point of the search with ν for 1/ν."""
    return np.array([*point[:-1], 1 / point[-1]])


def _follow(unit: Floats, point: Floats, matrix: Floats) -> tuple[Floats, Floats]:
    weights = np.ascontiguousarray(point[:-2].reshape(-1, 4))
    return follow(unit, weights, point[-2], point[-1], np.linalg.inv(matrix))


@njit(cache=True, nogil=True)
def follow(
    unit: Floats, weights: Floats, market_memory: float, dof: float, inverse: Floats
) -> tuple[Floats, Floats]:
    """Log variances ``[T, A]`` of returns ``[T, A]`` and squared distances zᵀR⁻¹z ``[T]``.

    ``weights`` ``[A, 4]``: level, κ, φ, w; ``inverse`` R⁻¹. The recursion is that of
    :func:`simulator.market.processes.egarch.evolve`, from s = m = 0.
    """
    rows, assets = unit.shape
    result, distances = np.empty((rows, assets)), np.empty(rows)
    own, z, market = np.zeros(assets), np.empty(assets), 0.0
    for row in range(rows):
        for i in range(assets):
            result[row, i] = weights[i, 0] + own[i] + weights[i, 3] * market
            z[i] = unit[row, i] * exp(-0.5 * result[row, i])
        distance = 0.0
        for i in range(assets):
            for j in range(assets):
                distance += z[i] * inverse[i, j] * z[j]
            square = z[i] ** 2
            score = (dof + 1.0) * square / (dof - 2.0 + square) - 1.0
            own[i] = weights[i, 2] * own[i] + weights[i, 1] * score
        share = distance / (dof - 2.0 + distance)
        market = market_memory * market + ((dof + assets) * share - assets) / assets
        distances[row] = distance
    return result, distances
