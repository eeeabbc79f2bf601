"""What every covariance estimator is: returns so far in, the next interval's covariance out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulator.hedging.minimum_variance import hedge_ratios
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            InputError: the returns are no finite ``[T, N]`` with N of two or more.
        """


def as_returns(returns: Floats) -> Floats:
    """The returns as a contiguous float64 array, checked as :meth:`Estimator.forecast` says."""
    array = np.ascontiguousarray(returns, np.float64)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InputError(
            f"returns = {array.shape}: must be [intervals, assets], two assets or more"
        )
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(f"returns[{row}, {column}] = {array[row, column]}: must be finite")
    return array


def undefined(returns: Floats) -> Floats:
    """Covariances ``[T + 1, N, N]`` without a value yet."""
    rows, assets = returns.shape
    return np.full((rows + 1, assets, assets), np.nan)


def refits(rows: int, warmup: int, every: int) -> Iterator[tuple[int, int]]:
    """(first, past-last) entries that one fit serves; it may use rows before ``first`` only."""
    for first in range(warmup, rows + 1, every):
        yield first, min(first + every, rows + 1)


def betas(covariances: Floats) -> Floats:
    """Minimum-variance hedge ratios ``[T, N - 1]`` of covariances ``[T, N, N]``; NaN stays NaN.

    One USD of the target is hedged by −β USD of each hedge (:func:`hedge_ratios`).
    """
    count, assets, _ = covariances.shape
    result = np.full((count, assets - 1), np.nan)
    known = np.isfinite(covariances).all(axis=(1, 2))
    result[known] = hedge_ratios(np.moveaxis(covariances[known], 0, -1)).T
    return result
