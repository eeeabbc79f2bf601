"""Minimum-variance hedge ratios (Johnson 1960; Ederington 1979)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check, rank
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
    """Compiled :func:`covariance`."""
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


def effectiveness(covariances: ArrayLike) -> Floats:
    """Ederington's hedge effectiveness 1 − Var(hedged)/Var(unhedged) of the minimum-variance hedge.

    ``covariances`` as in :func:`hedge_ratios`; with one hedge asset it is ρ². NaN where
    asset 0 does not move. Raises InputError as there.
    """
    array = np.asarray(covariances, np.float64)
    explained = np.sum(hedge_ratios(array) * array[1:, 0], axis=0)
    whole = array[0, 0]
    return np.divide(explained, whole, out=np.full_like(explained, np.nan), where=whole > 0.0)
