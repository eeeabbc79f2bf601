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
        self._seen = np.zeros(paths, np.int64)
        self._row = 0

    def update(self, first: Floats, second: Floats, reference: Floats) -> tuple[Booleans, Booleans]:
        """Take one observation of each side; where the correlation fell, where it rose, ``[P]``.

        ``reference`` ``[P]`` is the correlation while nothing has changed. After an alarm a path
        starts again, with an empty window.
        """
        self._past[self._row] = first, second
        self._row = (self._row + 1) % self.window
        self._seen += 1
        self.correlation = np.where(
            self._seen >= self.window, window_correlation(self._past), np.nan
        )
        limit = 1.0 - 1e-12
        scores = np.arctanh(np.clip(self.correlation, -limit, limit))
        scores = scores - np.arctanh(np.clip(reference, -limit, limit))
        self.statistic = scores * sqrt(self.window - 3)
        fell, rose = self.statistic < -self.threshold, self.statistic > self.threshold
        self._seen[fell | rose] = 0
        return fell, rose


@njit(cache=True, nogil=True)
def window_correlation(past: Floats) -> Floats:
    """Correlation ``[P]`` of ``past`` ``[window, 2, P]``; NaN where a side stood still.

    Summed anew at every step, one path after the other: running sums would leave dust.
    """
    window, _, paths = past.shape
    result = np.full(paths, np.nan)
    for path in range(paths):
        first, second, squares, others, cross = 0.0, 0.0, 0.0, 0.0, 0.0
        for row in range(window):
            x, y = past[row, 0, path], past[row, 1, path]
            first += x
            second += y
            squares += x * x
            others += y * y
            cross += x * y
        variance = squares - first * first / window
        other = others - second * second / window
        if variance > 1e-12 * squares and other > 1e-12 * others:
            result[path] = (cross - first * second / window) / sqrt(variance * other)
    return result
