"""Control charts that watch many paths at once: one observation per path in, alarms out.

Observations are standardised: mean zero and variance one while nothing has changed. Every chart is
told its ARL₀, the mean number of observations between false alarms, and starts again on a path
after it alarmed there. A ``limit`` (one for all paths or ``[P]``) takes the place of the one that
normal theory gives for the ARL₀. Nothing mixes paths.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.monitor import arl as run_lengths
from simulator.kernel_files import njit
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats


class Cusum:
    """Two-sided cumulative sums (Page 1954): finds a mean that has moved, however little.

    S⁺ ← max(0, S⁺ + x − k) and S⁻ ← max(0, S⁻ − x − k) alarm above h. ``reference`` k is half the
    shift to be found soonest, in standard deviations; h follows from ``arl`` by Siegmund (1985).

    Attributes:
        statistic: ``[P]`` the larger of the two sums.
        threshold: h.
    """

    def __init__(
        self, paths: int, arl: float, reference: float = 0.5, limit: float | Floats | None = None
    ) -> None:
        if not reference > 0.0:
            raise InputError(f"reference = {reference}: must be positive standard deviations")
        self.reference = reference
        self.threshold = run_lengths.cusum_threshold(arl, reference) if limit is None else limit
        self._up, self._down = np.zeros(paths), np.zeros(paths)

    @property
    def statistic(self) -> Floats:
        """The larger of both sums, ``[P]``."""
        return np.maximum(self._up, self._down)

    def update(self, observations: Floats) -> Booleans:
        """Take one observation per path; where the chart alarms, ``[P]``."""
        self._up = np.maximum(0.0, self._up + observations - self.reference)
        self._down = np.maximum(0.0, self._down - observations - self.reference)
        alarm = self.statistic > self.threshold
        self._up[alarm] = self._down[alarm] = 0.0
        return alarm


class EwmaChart:
    """Exponentially weighted moving average (Roberts 1959): finds a mean that drifts.

    z ← (1 − λ)z + λx alarms outside ±L·√(λ/(2 − λ)). L follows from ``arl`` by Brook and Evans
    (1972); with ``products`` for observations that are products of two independent normals, whose
    tails are fatter.

    Attributes:
        statistic: ``[P]`` z.
        threshold: the limit on |z|.
    """

    def __init__(
        self,
        paths: int,
        arl: float,
        weight: float = 0.05,
        *,
        products: bool = False,
        limit: float | Floats | None = None,
    ) -> None:
        if not 0.0 < weight < 1.0:
            raise InputError(f"weight = {weight}: must be within (0, 1)")
        self.weight = weight
        if limit is None:
            cdf = run_lengths.product_cdf if products else None
            limit = run_lengths.ewma_limit(arl, weight, cdf) * sqrt(weight / (2.0 - weight))
        self.threshold = limit
        self.statistic: Floats = np.zeros(paths)

    def update(self, observations: Floats) -> Booleans:
        """Take one observation per path; where the chart alarms, ``[P]``."""
        self.statistic = (1.0 - self.weight) * self.statistic + self.weight * observations
        alarm = np.abs(self.statistic) > self.threshold
        self.statistic = np.where(alarm, 0.0, self.statistic)
        return alarm


class Shewhart:
    """Single observations (Shewhart 1931): finds a jump at once, and nothing smaller.

    Attributes:
        threshold: the limit on |x|, of exactly ARL₀ ``arl`` for independent normals.
    """

    def __init__(self, arl: float) -> None:
        self.threshold = run_lengths.shewhart_limit(arl)

    def update(self, observations: Floats) -> Booleans:
        """Where an observation is beyond the limit, ``[P]``."""
        return np.asarray(np.abs(observations) > self.threshold)


class RollingFisher:
    """Fisher's (1915) z of the correlation over a rolling window against a reference.

    (atanh r − atanh ρ)·√(w − 3) is nearly standard normal while the correlation is ρ. It falls when
    a hedge breaks down and rises when all assets become one; both sides together have the ARL₀
    asked for (:func:`~simulator.hedging.monitor.arl.moving_limit`).

    Attributes:
        correlation: ``[P]`` over the last ``window`` observations; NaN before there are as many, or
            where nothing moved.
        statistic: ``[P]`` the score; NaN likewise.
        threshold: limit on its size.
    """

    def __init__(
        self, paths: int, arl: float, window: int, limit: float | Floats | None = None
    ) -> None:
        if window < 8:
            raise InputError(f"window = {window}: must be 8 observations or more")
        self.window = window
        self.threshold = run_lengths.moving_limit(arl, window) if limit is None else limit
        self.correlation: Floats = np.full(paths, np.nan)
        self.statistic: Floats = np.full(paths, np.nan)
        self._past = np.zeros((window, 2, paths))
        # Of the last whole round of the window, from each row to its end; of the round since.
        self._older = np.zeros((window + 1, _SUMS, paths))
        self._newer = np.zeros((_SUMS, paths))
        self._seen = np.zeros(paths, np.int64)
        self._row = 0

    def update(self, first: Floats, second: Floats, reference: Floats) -> tuple[Booleans, Booleans]:
        """Take one observation of each side; where the correlation fell, where it rose, ``[P]``.

        ``reference`` ``[P]`` is the correlation while nothing has changed. After an alarm a path
        starts again, with an empty window.
        """
        given = self._past, self._older, self._newer
        correlation = window_correlation(*given, self._row, first, second)
        self._row = (self._row + 1) % self.window
        if self._row == 0:
            _close_round(*given)
        self._seen += 1
        self.correlation = np.where(self._seen >= self.window, correlation, np.nan)
        limit = 1.0 - 1e-12
        scores = np.arctanh(np.clip((self.correlation, reference), -limit, limit))
        self.statistic = (scores[0] - scores[1]) * sqrt(self.window - 3)
        fell, rose = self.statistic < -self.threshold, self.statistic > self.threshold
        self._seen[fell | rose] = 0
        return fell, rose


#: Of a window are summed both sides, their squares and their product.
_SUMS = 5


@njit(cache=True, nogil=True)
def window_correlation(
    past: Floats, older: Floats, newer: Floats, row: int, first: Floats, second: Floats
) -> Floats:
    """Correlation ``[P]`` of the window with one observation more; NaN where a side stood still.

    The window is a ring, ``past`` ``[window, 2, P]``, and what it holds is a sum of two: what was
    written since row 0, ``newer`` ``[5, P]``, and what is left of the round before, ``older``
    ``[window + 1, 5, P]`` by the row it begins at. Nothing is ever taken out of a sum, which would
    leave dust.
    """
    window, _, paths = past.shape
    result = np.full(paths, np.nan)
    for path in range(paths):
        x, y = first[path], second[path]
        past[row, 0, path], past[row, 1, path] = x, y
        newer[0, path] += x
        newer[1, path] += y
        newer[2, path] += x * x
        newer[3, path] += y * y
        newer[4, path] += x * y
        one = newer[0, path] + older[row + 1, 0, path]
        other = newer[1, path] + older[row + 1, 1, path]
        squares = newer[2, path] + older[row + 1, 2, path]
        others = newer[3, path] + older[row + 1, 3, path]
        cross = newer[4, path] + older[row + 1, 4, path]
        variance = squares - one * one / window
        variance_other = others - other * other / window
        if variance > 1e-12 * squares and variance_other > 1e-12 * others:
            result[path] = (cross - one * other / window) / sqrt(variance * variance_other)
    return result


@njit(cache=True, nogil=True)
def _close_round(past: Floats, older: Floats, newer: Floats) -> None:
    """What was written last, row 0 to the end, becomes the round before."""
    window, _, paths = past.shape
    for row in range(window - 1, -1, -1):
        for path in range(paths):
            x, y = past[row, 0, path], past[row, 1, path]
            older[row, 0, path] = older[row + 1, 0, path] + x
            older[row, 1, path] = older[row + 1, 1, path] + y
            older[row, 2, path] = older[row + 1, 2, path] + x * x
            older[row, 3, path] = older[row + 1, 3, path] + y * y
            older[row, 4, path] = older[row + 1, 4, path] + x * y
    newer[:] = 0.0
