"""How much information a covariance matrix holds: the one rank tolerance, and the one floor.

All is relative to the sample, never in units of it: a matrix is looked at with every asset in units
of its own standard deviation, so that hourly and yearly figures, or a calm coin beside a wild one,
are judged alike. Fits, estimators and hedges take their tolerances from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats

#: Assets move as one where an eigenvalue of their correlation is no more than this part of the
#: greatest: of two, where what tells them apart is 0.2 % of what moves them (rounding to the
#: cent, of a coin at $20,000, is 0.01 % of what moves it in an hour).
RANK = 1e-6
#: An asset stands still where its variance is no more than this part of the greatest beside it;
#: running sums over windows leave dust of 1e-13 where a coin moved once.
FLOOR = 1e-10
#: What sums in another order may differ by, relative to the greatest entry.
ROUNDING = 1e-8
#: Least share of the rows in which an asset must move for its moments to say anything: windows of
#: a day of hours then have a move or two in them.
LEAST_MOVING = 0.1


def scales(covariances: Floats) -> Floats:
    """Standard deviations ``[..., N]`` of covariances ``[..., N, N]``; 0 where one stands still."""
    variances = np.diagonal(covariances, axis1=-2, axis2=-1)
    greatest = np.max(variances, axis=-1, keepdims=True, initial=0.0)
    return np.sqrt(np.where(variances > FLOOR * greatest, variances, 0.0))


def floored(deviations: Floats) -> Floats:
    """Standard deviations ``[N]`` to divide by: those of what stands still at the floor."""
    greatest = float(np.max(deviations, initial=0.0)) or np.sqrt(np.finfo(np.float64).tiny)
    return np.maximum(deviations, np.sqrt(FLOOR) * greatest)


def unit(covariances: Floats, scale: Floats) -> Floats:
    """Covariances ``[..., N, N]`` in units of ``scale [..., N]``; 0 where that is 0."""
    one_over = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    return covariances * one_over[..., :, None] * one_over[..., None, :]


def positive_semidefinite(covariances: Floats) -> NDArray[np.bool_]:
    """Whether each of ``[..., N, N]`` is a covariance, but for :data:`ROUNDING`."""
    variances = np.diagonal(covariances, axis1=-2, axis2=-1)
    greatest = np.max(np.abs(variances), axis=-1, initial=0.0)
    scale = np.sqrt(np.maximum(variances, ROUNDING * greatest[..., None]))
    lowest = np.linalg.eigvalsh(unit(covariances, scale))[..., 0]
    return (lowest >= -ROUNDING) & (variances >= -FLOOR * greatest[..., None]).all(axis=-1)


def spectrum(units: Floats) -> tuple[Floats, Floats]:
    """Inverse eigenvalues ``[..., N]``, 0 beyond the rank, and eigenvectors of :func:`unit`'s."""
    values, vectors = np.linalg.eigh(units)
    kept = values > RANK * np.maximum(values[..., -1:], 0.0)
    return np.divide(1.0, values, out=np.zeros_like(values), where=kept), vectors


def inverse(covariances: Floats, scale: Floats) -> Floats:
    """Pseudo-inverse ``[..., N, N]``: assets that move as one share equally, in units of ``scale``.

    ``scale`` as of :func:`scales`; an asset of scale 0 has a row of zeros.
    """
    inverses, vectors = spectrum(unit(covariances, scale))
    core = (vectors * inverses[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return unit(np.asarray(core, np.float64), scale)


def projector(covariance: Floats) -> Floats:
    """Projection ``[N, N]`` of covariances with the assets onto what moves.

    P σ has no part left along combinations of assets that cancel.
    """
    scale = scales(covariance)
    inverses, vectors = spectrum(unit(covariance, scale))
    kept = vectors[:, inverses > 0.0]
    one_over = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    return (scale[:, None] * (kept @ kept.T)) * one_over


def independent(covariance: Floats) -> list[int]:
    """Assets of ``[N, N]`` that each add information to those before them, in order."""
    scale = scales(covariance)
    units = unit(covariance, scale)
    kept: list[int] = []
    for asset in np.flatnonzero(scale > 0.0):
        tried = [*kept, int(asset)]
        if np.all(spectrum(units[np.ix_(tried, tried)])[0] > 0.0):
            kept = tried
    return kept


def carried(covariance: Floats, kept: list[int]) -> Floats:
    """Loadings E ``[N, len(kept)]``: the asset r is E times the kept ones, which are themselves."""
    block = covariance[np.ix_(kept, kept)]
    loadings = covariance[:, kept] @ inverse(block, scales(block))
    loadings[kept] = np.eye(len(kept))
    return loadings


def moving(returns: Floats) -> Floats:
    """Share of the rows ``[T, N]`` in which each asset moved, ``[N]``."""
    return np.mean(returns != 0.0, axis=0)
