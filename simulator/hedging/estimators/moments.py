"""Second moments over windows, compiled; each window is summed anew, so no error piles up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats


@njit(cache=True, nogil=True)
def window_covariance(returns: Floats, first: int, last: int) -> Floats:
    """Sample covariance ``[N, N]`` (divisor n − 1) of rows ``first`` to ``last`` − 1."""
    assets, count = returns.shape[1], last - first
    mean = np.zeros(assets)
    for row in range(first, last):
        for i in range(assets):
            mean[i] += returns[row, i]
    mean /= count
    result = np.zeros((assets, assets))
    for row in range(first, last):
        for i in range(assets):
            for j in range(i + 1):
                result[i, j] += (returns[row, i] - mean[i]) * (returns[row, j] - mean[j])
    for i in range(assets):
        for j in range(i + 1):
            result[i, j] /= count - 1
            result[j, i] = result[i, j]
    return result


@njit(cache=True, nogil=True)
def rolling_covariance(returns: Floats, window: int, result: Floats) -> None:
    """Fill ``result [T + 1, N, N]`` with the sample covariance of the ``window`` rows before."""
    for row in range(window, len(returns) + 1):
        result[row] = window_covariance(returns, row - window, row)


@njit(cache=True, nogil=True)
def expanding_covariance(returns: Floats, warmup: int, result: Floats) -> None:
    """Fill ``result`` with the sample covariance of all rows before (Welford's recursion, 1962)."""
    rows, assets = returns.shape
    mean, before = np.zeros(assets), np.zeros(assets)
    products = np.zeros((assets, assets))
    for row in range(rows + 1):
        if row >= warmup:
            result[row] = products / (row - 1)
        if row == rows:
            return
        for i in range(assets):
            before[i] = returns[row, i] - mean[i]
            mean[i] += before[i] / (row + 1)
        for i in range(assets):
            for j in range(i + 1):
                products[i, j] += before[i] * (returns[row, j] - mean[j])
                products[j, i] = products[i, j]


@njit(cache=True, nogil=True)
def exponential_moments(returns: Floats, decay: float, warmup: int, result: Floats) -> None:
    """Fill ``result`` with S ← λS + (1 − λ)rrᵀ, begun with the mean product of the warm-up."""
    rows, assets = returns.shape
    if rows < warmup:
        return
    current = np.zeros((assets, assets))
    for row in range(warmup):
        for i in range(assets):
            for j in range(assets):
                current[i, j] += returns[row, i] * returns[row, j] / warmup
    for row in range(warmup, rows + 1):
        result[row] = current
        if row < rows:
            for i in range(assets):
                for j in range(assets):
                    new = returns[row, i] * returns[row, j]
                    current[i, j] = decay * current[i, j] + (1.0 - decay) * new
