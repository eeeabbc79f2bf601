"""What every covariance estimator is: returns so far in, the next interval's covariance out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulator.hedging import check, rank
from simulator.hedging.minimum_variance import hedge_ratios
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from simulator.types import Floats


class Estimator(Protocol):
    """A forecaster of covariances that never looks ahead."""

    @property
    def name(self) -> str:
        """Short name, as tables show it."""

    def forecast(self, returns: Floats) -> Floats:
        """Covariances ``[T + 1, N, N]`` from log returns ``[T, N]``, target in column 0.

        Entry t is made from rows before t only and speaks of row t; entry T of the interval that
        follows the last row. Entries before the estimator's warm-up are NaN, all others positive
        semi-definite, in squared units of the returns.

        Raises:
            InputError: the returns are no finite ``[T, N]`` with a row or more, N of two or more.
        """


def as_returns(returns: ArrayLike) -> Floats:
    """The returns as a contiguous float64 array, checked as :meth:`Estimator.forecast` says."""
    return check.panel("returns", returns, columns=2)


def undefined(returns: Floats) -> Floats:
    """Covariances ``[T + 1, N, N]`` without a value yet."""
    rows, assets = returns.shape
    return np.full((rows + 1, assets, assets), np.nan)


def refits(rows: int, warmup: int, every: int) -> Iterator[tuple[int, int]]:
    """(first, past-last) entries that one fit serves; it may use rows before ``first`` only."""
    for first in range(warmup, rows + 1, every):
        yield first, min(first + every, rows + 1)


def carry(forecasts: Floats, seen: Floats) -> None:
    """Where assets moved as others in covariance ``seen [N, N]``, forecast that they do, in place.

    Models that bound correlations or floor variances would tell such assets apart by rounding.
    """
    kept = rank.independent(seen)
    moved = np.flatnonzero(rank.scales(seen) > 0.0)
    if len(kept) < len(moved):
        loadings = rank.carried(seen, kept)[moved]
        known = forecasts[:, kept][:, :, kept]
        forecasts[:, moved[:, None], moved] = loadings @ known @ loadings.T


def betas(covariances: Floats) -> Floats:
    """Minimum-variance hedge ratios ``[T, N - 1]`` of covariances ``[T, N, N]``; NaN stays NaN.

    One USD of the target is hedged by −β USD of each hedge (:func:`hedge_ratios`).

    Raises:
        InputError: not ``[T, N, N]`` with N of two or more, or one that is known is no covariance.
    """
    covariances = np.asarray(covariances, np.float64)
    if covariances.ndim != 3 or covariances.shape[1] < 2:
        raise InputError(f"covariances {covariances.shape}: must be [T, N, N], N of 2 or more")
    result = np.full((len(covariances), covariances.shape[1] - 1), np.nan)
    known = ~np.isnan(covariances).all(axis=(1, 2))
    result[known] = hedge_ratios(np.moveaxis(covariances[known], 0, -1)).T
    return result
