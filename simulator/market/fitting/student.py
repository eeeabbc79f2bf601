"""Multivariate Student-t of given covariance: degrees of freedom by maximum likelihood.

The covariance is the sample's (as variance targeting does it for GARCH): free scatter and degrees
of freedom together fit the middle of clustered returns by a t of hardly more than two degrees of
freedom, whose variance no sample of finite length shows.
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import rank
from simulator.market.fitting.base import (
    LEAST_DOF,
    MOST_DOF,
    Estimate,
    Fitted,
    correlation_of,
    yearly,
)

if TYPE_CHECKING:
    from simulator.types import Floats

_DIFFERENCE = 1e-4  # relative, of numerical derivatives


def fit(returns: Floats, names: tuple[str, ...], step_minutes: int) -> Fitted:
    """See :func:`simulator.market.fitting.fit`."""
    deviation = returns.std(axis=0)
    unit = returns / deviation
    shape = correlation_of(unit.T @ unit)
    known = unit[:, rank.independent(shape)]
    dof = degrees_of_freedom(known)
    return Fitted(
        names=names,
        process={"kind": "t", "dof": round(dof, 4)},
        volatility=yearly(deviation, step_minutes),
        correlation=shape,
        estimates={"dof": Estimate(dof, _error(known, dof))},
    )


def degrees_of_freedom(unit: Floats) -> float:
    """Most likely ν of centred rows ``[T, A]`` whose covariance is the sample's."""
    from scipy.optimize import minimize_scalar

    assets = unit.shape[1]
    covariance = unit.T @ unit / len(unit)
    logs, distances = np.linalg.slogdet(covariance)[1], squares(unit, covariance)
    found = minimize_scalar(
        lambda x: -np.mean(t_density(np.exp(x), logs, distances, assets)),
        bounds=(log(LEAST_DOF), log(10 * MOST_DOF)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(found.x))


def _error(unit: Floats, dof: float) -> float:
    """Standard error of ν in two steps, the covariance's own error included (Newey 1984).

    With s the score of ν and m = vech(xxᵀ − Σ): ψ = −(s + E[∂s/∂Σ]·m) / E[∂s/∂ν].
    """
    assets = unit.shape[1]
    covariance = unit.T @ unit / len(unit)

    def score(at: float, matrix: Floats) -> Floats:
        step = _DIFFERENCE * at
        logs, distances = np.linalg.slogdet(matrix)[1], squares(unit, matrix)
        ahead = t_density(at + step, logs, distances, assets)
        return (ahead - t_density(at - step, logs, distances, assets)) / (2 * step)

    step = 10 * _DIFFERENCE * dof
    slope = np.mean(score(dof + step, covariance) - score(dof - step, covariance)) / (2 * step)
    influence = score(dof, covariance)
    for row in range(assets):
        for column in range(row + 1):
            change = np.zeros_like(covariance)
            change[row, column] = change[column, row] = _DIFFERENCE
            difference = score(dof, covariance + change) - score(dof, covariance - change)
            moment = unit[:, row] * unit[:, column] - covariance[row, column]
            influence = influence + np.mean(difference) / (2 * _DIFFERENCE) * moment
    return float(np.std(influence / slope) / np.sqrt(len(unit)))


def squares(rows: Floats, covariance: Floats) -> Floats:
    """Mahalanobis distances squared ``[T]``."""
    return np.sum(np.linalg.solve(covariance, rows.T) * rows.T, axis=0)


def t_density(dof: float, log_determinant: Floats, distances: Floats, assets: int) -> Floats:
    """Log density ``[T]`` of a multivariate t of *covariance* Σ, from log |Σ| and distances by Σ.

    Kotz and Nadarajah (2004), eq. 1.1, with scatter Σ(ν − 2)/ν.
    """
    from scipy.special import gammaln

    constant = gammaln((dof + assets) / 2) - gammaln(dof / 2) - assets / 2 * log((dof - 2) * pi)
    return constant - log_determinant / 2 - (dof + assets) / 2 * np.log1p(distances / (dof - 2))
