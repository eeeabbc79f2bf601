"""What a hedge monitor is told, and what it may say; light to import."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.types import InputError

#: What an alarm says. ``residual``: the hedged return has a trend; ``breakdown``: target and hedge
#: fell apart; ``convergence``: they move as one; ``drift``: beta is no longer the one posted;
#: ``basis``: a mark jumped away from its index.
ALARMS = ("residual", "breakdown", "convergence", "drift", "basis")


@dataclass(frozen=True)
class ControlLimits:
    """Control limits in the units of the charts (:mod:`simulator.hedging.monitor.charts`).

    Attributes:
        residual: threshold h of the CUSUM, standard deviations.
        correlation: of Fisher's z, standard deviations.
        drift: on the exponentially weighted mean of products.
    """

    residual: float
    correlation: float
    drift: float

    def __post_init__(self) -> None:
        for name in ("residual", "correlation", "drift"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"limits.{name} = {getattr(self, name)}: must be positive")


@dataclass(frozen=True)
class Settings:
    """How a hedge is watched; times in steps.

    Attributes:
        arl: mean steps between false alarms of each of the detectors (of ``breakdown`` and
            ``convergence`` together). Without ``limits`` for returns that are normal, given their
            volatility, which hourly returns of coins are not: with 2,160 the charts rang every 280
            to 570 hours on SOL from 2020 to 2022. :func:`simulator.hedging.monitor.calibration.
            calibrate` finds limits that have this rate on the returns of a record.
        window: of the rolling correlation.
        warmup: steps that only set the scale; no alarm before.
        half_life: of the scales that observations are divided by.
        memory: half-life of the correlation that the rolling one is compared with. Many windows:
            a reference that follows too soon hides what it should show.
        limits: control limits; None: those of the normal theory for ``arl``. The basis, of which
            there is no record, always has the latter.
    """

    arl: float
    window: int = 48
    warmup: int = 48
    half_life: float = 48.0
    memory: float = 480.0
    limits: ControlLimits | None = None

    def __post_init__(self) -> None:
        if self.warmup < 8:
            raise InputError(f"warmup = {self.warmup}: must be 8 steps or more")
        for name in ("half_life", "memory"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"{name} = {getattr(self, name)}: must be positive steps")
