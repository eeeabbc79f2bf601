"""A forecast that learns where correlations go: ridge regression on realised measures.

Heterogeneous autoregression (Corsi 2009, J. Financial Econometrics 7) of Fisher's z of each
realised correlation, and of each log realised variance, over a short, a middle and a long window;
beside them the volatilities, the jumps (Andersen, Bollerslev & Diebold 2007) and the downside
semicorrelation. What is learned is the *departure* from the long window, so with nothing learned
the forecast is the realised covariance of the long window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import rank
from simulator.hedging.estimators.base import as_returns, carry, refits, undefined
from simulator.hedging.estimators.realised import MOST, fisher_z, realised
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Floats

#: Penalties among which leave-one-out error on the rows seen decides (features of unit variance).
PENALTIES = tuple(10.0**power for power in range(6))
LEAST_SAMPLES = 20
#: Variances are floored at this part of the long window's, so that every logarithm exists; that of
#: the long window at :data:`~simulator.hedging.rank.FLOOR` of the greatest beside it.
_FLOOR = 1e-4


@dataclass(frozen=True)
class Learned:
    """Ridge forecasts of correlations and variances, refitted walk-forward on all rows so far.

    Attributes:
        windows: rows of the short, middle and long window; the short one is the interval whose
            realised measures are forecast, and samples of it do not overlap.
        refit_every: rows between two fits.
    """

    windows: tuple[int, int, int]
    refit_every: int
    name: str = "learned"

    def __post_init__(self) -> None:
        for place, rows in enumerate(self.windows):
            whole(f"windows[{place}]", rows, 2)
        short, middle, long = self.windows
        if not short < middle < long:
            raise InputError(f"windows = {self.windows}: must be short < middle < long")
        whole("refit_every", self.refit_every, 1)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        rows, assets = returns.shape
        result = undefined(returns)
        if rows < self.windows[2]:
            return result
        measures = _Measures(returns, self.windows)
        warmup = self.windows[2]
        variance = np.empty((rows + 1 - warmup, assets))
        for asset in range(assets):
            shift, smear = self._shifts(measures.of_variance(asset), rows)
            level = measures.log_variance(2, asset)[warmup:]
            # A mean of outcomes: no more than the greatest of those seen.
            most = np.maximum(measures.greatest(asset)[warmup:], np.exp(level))
            variance[:, asset] = np.minimum(np.exp(level + shift) * smear, most)
        correlations = np.broadcast_to(np.eye(assets), (len(variance), assets, assets)).copy()
        for i, j in combinations(range(assets), 2):
            shift, _ = self._shifts(measures.of_correlation(i, j), rows)
            z = fisher_z(measures.covariances[2][warmup:], i, j) + shift
            correlations[:, i, j] = correlations[:, j, i] = np.clip(np.tanh(z), -MOST, MOST)
        scales = np.sqrt(variance)
        result[warmup:] = nearest(correlations) * (scales[:, :, None] * scales[:, None, :])
        for first, last in refits(rows, warmup, self.refit_every):
            carry(result[first:last], measures.covariances[2][first])
        return result

    def _shifts(self, samples: tuple[Floats, Floats], rows: int) -> tuple[Floats, Floats]:
        """Forecast shifts of entries from the warm-up on, and Duan's (1983) smearing factors.

        The mean of exp(error) is what turns the exponential of a mean log into a mean.
        """
        features, outcomes = samples
        short, _, warmup = self.windows
        shifts, smears = np.zeros(rows + 1 - warmup), np.ones(rows + 1 - warmup)
        for first, last in refits(rows, warmup, self.refit_every):
            # The outcome of a sample lies in the `short` rows after it, all of them before `first`.
            places = np.arange(warmup, first - short + 1, short)
            if len(places) < LEAST_SAMPLES:
                continue
            there = slice(first - warmup, last - warmup)
            shifts[there], smears[there] = _ridge(
                features[places], outcomes[places], features[first:last]
            )
        return shifts, smears


class _Measures:
    """Realised measures of all windows, as features and outcomes ``[T + 1]`` of regressions."""

    def __init__(self, returns: Floats, windows: tuple[int, int, int]) -> None:
        found = [realised(returns, window) for window in windows]
        self._short = windows[0]
        # Per row, so that windows of any length compare.
        self.covariances = [f[0] / window for f, window in zip(found, windows, strict=True)]
        self._downside = found[2][1]
        long = np.einsum("tii->ti", self.covariances[2])
        self._least = np.maximum(rank.FLOOR * long.max(axis=1), np.finfo(np.float64).tiny)
        self._bipower = found[1][2] / windows[1]

    def log_variance(self, window: int, asset: int) -> Floats:
        """Log realised variance per row of one of the windows."""
        long = np.maximum(self.covariances[2][:, asset, asset], self._least)
        floor = long if window == 2 else _FLOOR * long
        return np.log(np.maximum(self.covariances[window][:, asset, asset], floor))

    def greatest(self, asset: int) -> Floats:
        """Greatest variance per row of the short windows so far, NaN before there is one."""
        return np.fmax.accumulate(self.covariances[0][:, asset, asset])

    def of_variance(self, asset: int) -> tuple[Floats, Floats]:
        """Features and outcome of one asset's log variance, as departures from the long window."""
        level = self.log_variance(2, asset)
        short = self.log_variance(0, asset) - level
        middle = self.log_variance(1, asset) - level
        return np.stack([short, middle, self._jumps(asset)], axis=1), self._ahead(short, level)

    def of_correlation(self, i: int, j: int) -> tuple[Floats, Floats]:
        """Features and outcome of Fisher's z of one pair, as departures from the long window."""
        short, middle, level = (fisher_z(c, i, j) for c in self.covariances)
        features = [short - level, middle - level, level]
        features.append(fisher_z(self._downside, i, j) - level)
        for asset in (i, j):
            long = self.log_variance(2, asset)
            features += [self.log_variance(0, asset) - long, self.log_variance(1, asset) - long]
            features.append(self._jumps(asset))
        return np.stack(features, axis=1), self._ahead(short - level, level)

    def _jumps(self, asset: int) -> Floats:
        """Part of the middle window's variance that bipower variation does not see, 0 to 1."""
        variance = self.covariances[1][:, asset, asset]
        rest = variance - self._bipower[:, asset]
        share = np.divide(rest, variance, out=np.zeros_like(rest), where=~(variance <= 0.0))
        return np.maximum(share, 0.0)

    def _ahead(self, departure: Floats, level: Floats) -> Floats:
        """The short window's value one such window later, less the level known now."""
        outcome = np.full_like(level, np.nan)
        n = self._short
        outcome[:-n] = departure[n:] + level[n:] - level[:-n]
        return outcome


