"""GJR-GARCH variances and DCC correlation in Engle's (2002) two steps, with t or normal shocks.

First each variance by Gaussian quasi maximum likelihood, then a, b and the degrees of freedom from
the standardised returns z, the correlation they have in the sample being the long-run one. Standard
errors of the second step take the first as known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.hedging import rank
from simulator.hedging.estimators import dcc as recursion
from simulator.market.fitting import gjr
from simulator.market.fitting.base import (
    MOST_DOF,
    Estimate,
    Fitted,
    correlation_of,
    estimates,
    outer_product_covariance,
    sandwich_covariance,
    yearly,
)
from simulator.market.fitting.student import t_density

if TYPE_CHECKING:
    from simulator.types import Floats

# Box of the search: a's part of a + b, a + b, and 1 / degrees of freedom.
_BOX = ((1e-4, 0.5), (1e-3, 0.999), (1 / (2 * MOST_DOF), 0.48))
_START = (0.03, 0.96, 0.1)
_DIGITS = 6


def fit(returns: Floats, names: tuple[str, ...], step_minutes: int) -> Fitted:
    """See :func:`simulator.market.fitting.fit`."""
    deviation = returns.std(axis=0)
    z, garch = np.empty_like(returns), {}
    known: dict[str, Estimate] = {}
    for column, name in enumerate(names):
        unit = returns[:, column] / deviation[column]
        point = gjr.fit(unit)
        z[:, column] = unit / np.sqrt(gjr.variances(unit, *point)[:-1])
        garch[name] = _rounded(point)
        known |= _garch_estimates(f"garch.{name}", unit, point)
    # Unit variance, so that the target is a correlation.
    z /= np.sqrt(np.mean(z**2, axis=0))
    target = correlation_of(z.T @ z)
    kept = rank.independent(target)
    news, memory, dof, covariance = _correlation(
        np.ascontiguousarray(z[:, kept]), target[np.ix_(kept, kept)]
    )
    process: dict[str, Any] = {
        "kind": "dcc",
        "garch": garch,
        "news": round(news, _DIGITS),
        "memory": round(memory, _DIGITS),
        "dof": round(dof, 4) if dof < MOST_DOF else None,
        "fitted_minutes": step_minutes,
    }
    names_of = ("news", "memory", "dof")
    known |= estimates(names_of, np.array([news, memory, dof]), covariance)
    return Fitted(names, process, yearly(deviation, step_minutes), target, known)


def _rounded(point: Floats) -> dict[str, float]:
    alpha, gamma, beta = (round(float(value), _DIGITS) for value in point)
    # Rounding must not push α + γ below zero.
    return {"alpha": alpha, "gamma": max(gamma, -alpha), "beta": beta}


def _garch_estimates(path: str, unit: Floats, point: Floats) -> dict[str, Estimate]:
    covariance = sandwich_covariance(lambda at: gjr.densities(unit, at), point)
    return estimates([f"{path}.{name}" for name in ("alpha", "gamma", "beta")], point, covariance)


def _correlation(z: Floats, target: Floats) -> tuple[float, float, float, Floats]:
    """a, b, degrees of freedom and the covariance ``[3, 3]`` of their errors."""
    from scipy.optimize import minimize

    def loss(point: Floats) -> float:
        part, persistence, inverse = point
        at = np.array([part * persistence, (1 - part) * persistence, 1 / inverse])
        return -float(np.mean(densities(z, target, at)))

    found = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=_BOX)
    part, persistence, inverse = found.x
    point = np.array([part * persistence, (1 - part) * persistence, 1 / inverse])
    covariance = outer_product_covariance(lambda at: densities(z, target, at), point)
    return float(point[0]), float(point[1]), float(point[2]), covariance


def densities(z: Floats, target: Floats, point: Floats) -> Floats:
    """Log densities ``[T]`` of z under a, b, ν: multivariate t of correlation R_t, variance one."""
    news, memory, dof = point
    rows, assets = z.shape
    correlations = np.empty((rows + 1, assets, assets))
    recursion.follow(z, news, memory, target, correlations)
    factor = np.linalg.cholesky(correlations[:-1])
    logs = 2 * np.sum(np.log(np.diagonal(factor, axis1=1, axis2=2)), axis=1)
    whitened = np.empty_like(z)
    for i in range(assets):  # forward substitution, all rows at once
        rest = z[:, i] - np.sum(factor[:, i, :i] * whitened[:, :i], axis=1)
        whitened[:, i] = rest / factor[:, i, i]
    return t_density(dof, logs, np.sum(whitened**2, axis=1), assets)
