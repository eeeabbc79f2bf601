"""Realised measures over rolling windows: covariance, semicovariance, bipower variation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

#: Largest correlation that Fisher's z is taken of.
MOST = 0.999


@njit(cache=True, nogil=True)
def realised(returns: Floats, window: int) -> tuple[Floats, Floats, Floats]:
    """Measures of the ``window`` rows before each entry, NaN where there are not as many.

    Returns, of returns ``[T, N]``: realised covariance Σrrᵀ ``[T + 1, N, N]`` (Andersen,
    Bollerslev, Diebold & Labys 2003); the negative semicovariance Σ min(r, 0)min(r, 0)ᵀ
    (Bollerslev, Li, Patton & Quaedvlieg 2020); bipower variation (π/2)Σ|r_t||r_{t−1}|
    ``[T + 1, N]`` (Barndorff-Nielsen & Shephard 2004), scaled up for the pair a window lacks.
    """
    rows, assets = returns.shape
    covariances = np.full((rows + 1, assets, assets), np.nan)
    downside = np.full((rows + 1, assets, assets), np.nan)
    bipower = np.full((rows + 1, assets), np.nan)
    for row in range(window, rows + 1):
        for i in range(assets):
            steps = 0.0
            for at in range(row - window + 1, row):
                steps += abs(returns[at, i] * returns[at - 1, i])
            bipower[row, i] = 0.5 * np.pi * steps * window / (window - 1)
            for j in range(i + 1):
                both, below = 0.0, 0.0
                for at in range(row - window, row):
                    product = returns[at, i] * returns[at, j]
                    both += product
                    if returns[at, i] < 0.0 and returns[at, j] < 0.0:
                        below += product
                covariances[row, i, j] = covariances[row, j, i] = both
                downside[row, i, j] = downside[row, j, i] = below
    return covariances, downside, bipower


def fisher_z(covariances: Floats, i: int, j: int) -> Floats:
    """Inverse tanh of the correlation of assets i and j ``[T]``; 0 where one stood still."""
    scale = np.sqrt(covariances[:, i, i] * covariances[:, j, j])
    rho = np.divide(covariances[:, i, j], scale, out=np.zeros(len(scale)), where=~(scale <= 0.0))
    return np.arctanh(np.clip(rho, -MOST, MOST))
