"""Watches one hedge over time: residuals, correlation, beta and basis, on many paths at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher, Shewhart
from simulator.hedging.monitor.settings import ALARMS, Settings
from simulator.kernel_files import njit
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

#: Standardised observations are cut off here: one wick must not fill a sum by itself.
CUTOFF = 3.0


@dataclass(frozen=True, eq=False)
class Scores:
    """One step as the charts see it, each ``[P]``.

    ``watched``: the warm-up is over; ``filling``: only the correlation's window is filled.
    ``target`` and ``hedge`` are returns, ``correlation`` what they have had so far; ``residual``,
    ``product`` and ``basis`` are divided by what they have varied.
    """

    watched: bool
    filling: bool
    target: Floats
    hedge: Floats
    correlation: Floats
    residual: Floats
    product: Floats
    basis: Floats


class HedgeMonitor:
    """Detectors over the hedge of asset 0 by Σ β·(the others), ``[P]`` paths.

    Observations are divided by what they have varied so far, never by what they are about to, and
    start under the assumption that the hedge works as it did in the warm-up.
    """

    def __init__(self, paths: int, settings: Settings) -> None:
        self.settings = settings
        arl, limits = settings.arl, settings.limits
        residual, correlation, drift = (
            (None, None, None)
            if limits is None
            else (limits.residual, limits.correlation, limits.drift)
        )
        self.residual = Cusum(paths, arl, limit=residual)
        self.correlation = RollingFisher(paths, arl, settings.window, limit=correlation)
        self.drift = EwmaChart(paths, arl, products=True, limit=drift)
        self.basis = Shewhart(settings.arl)
        fast, slow = (1.0 - 0.5 ** (1.0 / half) for half in (settings.half_life, settings.memory))
        self._weights = np.array([slow if kind in _SLOW else fast for kind in range(_MOMENTS)])
        self._moments = np.zeros((_MOMENTS, paths))
        self._marks = np.full(paths, np.nan)
        self._steps = 0

    def update(
        self, returns: Floats, betas: Floats, basis: Floats | None = None
    ) -> dict[str, Booleans]:
        """Take one step: log returns ``[N, P]``, the posted betas ``[N − 1, P]`` before it.

        ``basis`` ``[P]``: the vault's mark over index − 1, weighted as its hedges are; None: it is
        not watched. Returns where each of :data:`ALARMS` rang, ``[P]``.
        """
        alarms = dict.fromkeys(ALARMS, np.zeros(returns.shape[1], np.bool_))
        scores = self.standardise(returns, betas, basis)
        if scores.watched:
            alarms["residual"] = self.residual.update(scores.residual)
            fell, rose = self.correlation.update(scores.target, scores.hedge, scores.correlation)
            alarms["breakdown"], alarms["convergence"] = fell, rose
            alarms["drift"] = self.drift.update(scores.product)
            if basis is not None:
                alarms["basis"] = self.basis.update(scores.basis)
        elif scores.filling:
            self.correlation.update(scores.target, scores.hedge, np.zeros_like(scores.target))
        return alarms

    def standardise(self, returns: Floats, betas: Floats, basis: Floats | None = None) -> Scores:
        """What the charts are given of a step, by what was known before it; then knows the step."""
        wanted = len(returns) - 1, returns.shape[1]
        if np.shape(betas) != wanted:
            raise InputError(f"betas {np.shape(betas)}: must be {wanted}, a row for each hedge")
        # One layout, whatever was given: each is compiled for by itself.
        returns, betas = np.ascontiguousarray(returns), np.ascontiguousarray(betas)
        settings, step = self.settings, self._steps
        warm = step >= settings.warmup
        weights = self._weights if warm else np.full(_MOMENTS, 1.0 / (step + 1))
        jump = np.zeros(returns.shape[1]) if basis is None else self._jump(basis)
        scores = _score(returns, betas, jump, self._moments, weights, warm)
        self._steps += 1
        return Scores(warm, step >= settings.warmup - settings.window, returns[0], *scores)

    def _jump(self, basis: Floats) -> Floats:
        """Change of the basis: it reverts slowly, so its steps are nearly independent."""
        last, self._marks = self._marks, np.array(basis)
        return np.where(np.isnan(last), 0.0, self._marks - last)


# Second moments so far: plain means over the warm-up, then exponentially weighted, of the hedge's
# returns both fast and slow.
_HEDGE, _RESIDUAL, _PRODUCT, _BASIS, _TARGET, _LONG, _CROSS, _MOMENTS = range(8)
_SLOW = (_TARGET, _LONG, _CROSS)
# What is made of a step, in the order of :class:`Scores`.
_SCORES = 5


@njit(nogil=True, error_model="numpy")
def _over(observation: float, variance: float) -> float:
    """An observation over its root mean square; 0 where nothing has moved yet."""
    return observation / sqrt(variance) if variance > 0.0 else 0.0


@njit(nogil=True, error_model="numpy")
def _cut(observation: float, limit: float) -> float:
    return limit if observation > limit else -limit if observation < -limit else observation


@njit(nogil=True, error_model="numpy")
def _within(observation: float, variance: float) -> float:
    """An observation beyond the cutoff as the cutoff; as it is where there is no scale yet."""
    limit = CUTOFF * sqrt(variance)
    return _cut(observation, limit) if limit > 0.0 else observation


@njit(cache=True, nogil=True, error_model="numpy")
def _score(
    returns: Floats, betas: Floats, jump: Floats, moments: Floats, weights: Floats, cut: bool
) -> Floats:
    """What the charts are given of a step ``[5, P]``, by moments ``[7, P]``; they then know it.

    ``weights`` ``[7]`` are the step's in the moments; with ``cut`` an observation beyond the cutoff
    counts there as the cutoff.
    """
    assets, paths = returns.shape
    scores = np.empty((_SCORES, paths))
    for i in range(paths):
        target, hedge, jumped = returns[0, i], 0.0, jump[i]
        for asset in range(1, assets):
            hedge += betas[asset - 1, i] * returns[asset, i]
        left = target - hedge
        residual = _cut(_over(left, moments[_RESIDUAL, i]), CUTOFF)
        product = residual * _cut(_over(hedge, moments[_HEDGE, i]), CUTOFF)
        spread = moments[_TARGET, i] * moments[_LONG, i]
        scores[0, i] = hedge
        scores[1, i] = _over(moments[_CROSS, i], spread)  # around zero
        scores[2, i] = residual
        scores[3, i] = _over(product, moments[_PRODUCT, i])  # volatilities rise together
        scores[4, i] = _over(jumped, moments[_BASIS, i])
        long = hedge
        if cut:
            target, long = _within(target, moments[_TARGET, i]), _within(hedge, moments[_LONG, i])
            left, jumped = _within(left, moments[_RESIDUAL, i]), _within(jumped, moments[_BASIS, i])
            hedge = _within(hedge, moments[_HEDGE, i])
        moments[_TARGET, i] += weights[_TARGET] * (target * target - moments[_TARGET, i])
        moments[_LONG, i] += weights[_LONG] * (long * long - moments[_LONG, i])
        moments[_CROSS, i] += weights[_CROSS] * (target * long - moments[_CROSS, i])
        moments[_HEDGE, i] += weights[_HEDGE] * (hedge * hedge - moments[_HEDGE, i])
        moments[_RESIDUAL, i] += weights[_RESIDUAL] * (left * left - moments[_RESIDUAL, i])
        moments[_PRODUCT, i] += weights[_PRODUCT] * (product * product - moments[_PRODUCT, i])
        moments[_BASIS, i] += weights[_BASIS] * (jumped * jumped - moments[_BASIS, i])
    return scores
