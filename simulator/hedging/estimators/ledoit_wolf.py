"""Shrinkage towards a multiple of the identity (Ledoit & Wolf 2004, J. Multivar. Analysis 88)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging.estimators.base import as_returns, undefined
from simulator.hedging.estimators.moments import window_covariance
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(frozen=True)
class LedoitWolf:
    """Shrunk covariance of the last ``window`` rows; the intensity is theirs, lemma 3.2 to 3.4.

    Deviations from the window's mean and divisor n, as scikit-learn has it.
    """

    window: int
    name: str = "ledoit-wolf"

    def __post_init__(self) -> None:
        whole("window", self.window, 2)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        _shrunk(returns, self.window, result)
        return result


@njit(cache=True, nogil=True)
def _shrunk(returns: Floats, window: int, result: Floats) -> None:
    assets = returns.shape[1]
    for row in range(window, len(returns) + 1):
        covariance = window_covariance(returns, row - window, row) * ((window - 1) / window)
        level = np.trace(covariance) / assets
        squares = np.sum(covariance * covariance)
        dispersion = squares / assets - level * level  # δ², distance from the target
        fourth = _fourth(returns, row - window, row)
        error = (fourth / window - squares) / (window * assets)  # β̄², of the sample covariance
        intensity = min(error, dispersion) / dispersion if dispersion > 0.0 else 0.0
        covariance *= 1.0 - intensity
        for i in range(assets):
            covariance[i, i] += intensity * level
        result[row] = covariance


@njit(cache=True, nogil=True)
def _fourth(returns: Floats, first: int, last: int) -> float:
    """Σ ‖x − x̄‖⁴ over rows ``first`` to ``last`` − 1."""
    assets, count = returns.shape[1], last - first
    mean = np.zeros(assets)
    for row in range(first, last):
        for i in range(assets):
            mean[i] += returns[row, i] / count
    total = 0.0
    for row in range(first, last):
        square = 0.0
        for i in range(assets):
            square += (returns[row, i] - mean[i]) ** 2
        total += square * square
    return total
