"""Markov regimes by EM: Hamilton's filter, Kim's smoother (Hamilton 1990; Kim 1994).

`statsmodels` fits one series only. Returns are normal with mean zero within a regime; regimes are
written in order of their volatility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.hedging import rank
from simulator.hedging.estimators.regimes import RegimeModel, follow, look_back
from simulator.market.fitting.base import (
    Fitted,
    correlation_of,
    estimates,
    outer_product_covariance,
    written,
    yearly,
)

if TYPE_CHECKING:
    from simulator.types import Floats

REGIMES = 2
ROUNDS, TOLERANCE = 500, 1e-9  # of EM: most rounds, and the gain per row that ends it
# First covariances, as multiples of the sample's from the first to the last.
_SPREAD = (0.4, 3.0)
_STAY = 0.95
# Part of the sample covariance a regime keeps, lest one close in on a few rows.
_FLOOR = 1e-5
_DIGITS = 6


def fit(
    returns: Floats, names: tuple[str, ...], step_minutes: int, regimes: int = REGIMES
) -> Fitted:
    """See :func:`simulator.market.fitting.fit`; ``regimes``: how many."""
    scale = returns.std(axis=0)
    unit = returns / scale
    sample = unit.T @ unit / len(unit)
    kept = rank.independent(sample)
    model = expectation_maximisation(np.ascontiguousarray(unit[:, kept]), regimes)
    # What moves as the others do is carried by them in every regime.
    carried = rank.carried(sample, kept)
    covariances = carried @ model.covariances @ carried.T
    deviation = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)) * scale
    volatility = yearly(deviation, step_minutes)
    mixed = np.einsum("k,kij->ij", model.start(), covariances)
    process: dict[str, Any] = {
        "kind": "regime",
        "regimes": [
            {
                "volatility": _by(names, volatility[k]),
                "correlation": {"pairs": pairs(names, correlation_of(covariances[k]))},
            }
            for k in range(regimes)
        ],
        "transition": _rounded(model.transition),
        "fitted_minutes": step_minutes,
    }
    return Fitted(
        names=names,
        process=process,
        volatility=yearly(np.sqrt(np.diag(mixed)) * scale, step_minutes),
        correlation=correlation_of(mixed),
        estimates=_estimates(
            model,
            unit[:, kept],
            tuple(names[asset] for asset in kept),
            yearly(scale[kept], step_minutes),
        ),
    )


def expectation_maximisation(unit: Floats, regimes: int) -> RegimeModel:
    """Maximum-likelihood model of rows ``[T, A]`` of unit variance, calmest regime first."""
    sample = unit.T @ unit / len(unit)
    spread = np.geomspace(*_SPREAD, regimes)
    leave = (1 - _STAY) / (regimes - 1)
    transition = np.full((regimes, regimes), leave) + (_STAY - leave) * np.eye(regimes)
    model = RegimeModel(transition, spread[:, np.newaxis, np.newaxis] * sample)
    before = -np.inf
    for _ in range(ROUNDS):
        predicted, filtered, likelihood = follow(
            model.densities(unit), model.transition, model.start()
        )
        if likelihood - before < TOLERANCE * len(unit):
            break
        before = likelihood
        smoothed, moves = look_back(predicted, filtered, model.transition)
        weights = np.maximum(smoothed.sum(axis=0), 1e-300)
        products = np.einsum("tk,ti,tj->kij", smoothed, unit, unit, optimize=True)
        model = RegimeModel(
            moves / np.maximum(moves.sum(axis=1, keepdims=True), 1e-300),
            products / weights[:, np.newaxis, np.newaxis] + _FLOOR * sample,
        )
    order = np.argsort(np.trace(model.covariances, axis1=1, axis2=2))
    return RegimeModel(model.transition[np.ix_(order, order)], model.covariances[order])


def pairs(names: tuple[str, ...], correlation: Floats) -> dict[str, float]:
    """Correlations by pair, as a ``pairs`` field takes them."""
    rounded = written(correlation, _DIGITS)
    return {
        f"{names[row]}/{names[column]}": float(rounded[row, column])
        for row in range(len(names))
        for column in range(row + 1, len(names))
    }


def _by(names: tuple[str, ...], values: Floats) -> dict[str, float]:
    return {name: round(float(value), _DIGITS) for name, value in zip(names, values, strict=True)}


def _rounded(transition: Floats) -> list[list[float]]:
    """Rows that still sum to one: what rounding leaves goes to the largest entry."""
    rows = []
    for row in np.round(transition, _DIGITS):
        row[np.argmax(row)] += 1 - row.sum()
        rows.append([round(float(entry), _DIGITS) for entry in row])
    return rows


def _estimates(
    model: RegimeModel, unit: Floats, names: tuple[str, ...], yearly_unit: Floats
) -> Any:
    """Volatilities, correlations and the chances to leave, with their errors."""
    count, assets = len(model.covariances), len(names)
    above = np.triu_indices(assets, 1)
    off = ~np.eye(count, dtype=np.bool_)
    paths = [f"regimes.{k}.volatility.{name}" for k in range(count) for name in names]
    paths += [
        f"regimes.{k}.correlation.pairs.{names[i]}/{names[j]}"
        for k in range(count)
        for i, j in zip(*above, strict=True)
    ]
    paths += [f"transition.{i}.{j}" for i, j in np.argwhere(off)]
    deviation = np.sqrt(np.diagonal(model.covariances, axis1=1, axis2=2))
    shapes = [correlation_of(matrix)[above] for matrix in model.covariances]
    point = np.concatenate([deviation.ravel(), np.ravel(shapes), model.transition[off]])

    def rows(at: Floats) -> Floats:
        size = count * assets
        deviations = at[:size].reshape(count, assets)
        correlations = np.tile(np.eye(assets), (count, 1, 1))
        values = at[size : size + count * len(above[0])].reshape(count, -1)
        correlations[:, above[0], above[1]] = correlations[:, above[1], above[0]] = values
        transition = np.zeros((count, count))
        transition[off] = at[len(at) - count * (count - 1) :]
        np.fill_diagonal(transition, 1 - transition.sum(axis=1))
        outer = deviations[:, :, np.newaxis] * deviations[:, np.newaxis]
        return row_likelihoods(RegimeModel(transition, correlations * outer), unit)

    covariance = outer_product_covariance(rows, point)
    scale = np.ones(len(point))
    scale[: count * assets] = np.tile(yearly_unit, count)
    return estimates(paths, point * scale, covariance * np.outer(scale, scale))


def row_likelihoods(model: RegimeModel, unit: Floats) -> Floats:
    """Log density ``[T]`` of every row given those before it."""
    densities = model.densities(unit)
    predicted, _, _ = follow(densities, model.transition, model.start())
    most = densities.max(axis=1)
    chances = np.sum(predicted[:-1] * np.exp(densities - most[:, np.newaxis]), axis=1)
    return most + np.log(chances)
