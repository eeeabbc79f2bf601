"""Correlation matrices of a configuration: built, checked, repaired, changed by shocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.shocks import Convergence, Decoupling
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.config.fields import Fields
    from simulator.config.market_settings import Correlated
    from simulator.types import Floats

# Below zero by less than this is rounding in the eigenvalues, not an impossible matrix.
PSD_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Regime:
    """Steps ``first`` to ``last`` (exclusive) over which correlation and volatilities stand still.

    ``correlation`` is ``[A, A]``; ``volatility_multiple`` is ``[A]``, a factor on the assets' own.
    """

    first: int
    last: int
    correlation: Floats
    volatility_multiple: Floats


def build(symbols: tuple[str, ...], default: float, pairs: Mapping[str, float]) -> Floats:
    """Correlation ``[A, A]``: ``default`` everywhere but against USDC, then the named pairs."""
    matrix = np.full((len(symbols), len(symbols)), default)
    for row, symbol in enumerate(symbols):
        if symbol == USDC:
            matrix[row, :] = matrix[:, row] = 0.0
    np.fill_diagonal(matrix, 1.0)
    for pair, value in pairs.items():
        row, column = (symbols.index(symbol) for symbol in pair.split("/"))
        matrix[row, column] = matrix[column, row] = value
    return matrix


def initial(config: Correlated) -> Floats:
    """Correlation ``[A, A]`` of the price processes outside any shock, in order of ``drawn``."""
    return build(config.drawn, config.correlation.default, config.correlation.pairs)


def assumed(config: Fields) -> Floats:
    """Correlation ``[A, A]`` the designer assumed, of ``drawn``; as drawn if nothing is said."""
    pairs = {
        **_ordered(config.correlation.pairs),
        **_ordered(config.vault.assumed_correlation or {}),
    }
    return build(config.drawn, config.correlation.default, pairs)


def assumed_covariance(config: Fields, symbols: Sequence[str]) -> Floats:
    """Covariance ``[n, n]`` of these assets' log returns that the designer assumed, per year.

    A staked asset moves with its underlying, and by its premium as far as a day takes it.
    """
    rows, volatility = followed(config, symbols)
    covariance: Floats = assumed(config)[np.ix_(rows, rows)] * np.outer(volatility, volatility)
    for row, symbol in enumerate(symbols):
        if (staked := config.staked.get(symbol)) is not None:
            covariance[row, row] += staked.daily_variance
    return covariance


def followed(config: Fields, symbols: Sequence[str]) -> tuple[list[int], Floats]:
    """Rows of the matrices that these assets have, and their volatilities per √year.

    A staked asset has those of its underlying.
    """
    own = [
        symbol if (staked := config.staked.get(symbol)) is None else staked.underlying
        for symbol in symbols
    ]
    return [config.drawn.index(name) for name in own], np.array(
        [config.assets[name].volatility for name in own]
    )


def regimes(config: Correlated) -> list[Regime]:
    """Correlation and volatility over time, as stretches of steps without a change.

    The step from t to t + 1 is in a window when t is. Where windows overlap, the shock written
    later sets the correlation, and volatility multiples multiply.
    """
    windows = [shock for shock in config.shocks if isinstance(shock, Decoupling | Convergence)]
    hours = np.arange(config.steps) * (config.step_minutes / 60)
    active = np.array([window.active(hours) for window in windows]).reshape(-1, config.steps)
    changes = np.flatnonzero(np.any(active[:, 1:] != active[:, :-1], axis=0)) + 1
    edges = [0, *changes.tolist(), config.steps]
    base = initial(config)
    result = []
    for first, last in pairwise(edges):
        matrix, multiple = base.copy(), np.ones(len(base))
        for window, on in zip(windows, active, strict=True):
            if on[first]:
                _apply(window, config.drawn, matrix, multiple)
        result.append(Regime(first, last, matrix, multiple))
    return result


def _apply(
    shock: Decoupling | Convergence, symbols: tuple[str, ...], matrix: Floats, multiple: Floats
) -> None:
    others = np.array([symbol != USDC for symbol in symbols])
    if isinstance(shock, Decoupling):
        row = symbols.index(shock.asset)
        others[row] = False
        matrix[row, others] = matrix[others, row] = shock.correlation
        multiple[row] *= shock.volatility_multiple
    else:
        matrix[np.ix_(others, others)] = shock.correlation
        np.fill_diagonal(matrix, 1.0)
        multiple[others] *= shock.volatility_multiple


def _ordered(pairs: Mapping[str, float]) -> dict[str, float]:
    """Pairs under one spelling, so that SOL/BTC overrides BTC/SOL."""
    return {"/".join(sorted(pair.split("/"))): value for pair, value in pairs.items()}


def is_positive_semidefinite(matrix: Floats) -> bool:
    """Whether random variables with this correlation exist."""
    return bool(np.linalg.eigvalsh(matrix)[0] >= -PSD_TOLERANCE)


def nearest(matrix: Floats, iterations: int = 1_000, decimals: int = 4) -> Floats:
    """Nearest correlation matrix in the Frobenius norm (Higham 2002, algorithm 3.3).

    Alternating projections, with Dykstra's correction on the cone of PSD matrices. The result is
    rounded to ``decimals``, those of a message unless said, and shrunk towards the identity until
    it passes :func:`is_positive_semidefinite` so that what the message proposes is accepted.
    """
    correction = np.zeros_like(matrix)
    result = matrix.copy()
    for _ in range(iterations):
        shifted = result - correction
        values, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = projected - shifted
        previous, result = result, projected.copy()
        np.fill_diagonal(result, 1.0)
        if np.max(np.abs(result - previous)) < 1e-12:
            break
    proposal: Floats = np.round(result, decimals)
    shrink = 0.0
    while not is_positive_semidefinite(proposal):
        shrink += 10.0**-decimals
        proposal = np.round(result * (1 - shrink), decimals)
        np.fill_diagonal(proposal, 1.0)
    return proposal


def impossible(field: str, symbols: tuple[str, ...], matrix: Floats) -> str:
    """One line saying that a matrix is no correlation, with the nearest that is."""
    near = nearest(matrix)
    pairs = ", ".join(
        f"{symbols[row]}/{symbols[column]}: {near[row, column]:g}"
        for row in range(len(symbols))
        for column in range(row + 1, len(symbols))
        if USDC not in (symbols[row], symbols[column]) or matrix[row, column] != 0
    )
    return f"{field}: the matrix is not positive semi-definite; nearest valid: {{{pairs}}}"


def cholesky(matrix: Floats) -> Floats:
    """Lower factor of a positive semi-definite matrix, singular ones (ρ = 1) included.

    A pivot that is zero within rounding leaves its column zero: the asset is then a combination of
    those before it. Factors of the first n assets do not depend on the assets after them.
    """
    size = len(matrix)
    factor = np.zeros_like(matrix)
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row, column] - sum(
                factor[row, k] * factor[column, k] for k in range(column)
            )
            if row == column:
                factor[row, row] = np.sqrt(rest) if rest > PSD_TOLERANCE else 0.0
            elif factor[column, column] > 0.0:
                factor[row, column] = rest / factor[column, column]
    return factor
