"""Control limits of the breakdown monitor from what is recorded before a replay."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config import from_mapping, initial_betas
from simulator.config.monitor import monitor_settings
from simulator.market.history_file import Reading, read_bars
from simulator.market.panel import read_panel
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config.models import Config

# False alarms come once a quarter: a month before the window would show none of what rings them.
CALIBRATION_DAYS = 365
# Fields of the monitor's section that its limits depend on.
_SETTINGS = (
    "false_alarm_hours",
    "window_hours",
    "warmup_hours",
    "half_life_hours",
    "memory_hours",
)
NORMAL = "breakdown monitor: its limits are those of normal returns"


def with_limits(config: Config) -> Config:
    """The same replay, its breakdown monitor's limits found on the year before the window.

    The hedge is that of the first betas. Nothing changes without a monitor, where limits are given,
    and where less than eight windows are recorded before; a note says what was done.
    """
    monitor, history = config.agents.breakdown_monitor, config.history
    if monitor is None or monitor.limits is not None or history.start is None:
        return config
    from simulator.hedging.monitor.calibration import LEAST_WINDOWS, calibrate

    assert history.prices is not None
    names = (config.pool.base, *config.markets)
    symbols = [history.symbols[name] for name in names]
    reading = Reading.of(history)
    bars = [read_bars(history.prices, symbol, reading) for symbol in symbols]
    listed = max(each.times[0] for each in bars).to_pydatetime()
    settings, step = monitor_settings(monitor, config.step_minutes), config.step_minutes
    first = max(listed, history.start - timedelta(days=CALIBRATION_DAYS))
    rows = max(int((history.start - first) / timedelta(minutes=step)), 0)
    first = history.start - timedelta(minutes=rows * step)
    least = LEAST_WINDOWS * settings.window
    if rows < least:
        note = f"{NORMAL}: {rows} steps are recorded before the window, {least} are needed"
        return _noted(config, None, note)
    try:
        panel = read_panel(
            history.prices, symbols, step, first, history.start, history.max_gap_hours, reading
        )
    except InputError as gap:  # the year before is no part of what is replayed
        return _noted(config, None, f"{NORMAL}: {gap}")
    limits = calibrate(panel.returns, np.array(initial_betas(config)), settings)
    note = (
        f"breakdown monitor: limits of one false alarm in {monitor.false_alarm_hours:,g} hours on "
        f"{len(panel.returns):,} returns from {first} to {history.start}"
    )
    found = {**asdict(limits), "found_for": {name: getattr(monitor, name) for name in _SETTINGS}}
    return _noted(config, found, note)


def _noted(config: Config, limits: dict[str, Any] | None, note: str) -> Config:
    data = config.model_dump(mode="json")
    data["agents"]["breakdown_monitor"]["limits"] = limits
    data["history"]["notes"] = [*config.history.notes, note]
    return from_mapping(data)
