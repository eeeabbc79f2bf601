"""Minimum-variance hedge ratios (Johnson 1960; Ederington 1979)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from simulator.types import Floats


@njit(cache=True, nogil=True)
def covariance(returns: Floats) -> Floats:
    """Sample covariance of returns over a window, path by path.

    ``returns``: ``[assets, window, paths]`` per step; result ``[assets, assets, paths]``. The sums
    run in a fixed order, so a path's figure does not depend on how many paths stand beside it.
    """
    assets, window, paths = returns.shape
    result = np.zeros((assets, assets, paths))
    for path in range(paths):
        for row in range(assets):
            for column in range(row + 1):
                mean_row, mean_column, product = 0.0, 0.0, 0.0
                for step in range(window):
                    mean_row += returns[row, step, path]
                    mean_column += returns[column, step, path]
                    product += returns[row, step, path] * returns[column, step, path]
                value = (product - mean_row * mean_column / window) / (window - 1)
                result[row, column, path] = value
                result[column, row, path] = value
    return result


def hedge_ratios(covariances: Floats) -> Floats:
    """Betas of asset 0 on the others: Σ_hh⁻¹ σ_hl, so that the hedge is −β USD per USD of exposure.

    ``covariances``: ``[assets, assets, ...]`` with the LP asset first; result ``[assets - 1,
    ...]``. A singular Σ_hh (two hedges that move as one, or one that does not move) is solved in
    the least-norm sense: the exposure is shared between the hedges rather than refused.
    """
    matrices = np.moveaxis(covariances, (0, 1), (-2, -1))
    hedges, cross = matrices[..., 1:, 1:], matrices[..., 1:, :1]
    return np.moveaxis((np.linalg.pinv(hedges, hermitian=True) @ cross)[..., 0], -1, 0)


def effectiveness(covariances: Floats) -> Floats:
    """Ederington's hedge effectiveness 1 − Var(hedged)/Var(unhedged) of the minimum-variance hedge.

    ``covariances`` as in :func:`hedge_ratios`; with one hedge asset it is ρ².
    """
    betas = hedge_ratios(covariances)
    explained = np.sum(betas * covariances[1:, 0], axis=0)
    return explained / covariances[0, 0]
