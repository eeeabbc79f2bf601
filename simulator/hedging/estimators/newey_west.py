"""Long-run covariance with Bartlett weights (Newey & West 1987), for betas under lead and lag.

Where one market follows another by some intervals, the contemporaneous covariance understates how
they move together; the autocovariances hold the rest (Scholes & Williams 1977).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging.estimators.base import as_returns, undefined
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats


def bartlett_lags(rows: int) -> int:
    """⌊4 (n/100)^(2/9)⌋, the rule of Newey & West (1994) for Bartlett's kernel."""
    return int(4.0 * (rows / 100.0) ** (2.0 / 9.0))


@dataclass(frozen=True)
class NeweyWest:
    """Γ₀ + Σ wₗ(Γₗ + Γₗᵀ), wₗ = 1 − l/(L + 1), of the last ``window`` rows, zero mean.

    L follows :func:`bartlett_lags`. Products are summed over pairs inside the window and divided
    by its length, which is what makes the result positive semi-definite.
    """

    window: int
    name: str = "newey-west"

    def __post_init__(self) -> None:
        whole("window", self.window, 2)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        _long_run(returns, self.window, bartlett_lags(self.window), result)
        return result


@njit(cache=True, nogil=True)
def _long_run(returns: Floats, window: int, lags: int, result: Floats) -> None:
    """One window after the other: the oldest row's products leave, the newest row's enter."""
    rows, assets = returns.shape
    total = np.zeros((assets, assets))
    for row in range(window, rows + 1):
        first = row - window
        # Summed anew once per window, so that rounding (and a past spike's) does not pile up.
        if first % window == 0:
            total[:] = 0.0
            for at in range(first, row):
                _add_pairs(returns, at, first, lags, -1, 1.0, total)
        else:
            _add_pairs(returns, first - 1, row - 2, lags, 1, -1.0, total)
            _add_pairs(returns, row - 1, first, lags, -1, 1.0, total)
        result[row] = total / window


@njit(cache=True, nogil=True)
def _add_pairs(
    returns: Floats, at: int, end: int, lags: int, way: int, sign: float, total: Floats
) -> None:
    """Add row ``at`` times itself and its neighbours in direction ``way`` up to row ``end``."""
    assets = returns.shape[1]
    reach = min(lags, abs(end - at))
    for i in range(assets):
        for j in range(assets):
            total[i, j] += sign * returns[at, i] * returns[at, j]
            for lag in range(1, reach + 1):
                weight = sign * (1.0 - lag / (lags + 1.0))
                other = at + way * lag
                both = returns[at, i] * returns[other, j] + returns[other, i] * returns[at, j]
                total[i, j] += weight * both
