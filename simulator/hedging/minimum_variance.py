"""Minimum-variance hedge ratios (Johnson 1960; Ederington 1979)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check, rank
from simulator.hedging.jacobi import diagonalise
from simulator.hedging.rank import FLOOR, RANK
from simulator.kernel_files import njit
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Floats


def covariance(returns: ArrayLike) -> Floats:
    """Sample covariance of returns over a window, path by path.

    ``returns``: ``[assets, window, paths]`` per step; result ``[assets, assets, paths]``. The sums
    run in a fixed order, so a path's figure does not depend on how many paths stand beside it.

    Raises:
        InputError: a return is not finite, or the window is shorter than two.
    """
    array = check.numbers("returns", returns)
    if array.ndim != 3 or not array.shape[0] or array.shape[1] < 2:
        raise InputError(
            f"returns {array.shape}: must be [assets, window, paths], window of 2 or more"
        )
    return window_moments(array)


@njit(cache=True, nogil=True)
def window_moments(returns: Floats) -> Floats:
    """Compiled :func:`covariance`: paths are the inner loop, each summed in the order of steps."""
    assets, window, paths = returns.shape
    means, result = np.zeros((assets, paths)), np.zeros((assets, assets, paths))
    for step in range(window):
        for row in range(assets):
            for path in range(paths):
                means[row, path] += returns[row, step, path]
            for column in range(row + 1):
                for path in range(paths):
                    product = returns[row, step, path] * returns[column, step, path]
                    result[row, column, path] += product
    for row in range(assets):
        for column in range(row + 1):
            for path in range(paths):
                apart = means[row, path] * means[column, path] / window
                value = (result[row, column, path] - apart) / (window - 1)
                result[row, column, path] = value
                result[column, row, path] = value
    return result


def hedge_ratios(covariances: ArrayLike) -> Floats:
    """Betas of asset 0 on the others: Σ_hh⁻¹ σ_hl, so that the hedge is −β USD per USD of exposure.

    ``covariances``: ``[assets, assets, ...]`` with the LP asset first; result ``[assets - 1,
    ...]``. Where Σ_hh is singular within the tolerances of :mod:`simulator.hedging.rank`, hedges
    that move as one share the exposure, equally in units of what they move, and one that stands
    still beside the rest has none.

    Raises:
        InputError: covariances are not finite, symmetric and positive semi-definite, two assets or
            more.
    """
    given = check.covariances("covariances", covariances, least=2)
    matrices = np.moveaxis(given, (0, 1), (-2, -1))
    inverse = rank.inverse(matrices[..., 1:, 1:], rank.scales(matrices)[..., 1:])
    return np.moveaxis((inverse @ matrices[..., 1:, :1])[..., 0], -1, 0)


@njit(cache=True, nogil=True, error_model="numpy")
def window_ratios(moments: Floats) -> Floats:
    """:func:`hedge_ratios` of what :func:`window_moments` gives, compiled; finite, or not said."""
    hedges, paths = moments.shape[0] - 1, moments.shape[2]
    units, vectors = np.empty((hedges, hedges)), np.empty((hedges, hedges))
    scale, result = np.empty(hedges), np.zeros((hedges, paths))
    for path in range(paths):
        greatest = 0.0
        for asset in range(hedges + 1):
            greatest = max(greatest, moments[asset, asset, path])
        for row in range(hedges):
            variance = moments[row + 1, row + 1, path]
            scale[row] = np.sqrt(variance) if variance > FLOOR * greatest else np.inf
            for column in range(row + 1):
                found = moments[row + 1, column + 1, path] / (scale[row] * scale[column])
                units[row, column] = units[column, row] = found
        diagonalise(units, vectors)
        largest = 0.0
        for k in range(hedges):
            largest = max(largest, units[k, k])
        for k in range(hedges):
            if units[k, k] > RANK * largest:
                along = 0.0
                for row in range(hedges):
                    along += vectors[row, k] * (moments[row + 1, 0, path] / scale[row])
                for row in range(hedges):
                    result[row, path] += vectors[row, k] * along / units[k, k] / scale[row]
    return result


def effectiveness(covariances: ArrayLike) -> Floats:
    """Ederington's hedge effectiveness 1 − Var(hedged)/Var(unhedged) of the minimum-variance hedge.

    ``covariances`` as in :func:`hedge_ratios`; with one hedge asset it is ρ². NaN where
    asset 0 does not move. Raises InputError as there.
    """
    array = np.asarray(covariances, np.float64)
    explained = np.sum(hedge_ratios(array) * array[1:, 0], axis=0)
    whole = array[0, 0]
    return np.divide(explained, whole, out=np.full_like(explained, np.nan), where=whole > 0.0)
