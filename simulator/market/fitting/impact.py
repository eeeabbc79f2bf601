"""Price impact fitted to quotes by size: the depth and the exponent that `impact` takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from simulator.protocol.impact import PERCENT, felt_on_average
from simulator.types import Floats, InputError

#: Sizes are put together in so many classes a decade, of which each counts by its median.
_A_DECADE = 5
_IN_A_CLASS = 3  # quotes, at least
_CLASSES = 4  # at least
#: Log price that is fitted: below it fees, gas and the quotes' moments tell, above the pools' ends.
_LEAST, _MOST = 1e-3, 0.1
#: Smallest quotes, a part of all, that say what one without impact gets.
_SMALLEST = 0.1


@dataclass(frozen=True, eq=False)
class FittedImpact:
    """Depth and exponent with standard errors, and the classes they were fitted to.

    Attributes:
        depth_usd: USD that move the price by 1 %.
        depth_error: its standard error, a part of it.
        exponent: as ``impact.exponent``, here without its bounds.
        exponent_error: its standard error.
        volume: USD of each class ``[C]``.
        paid: log price a quote of that size was worse by, median ``[C]``.
        expected: what the fit says ``[C]``.
    """

    depth_usd: float
    depth_error: float
    exponent: float
    exponent_error: float
    volume: Floats
    paid: Floats
    expected: Floats


def fit(volume: Floats, price: Floats) -> FittedImpact:
    """Fit impact to quotes of one pair: ``volume`` USD sold ``[n]``, ``price`` got for a unit.

    What is fitted is the median of the average price paid by size
    (:func:`~simulator.protocol.impact.felt_on_average`), by least squares of its logarithm, where
    it is 0.1 to 10 % worse than what the smallest tenth of the quotes gets.

    Raises:
        InputError: too few quotes, or none large enough to be told from noise.
    """
    from scipy.optimize import least_squares

    known = (volume > 0.0) & (price > 0.0) & np.isfinite(volume) & np.isfinite(price)
    volume, price = volume[known], price[known]
    if len(volume) < _CLASSES * _IN_A_CLASS:
        raise InputError(
            f"quotes: {len(volume)} with a size and a price; allowed: "
            f"{_CLASSES * _IN_A_CLASS} or more"
        )
    whole = float(np.median(price[volume <= np.quantile(volume, _SMALLEST)]))
    size, paid = _classes(volume, -np.log(price / whole))

    def expected(found: Floats) -> Floats:
        return PERCENT * np.asarray(felt_on_average(found[1], size / exp(found[0])), np.float64)

    def off(found: Floats) -> Floats:
        return np.log(expected(found) / paid)

    start = np.array([log(float(np.median(size))), 0.7])
    result = least_squares(off, start, bounds=([0.0, 0.05], [80.0, 5.0]))
    spread = float(result.fun @ result.fun) / max(len(size) - 2, 1)
    errors = np.sqrt(np.diag(np.linalg.inv(result.jac.T @ result.jac)) * spread)
    return FittedImpact(
        exp(result.x[0]), float(errors[0]), float(result.x[1]), float(errors[1]),
        size, paid, expected(result.x),
    )  # fmt: skip


def _classes(volume: Floats, paid: Floats) -> tuple[Floats, Floats]:
    """Median size and median of what was paid by class of size, where that is told of impact."""
    of = np.floor(np.log10(volume) * _A_DECADE)
    found = []
    for number in np.unique(of):
        inside = of == number
        median, count = float(np.median(paid[inside])), int(inside.sum())
        if count >= _IN_A_CLASS and _LEAST <= median <= _MOST:
            found.append((float(np.median(volume[inside])), median))
    if len(found) < _CLASSES:
        raise InputError(
            f"quotes: {len(found)} classes of size, five a decade, in which the price is worse by "
            f"{_LEAST:.1%} to {_MOST:.0%}; allowed: {_CLASSES} or more, {_IN_A_CLASS} quotes each"
        )
    size, worse = np.array(found).T
    return size, worse
