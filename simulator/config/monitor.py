"""The breakdown monitor's settings, in steps, from its section, in hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.hedging.monitor.settings import ControlLimits, Settings

if TYPE_CHECKING:
    from simulator.config.agents import BreakdownMonitor


def steps_of(hours: float, step_minutes: float, least: int = 1) -> int:
    """Whole steps of ``hours``, ``least`` or more."""
    return max(least, round(hours * 60 / step_minutes))


def monitor_settings(section: BreakdownMonitor, step_minutes: float) -> Settings:
    """How the hedge is watched, in steps of ``step_minutes``."""
    window, found = steps_of(section.window_hours, step_minutes, 8), section.limits
    limits = None
    if found is not None:
        limits = ControlLimits(found.residual, found.correlation, found.drift)
    return Settings(
        # Detectors count steps, and a window has eight at least.
        arl=max(section.false_alarm_hours * 60 / step_minutes, 4.0 * window),
        window=window,
        warmup=steps_of(section.warmup_hours, step_minutes, 8),
        half_life=section.half_life_hours * 60 / step_minutes,
        memory=section.memory_hours * 60 / step_minutes,
        limits=limits,
    )
