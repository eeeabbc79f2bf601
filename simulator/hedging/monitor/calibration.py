"""Control limits that have the stated rate of false alarms on the returns of a record.

Limits by theory hold for independent normals. Hourly returns of coins have heavy tails, volatility
that comes in waves and correlations that wander, and ring charts with such limits many times as
often. Here the monitor watches paths resampled from the record in blocks (stationary bootstrap,
Politis and Romano 1994), with many limits at once, and the ones are taken whose alarms are as far
apart as stated. What the record does now and then is no alarm; what it never did is one.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher
from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.hedging.monitor.settings import ControlLimits
from simulator.hedging.resampling import blocks
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.hedging.monitor.settings import Settings
    from simulator.types import Booleans, Floats

# Multiples of a chart's limit by theory that are tried, and the paths each is tried on.
_FACTORS = np.geomspace(0.8, 3.2, 16)
_PATHS = 64
# Steps of a path: the warm-up and some alarms at the stated rate, within bounds that take seconds.
_LEAST_STEPS, _MOST_STEPS = 1_500, 6_000
# A limit that rang less often than this says nothing of its rate; beyond, log ARL is a line.
_LEAST_ALARMS = 20
#: Windows a record needs: or blocks would repeat a handful of days.
LEAST_WINDOWS = 8


def resampled_rows(rows: int, steps: int, window: int, seed: int) -> NDArray[np.int64]:
    """Rows of the record ``[steps, P]`` that each path is made of.

    A path is one stretch of a record twice as long; of a shorter one it is put together from blocks
    of a quarter of it in the mean, for at a seam correlations jump as they never did.
    """
    generator = np.random.default_rng(seed)
    if rows >= 2 * steps:
        return np.arange(steps)[:, None] + generator.integers(0, rows - steps + 1, _PATHS)
    restart = 1.0 / max(rows / 4, 2.0 * window)
    return blocks(generator.random((steps, _PATHS)), restart, rows)


def calibrate(returns: Floats, betas: Floats, settings: Settings, seed: int = 0) -> ControlLimits:
    """Limits under which each chart alarms every ``settings.arl`` steps on resampled returns.

    Args:
        returns: log returns ``[T, N]`` of the record, the hedged asset first.
        betas: of the hedges ``[T, N − 1]``, each row known before it, or ``[N − 1]`` for all.
        settings: how the hedge is watched; its own ``limits`` are not looked at.
        seed: of the resampling.

    Raises:
        InputError: shapes do not match, values are not finite, or the record is shorter than
            eight windows.
    """
    if returns.ndim != 2 or np.shape(betas)[-1:] != (returns.shape[1] - 1,):
        raise InputError(
            f"returns {returns.shape}, betas {np.shape(betas)}: must be [T, N], [T, N - 1]"
        )
    rows, assets = returns.shape
    betas = np.broadcast_to(betas, (rows, assets - 1))
    if not (np.all(np.isfinite(returns)) and np.all(np.isfinite(betas))):
        raise InputError("returns, betas: must be finite")
    if rows < LEAST_WINDOWS * settings.window:
        raise InputError(
            f"returns = {rows} rows: must be {LEAST_WINDOWS * settings.window} or more, "
            f"{LEAST_WINDOWS} windows"
        )
    steps = settings.warmup + ceil(np.clip(settings.arl, _LEAST_STEPS, _MOST_STEPS))
    drawn = resampled_rows(rows, steps, settings.window, seed)
    plain = replace(settings, limits=None)
    charts = _Charts(plain)
    monitor = HedgeMonitor(_PATHS, plain)
    for chosen in drawn:
        charts.take(monitor, returns[chosen].T, betas[chosen].T)
    observed = (steps - settings.warmup) * _PATHS
    return ControlLimits(*(charts.limit(name, observed, settings.arl) for name in charts.limits))


class _Charts:
    """Every chart under every limit tried: lane k·P + p is path p under limit k."""

    def __init__(self, settings: Settings) -> None:
        theory = HedgeMonitor(1, settings)
        lanes = _PATHS * len(_FACTORS)
        arl, window = settings.arl, settings.window
        self.limits = {
            "residual": float(theory.residual.threshold) * _FACTORS,
            "correlation": float(theory.correlation.threshold) * _FACTORS,
            "drift": float(theory.drift.threshold) * _FACTORS,
        }
        tried = {name: np.repeat(limits, _PATHS) for name, limits in self.limits.items()}
        self.residual = Cusum(lanes, arl, limit=tried["residual"])
        self.correlation = RollingFisher(lanes, arl, window, limit=tried["correlation"])
        self.drift = EwmaChart(lanes, arl, products=True, limit=tried["drift"])
        self.alarms = {name: np.zeros(len(_FACTORS)) for name in self.limits}

    def take(self, monitor: HedgeMonitor, returns: Floats, betas: Floats) -> None:
        """One step of every path, ``[N, P]`` and ``[N − 1, P]``."""
        scores = monitor.standardise(returns, betas)
        target, hedge = _tiled(scores.target), _tiled(scores.hedge)
        if scores.watched:
            self._count("residual", self.residual.update(_tiled(scores.residual)))
            fell, rose = self.correlation.update(target, hedge, _tiled(scores.correlation))
            self._count("correlation", fell | rose)
            self._count("drift", self.drift.update(_tiled(scores.product)))
        elif scores.filling:
            self.correlation.update(target, hedge, np.zeros_like(target))

    def _count(self, name: str, rang: Booleans) -> None:
        self.alarms[name] += rang.reshape(len(_FACTORS), _PATHS).sum(axis=1)

    def limit(self, name: str, observed: float, arl: float) -> float:
        """Limit at which log ARL, linear between the limits tried, is that of ``arl``."""
        limits, alarms = self.limits[name], self.alarms[name]
        seen = alarms >= _LEAST_ALARMS
        if seen.sum() < 2:  # nothing rings: the theory's limit is safe as it is
            return float(limits[0] / _FACTORS[0])
        limits, logs = limits[seen], np.log(observed / alarms[seen])
        wanted = log(arl)
        if wanted > logs[-1]:
            first = max(len(logs) - 4, 0)
            slope = (logs[-1] - logs[first]) / (limits[-1] - limits[first])
            return float(limits[-1] + (wanted - logs[-1]) / max(slope, 1e-9))
        return float(np.interp(wanted, np.maximum.accumulate(logs), limits))


def _tiled(values: Floats) -> Floats:
    return np.tile(values, len(_FACTORS))
