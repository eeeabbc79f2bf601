"""What a calibration hands back, and standard errors of maximum-likelihood estimates."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config import correlation as correlations
from simulator.types import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.types import Floats

    Rows = Callable[[Floats], Floats]

# A t of more degrees of freedom is written as a normal.
MOST_DOF, LEAST_DOF = 100.0, 2.05
# Of a numerical derivative: about the cube root of the precision of a float64.
RELATIVE_STEP = 1e-5


@dataclass(frozen=True, eq=False)
class Estimate:
    """A parameter and its standard error, in the unit of the ``process:`` section."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibrated process: plain data for YAML, and how sure it is.

    ``volatility`` ``[A]`` per √year and ``correlation`` ``[A, A]`` are the long-run ones that go
    with ``process``; ``estimates`` are by field path below ``process``.
    """

    names: tuple[str, ...]
    process: dict[str, Any]
    volatility: Floats
    correlation: Floats
    estimates: dict[str, Estimate]


def yearly(deviation: Floats, step_minutes: int) -> Floats:
    """Volatility per √year of a standard deviation per step."""
    return deviation * sqrt(SECONDS_PER_YEAR / (60 * step_minutes))


def correlation_of(covariance: Floats) -> Floats:
    """Correlation matrix of a covariance matrix, its diagonal exactly 1."""
    deviation = np.sqrt(np.diag(covariance))
    matrix = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def written(correlation: Floats, digits: int) -> Floats:
    """A correlation ``[A, A]`` rounded to so many digits that a configuration takes it.

    Rounding makes a singular matrix indefinite; then it is the nearest that is not.
    """
    rounded = np.round(correlation, digits)
    if correlations.is_positive_semidefinite(rounded):
        return rounded
    return correlations.nearest(correlation, decimals=digits)


def estimates(names: Sequence[str], point: Floats, covariance: Floats) -> dict[str, Estimate]:
    """Estimates by name from a point and the covariance matrix of its errors."""
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return {
        name: Estimate(float(value), float(error))
        for name, value, error in zip(names, point, errors, strict=True)
    }


def scores(rows: Rows, point: Floats) -> Floats:
    """Derivatives ``[T, n]`` of the log likelihood of every row, by central differences."""
    columns = []
    for number, value in enumerate(point):
        step = np.zeros(len(point))
        step[number] = RELATIVE_STEP * max(abs(value), 0.01)
        columns.append((rows(point + step) - rows(point - step)) / (2 * step[number]))
    return np.column_stack(columns)


def outer_product_covariance(rows: Rows, point: Floats) -> Floats:
    """Covariance of ML estimates: inverse outer product of the scores (Berndt et al. 1974)."""
    by_row = scores(rows, point)
    return np.linalg.pinv(by_row.T @ by_row)


def sandwich_covariance(rows: Rows, point: Floats) -> Floats:
    """Covariance of quasi-ML estimates: H⁻¹ S H⁻¹ (Bollerslev and Wooldridge 1992)."""
    by_row = scores(rows, point)
    size = len(point)
    hessian = np.empty((size, size))
    for number, value in enumerate(point):
        step = np.zeros(size)
        step[number] = 1e-3 * max(abs(value), 0.01)
        ahead, behind = scores(rows, point + step), scores(rows, point - step)
        hessian[number] = (ahead.sum(axis=0) - behind.sum(axis=0)) / (2 * step[number])
    inverse = np.linalg.pinv((hessian + hessian.T) / 2)
    return inverse @ (by_row.T @ by_row) @ inverse


def delta_covariance(
    change: Callable[[Floats], Floats], point: Floats, covariance: Floats
) -> Floats:
    """Covariance of ``change(point)`` to first order (delta method)."""
    columns = []
    for number, value in enumerate(point):
        step = np.zeros(len(point))
        step[number] = RELATIVE_STEP * max(abs(value), 1e-8)
        columns.append((change(point + step) - change(point - step)) / (2 * step[number]))
    jacobian = np.column_stack(columns)
    return jacobian @ covariance @ jacobian.T
