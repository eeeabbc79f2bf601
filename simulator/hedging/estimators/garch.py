"""GARCH(1,1) of one series (Bollerslev 1986), zero mean, by Gaussian quasi maximum likelihood.

σ²_t = ω + αr²_{t−1} + βσ²_{t−1}. The gradient is the recursion's own derivative (Fiorentini,
Calzolari & Panattoni 1996), so that a fit takes some dozens of passes over the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.estimators.one_core import one_core
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

#: The first variance is a weighted mean of the first squares, as `arch` begins its recursions.
BACKCAST_ROWS, BACKCAST_DECAY = 75, 0.94
# Box of the search: ω over the sample variance, α's part of the persistence, the persistence.
_BOX = ((1e-7, 1.0), (1e-4, 1.0 - 1e-4), (1e-3, 0.9999))
_STARTS = ((0.02, 0.05, 0.98), (0.2, 0.15, 0.8))


@dataclass(frozen=True)
class Garch:
    """Parameters of a GARCH(1,1); ``omega`` in squared units of the series."""

    omega: float
    alpha: float
    beta: float

    def variances(self, series: Floats, backcast: float) -> Floats:
        """Conditional variances ``[T + 1]``; entry t uses rows before t."""
        return variances(series, self.omega, self.alpha, self.beta, backcast)


def backcast(series: Floats) -> float:
    """Variance before the first row of a series."""
    squares = series[:BACKCAST_ROWS] ** 2
    weights = BACKCAST_DECAY ** np.arange(len(squares))
    return float(np.sum(weights * squares) / np.sum(weights))


def fit(series: Floats) -> Garch:
    """Quasi-maximum-likelihood parameters of a series ``[T]``; the same series is fitted once."""
    return _fit(np.ascontiguousarray(series, np.float64).tobytes())


# Targets share their hedges: the key is the series itself.
@lru_cache(maxsize=64)
def _fit(data: bytes) -> Garch:
    from scipy.optimize import minimize

    series = np.frombuffer(data)
    scale = np.sqrt(np.mean(series**2))
    if scale == 0.0:
        return Garch(0.0, 0.0, 0.0)
    series = series / scale
    begin = backcast(series)

    def loss(point: Floats) -> tuple[float, Floats]:
        omega, part, persistence = point
        alpha, beta = part * persistence, (1.0 - part) * persistence
        value, (by_omega, by_alpha, by_beta) = likelihood(series, omega, alpha, beta, begin)
        by_part = persistence * (by_alpha - by_beta)
        by_persistence = part * by_alpha + (1.0 - part) * by_beta
        gradient = np.array([by_omega, by_part, by_persistence])
        return -value / len(series), -gradient / len(series)

    with one_core():
        tries = [
            minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=_BOX)
            for start in _STARTS
        ]
    omega, part, persistence = min(tries, key=lambda found: found.fun).x
    return Garch(float(omega * scale**2), part * persistence, (1.0 - part) * persistence)


@njit(cache=True, nogil=True)
def variances(series: Floats, omega: float, alpha: float, beta: float, begin: float) -> Floats:
    """The recursion ``[T + 1]``; before the first row, square and variance were ``begin``."""
    result = np.empty(len(series) + 1)
    result[0] = omega + (alpha + beta) * begin
    for row in range(len(series)):
        result[row + 1] = omega + alpha * series[row] ** 2 + beta * result[row]
    return result


@njit(cache=True, nogil=True)
def likelihood(
    series: Floats, omega: float, alpha: float, beta: float, begin: float
) -> tuple[float, tuple[float, float, float]]:
    """Gaussian log likelihood and its gradient by ω, α, β."""
    variance = omega + (alpha + beta) * begin
    d_omega, d_alpha, d_beta = 1.0, begin, begin
    g_omega, g_alpha, g_beta, total = 0.0, 0.0, 0.0, 0.0
    for row in range(len(series)):
        square = series[row] ** 2
        total -= 0.5 * (np.log(2.0 * np.pi * variance) + square / variance)
        slope = 0.5 * (square / variance - 1.0) / variance
        g_omega += slope * d_omega
        g_alpha += slope * d_alpha
        g_beta += slope * d_beta
        d_omega = 1.0 + beta * d_omega
        d_alpha = square + beta * d_alpha
        d_beta = variance + beta * d_beta
        variance = omega + alpha * square + beta * variance
    return total, (g_omega, g_alpha, g_beta)
