"""What of a vault is changed in search of what would have saved it, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, log
from typing import TYPE_CHECKING, Any

from simulator.config import from_mapping

if TYPE_CHECKING:
    from simulator.config import Config

Change = dict[str, float]
#: Settings that are tried: what who runs the vault may choose. Fees, caps and the venue's terms are
#: not: they move losses to others.
TRIED = (
    *(
        f"vault.{name}"
        for name in (
            "range_half_width_percent",
            "recenter_threshold",
            "lp_allocation",
            "margin_allocation",
            "hedge_band",
            "max_slippage",
            "margin_target",
            "top_up_ratio",
            "deleverage_ratio",
            "keeper_reward",
            "keeper_share",
            "beta_max",
            "beta_max_change",
            "beta_interval_hours",
        )
    ),
    "agents.risk_manager.window_hours",
    "agents.risk_manager.every_hours",
)


def settings(config: Config) -> dict[str, float]:
    """Those tried, that the configuration has, and their values; none that is zero.

    Of a fixed risk manager the window is none of a run's.
    """
    found = {}
    for name in TRIED:
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part, None)
        manager = config.agents.risk_manager
        fixed = manager is None or manager.estimator == "fixed"
        if value and not (fixed and name.startswith("agents.risk_manager.")):
            found[name] = float(value)
    return found


def changed(config: Config, change: Mapping[str, float]) -> Config:
    """With settings changed; raises InputError where they do not fit."""
    if not change:
        return config
    data = config.model_dump()
    for name, value in change.items():
        *sections, last = name.split(".")
        section = data
        for part in sections:
            section = section[part]
        section[last] = value
    return from_mapping(data)


def size(known: Mapping[str, float], change: Mapping[str, float]) -> float:
    """How large a change is."""
    return hypot(*(log(value / known[name]) for name, value in change.items()))
