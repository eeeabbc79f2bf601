"""What is written of a breakdown monitor."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from simulator.config.agents.actor import Actor
from simulator.config.section import Section


class ControlLimits(Section):
    """Limits of the breakdown monitor's charts, as found on a record."""

    residual: float = Field(
        gt=0, le=1e6, description="of the CUSUM of the hedged return, standard deviations"
    )
    correlation: float = Field(
        gt=0, le=1e6, description="of Fisher's z of the rolling correlation, standard deviations"
    )
    drift: float = Field(
        gt=0, le=1e6, description="of the mean product of hedged return and hedge (pure number)"
    )
    found_for: dict[str, float] = Field(
        default_factory=dict,
        description="settings of the monitor, hours, that they were found for and go with alone",
    )


class BreakdownMonitor(Actor):
    """Watches the hedge with detectors of known false-alarm rate, and answers their alarms."""

    named: ClassVar = {
        "breakdown_monitor": "answers a hedge that breaks down",
    }

    false_alarm_hours: float = Field(
        default=2_160.0,
        gt=0,
        le=1e6,
        description="mean time between false alarms of each detector, hours, at least 4 windows: "
        "on the recorded returns before a replay, elsewhere if returns were normal",
    )
    limits: ControlLimits | None = Field(
        default=None,
        description="limits of the charts; null: found on the record before a replay (what "
        "`run --prices` writes here), elsewhere those of normal returns",
    )
    window_hours: float = Field(
        default=48.0, gt=0, le=1e4, description="window of the rolling correlation, hours"
    )
    warmup_hours: float = Field(
        default=48.0, gt=0, le=1e4, description="time that only sets the scale of returns, hours"
    )
    half_life_hours: float = Field(
        default=48.0, gt=0, le=1e5, description="half-life of that scale, hours"
    )
    memory_hours: float = Field(
        default=480.0,
        gt=0,
        le=1e5,
        description="half-life of the correlation that the window is compared with, hours",
    )
    answers: tuple[Literal["residual", "breakdown", "convergence", "drift", "basis"], ...] = Field(
        default=("residual", "breakdown", "convergence", "drift", "basis"),
        min_length=1,
        description="alarms that it answers",
    )
    hold_hours: float = Field(
        default=72.0, gt=0, le=1e5, description="how long it answers after an alarm, hours"
    )
    refit_hours: float = Field(
        default=24.0, gt=0, le=1e5, description="returns its betas are estimated on, hours"
    )
    every_hours: float = Field(
        default=12.0, gt=0, le=1e5, description="time between posts while it answers, hours"
    )
    beta_multiple: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="factor on those betas; 0: unwind the hedge; null: betas are left alone, for "
        "what each answer was worth depends on what broke (docs/breakdown-monitor.md)",
    )
    covariance_multiple: float = Field(
        default=4.0,
        ge=1,
        le=100,
        description="factor on the covariance it posts where margin nets risk; 4 doubles margin",
    )
