"""One market factor by maximum-likelihood factor analysis (Lawley and Maxwell 1971).

A factor has no scale of its own: its volatility is such that betas average one. Degrees of freedom
are fitted to estimated factor scores and residuals; each holds some of the other, which pulls them
towards the normal, so they are upper bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.hedging import rank
from simulator.market.fitting.base import (
    MOST_DOF,
    Fitted,
    correlation_of,
    delta_covariance,
    estimates,
    outer_product_covariance,
    yearly,
)
from simulator.market.fitting.student import degrees_of_freedom
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Floats

LEAST_ASSETS = 3  # with two, loadings are not identified
# Most of an asset's variance the factor may explain: one that is the factor has no errors.
MOST_EXPLAINED = 0.9999
_DIGITS = 6


def fit(returns: Floats, names: tuple[str, ...], step_minutes: int) -> Fitted:
    """See :func:`simulator.market.fitting.fit`."""
    if len(names) < LEAST_ASSETS:
        raise InputError(f"symbols = {', '.join(names)}: a factor needs {LEAST_ASSETS} or more")
    deviation = returns.std(axis=0)
    unit = returns / deviation
    kept = rank.independent(unit.T @ unit / len(unit))
    if len(kept) < len(names):
        twin = next(name for column, name in enumerate(names) if column not in kept)
        raise InputError(
            f"symbols = {', '.join(names)}: {twin} moves as those before it do; a factor would "
            "draw it apart from them, leave it out"
        )
    loading = loadings(unit)
    volatility = yearly(deviation, step_minutes)

    def change(at: Floats) -> Floats:
        """Market volatility and betas of the loadings."""
        explained = at[: len(names)] * volatility
        return np.append(np.mean(explained), explained / np.mean(explained))

    market, *betas = (round(float(value), _DIGITS) for value in change(loading))
    market_dof, own = _degrees_of_freedom(unit, loading)
    process: dict[str, Any] = {
        "kind": "factor",
        "market_volatility": market,
        "betas": dict(zip(names, betas, strict=True)),
        "market_dof": market_dof,
        "dof": {name: dof for name, dof in zip(names, own, strict=True) if dof is not None},
    }
    implied = np.outer(loading, loading)
    np.fill_diagonal(implied, 1.0)
    point = np.append(loading, np.sqrt(1 - loading**2))
    errors = delta_covariance(
        change, point, outer_product_covariance(lambda at: densities(unit, at), point)
    )
    paths = ["market_volatility", *(f"betas.{name}" for name in names)]
    return Fitted(
        names=names,
        process=process,
        volatility=volatility,
        correlation=correlation_of(implied),
        estimates=estimates(paths, change(point), errors),
    )


def loadings(unit: Floats) -> Floats:
    """Correlations ``[A]`` of standardised returns ``[T, A]`` with the factor, positive in sum.

    Factor analysis does not depend on scales, so what is explained and what is not add up to one.
    """
    from scipy.optimize import minimize

    sample = unit.T @ unit / len(unit)
    limit = float(np.sqrt(MOST_EXPLAINED))

    def loss(at: Floats) -> float:
        implied = np.outer(at, at) + np.diag(1 - at**2)
        return float(np.linalg.slogdet(implied)[1] + np.trace(np.linalg.solve(implied, sample)))

    values, vectors = np.linalg.eigh(sample)
    start = np.clip(vectors[:, -1] * np.sqrt(values[-1]), -0.9, 0.9)
    bounds = [(-limit, limit)] * len(sample)
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return found if found.sum() >= 0 else -found


def densities(unit: Floats, point: Floats) -> Floats:
    """Gaussian log densities ``[T]``; ``point`` ``[2A]``: loadings, own standard deviations."""
    assets = unit.shape[1]
    covariance = np.outer(point[:assets], point[:assets]) + np.diag(point[assets:] ** 2)
    distances = np.sum(np.linalg.solve(covariance, unit.T) * unit.T, axis=0)
    logs = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return -0.5 * (logs + distances)


def _degrees_of_freedom(unit: Floats, loading: Floats) -> tuple[float | None, list[float | None]]:
    """Of the factor and of each asset's own part; None: normal."""
    weights = loading / (1 - loading**2)
    score = unit @ weights / (weights @ loading)  # generalised least squares (Bartlett 1937)
    series = [score, *(unit - score[:, np.newaxis] * loading).T]
    found = [degrees_of_freedom(part[:, np.newaxis] / part.std()) for part in series]
    market, *own = (round(dof, 4) if dof < MOST_DOF else None for dof in found)
    return market, own