def _ridge(features: Floats, outcomes: Floats, asked: Floats) -> tuple[Floats, float]:
    """Predictions of a ridge regression at ``asked``, and the mean of exp(its residuals)."""
    from sklearn.linear_model import RidgeCV

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-12] = 1.0
    known = (features - mean) / scale
    model = RidgeCV(alphas=PENALTIES).fit(known, outcomes)
    low, high = known.min(axis=0), known.max(axis=0)
    # Beyond what it has seen a regression knows nothing: features are held to the range seen.
    predicted = model.predict(np.clip((asked - mean) / scale, low, high))
    return predicted, float(np.mean(np.exp(outcomes - model.predict(known))))


def nearest(correlations: Floats) -> Floats:
    """Correlations ``[T, N, N]`` made positive definite: small eigenvalues raised, rescaled."""
    values, vectors = np.linalg.eigh(correlations)
    bad = values[:, 0] < 1e-6
    if not bad.any():
        return correlations
    result = correlations.copy()
    cut = np.maximum(values[bad], 1e-6)
    fixed = np.einsum("tik,tk,tjk->tij", vectors[bad], cut, vectors[bad])
    fixed = 0.5 * (fixed + np.swapaxes(fixed, 1, 2))  # to the last bit
    scale = np.sqrt(np.einsum("tii->ti", fixed))
    result[bad] = fixed / (scale[:, :, None] * scale[:, None, :])
    return result
