"""Watches one hedge over time: residuals, correlation, beta and basis, on many paths at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher, Shewhart
from simulator.hedging.monitor.settings import ALARMS, Settings

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
        self._moments = _Moments(paths, settings)
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
        target, hedge = returns[0], np.zeros_like(returns[0])
        for beta, series in zip(betas, returns[1:], strict=True):
            hedge = hedge + beta * series
        left = target - hedge
        jump = np.zeros_like(left) if basis is None else self._jump(basis)
        known, settings = self._moments, self.settings
        residual = known.score("residual", left)
        scores = Scores(
            watched=self._steps >= settings.warmup,
            filling=self._steps >= settings.warmup - settings.window,
            target=target,
            hedge=hedge,
            correlation=known.correlation(),
            residual=residual,
            product=known.product(residual, hedge),
            basis=known.score("basis", jump, cut=False),
        )
        known.add(target, hedge, left, jump)
        self._steps += 1
        return scores

    def _jump(self, basis: Floats) -> Floats:
        """Change of the basis: it reverts slowly, so its steps are nearly independent."""
        last, self._marks = self._marks, np.array(basis)
        return np.where(np.isnan(last), 0.0, self._marks - last)


class _Moments:
    """Second moments so far: plain means over the warm-up, then exponentially weighted."""

    def __init__(self, paths: int, settings: Settings) -> None:
        fast, slow = (0.5 ** (1.0 / half) for half in (settings.half_life, settings.memory))
        self._kept = dict.fromkeys(("hedge", "residual", "product", "basis"), fast)
        self._kept |= dict.fromkeys(("target", "long", "cross"), slow)  # long: the hedge's, slow
        self._values = {kind: np.zeros(paths) for kind in self._kept}
        self._warmup, self._count = settings.warmup, 0

    def add(self, target: Floats, hedge: Floats, residual: Floats, jump: Floats) -> None:
        """Take one step; an observation beyond the cutoff counts as the cutoff."""
        self._count += 1
        long = hedge
        product = self.score("residual", residual) * self.score("hedge", hedge)
        if self._count > self._warmup:
            target, long = self._within("target", target), self._within("long", hedge)
            residual, jump = self._within("residual", residual), self._within("basis", jump)
            hedge = self._within("hedge", hedge)
        self._blend("target", target * target)
        self._blend("long", long * long)
        self._blend("cross", target * long)
        self._blend("hedge", hedge * hedge)
        self._blend("residual", residual * residual)
        self._blend("product", product * product)
        self._blend("basis", jump * jump)

    def score(self, kind: str, observations: Floats, *, cut: bool = True) -> Floats:
        """Observations over their root mean square; 0 where nothing has moved yet."""
        variance = self._values[kind]
        deviation = np.sqrt(np.where(variance > 0.0, variance, np.inf))
        scores = observations / deviation
        return np.clip(scores, -CUTOFF, CUTOFF) if cut else scores

    def product(self, scored: Floats, hedge: Floats) -> Floats:
        """Product of both scores over its own root mean square: volatilities rise together."""
        return self.score("product", scored * self.score("hedge", hedge), cut=False)

    def correlation(self) -> Floats:
        """Of target and hedge, around zero; 0 where either has not moved."""
        product = self._values["target"] * self._values["long"]
        alive = product > 0.0
        spread = np.sqrt(np.where(alive, product, 1.0))
        return np.where(alive, self._values["cross"] / spread, 0.0)

    def _within(self, kind: str, observations: Floats) -> Floats:
        limit = CUTOFF * np.sqrt(self._values[kind])
        # What has not moved so far has no scale to be cut at.
        limit = np.where(limit > 0.0, limit, np.inf)
        return np.clip(observations, -limit, limit)

    def _blend(self, kind: str, squares: Floats) -> None:
        weight = 1.0 / self._count if self._count <= self._warmup else 1.0 - self._kept[kind]
        self._values[kind] += weight * (squares - self._values[kind])
