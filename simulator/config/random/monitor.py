"""The breakdown monitor of random scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_ODDS = 0.4  # that there is one


def watch(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Give four of ten drawn scenarios a monitor, with alarms in every run and any answer."""
    if rng.random() >= _ODDS:
        return
    hours = drawn["horizon_hours"]
    drawn["agents"]["breakdown_monitor"] = {
        "false_alarm_hours": hours * float(rng.uniform(0.25, 1.0)),
        "window_hours": hours / 20,
        "warmup_hours": hours / 20,
        "half_life_hours": hours / 10,
        "memory_hours": hours / 2,
        "hold_hours": hours / 10,
        "refit_hours": hours / 20,
        "every_hours": hours / 50,
        "beta_multiple": None if rng.random() < 0.25 else float(rng.uniform(0.0, 1.5)),
        "covariance_multiple": float(rng.uniform(1.0, 20.0)),
    }
