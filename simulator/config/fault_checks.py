"""Checks of faults: that who is away is there, and that what stops or is posted wrong can be."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.agents import BUILT_IN
from simulator.config.faults import Absence, Congestion, Misposted, Outage, VenueOutage
from simulator.config.shock import WindowShock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields

#: Agents that come in at the first step alone.
_OPENERS = ("depositor", "leveraged_long", "leveraged_short")
#: Agents that act on all paths together.
_OVER_ARRAYS = ("risk_manager", "breakdown_monitor")


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with them, a line each."""
    for number, shock in enumerate(config.shocks):
        field = f"shocks.{number} ({shock.kind})"
        if isinstance(shock, Absence):
            yield from _absence(config, field, shock)
        elif isinstance(shock, VenueOutage):
            yield from _venue(config, number, field, shock)
        elif isinstance(shock, Misposted):
            yield from _misposted(config, number, field, shock)


def _absence(config: Fields, field: str, shock: Absence) -> Iterator[str]:
    agents = config.agents
    known = [*(name for name in BUILT_IN if getattr(agents, name) is not None), *agents.custom]
    for name in shock.agents:
        if name not in known:
            yield f"{field}.agents = {name}: must be one of {', '.join(known) or '(none)'}"
    for name in shock.agents if isinstance(shock, Congestion) else ():
        if name in _OPENERS and shock.at_hours == 0.0:
            yield (
                f"{field}.at_hours = 0: must be above 0; {name} opens at the first step, or never"
            )
        if name in _OVER_ARRAYS:
            yield (
                f"{field}.agents = {name}: must be another; it acts on all paths at once, and "
                "gas differs between them"
            )


def _venue(config: Fields, number: int, field: str, shock: VenueOutage) -> Iterator[str]:
    if shock.at_hours == 0.0:
        yield f"{field}.at_hours = 0: must be above 0; the vault is opened at the first step"
    if shock.venue == "aave":
        if config.lending is None:
            yield f"{field}.venue = aave: must be another, or lending given: nobody borrows there"
        if config.aave is not None:
            yield (
                f"{field}.venue = aave: must be another where the vault borrows there (aave): its "
                "own legs are not modelled in a pause (contracts/SPEC.md §4.8)"
            )
    if shock.venue == "chain":
        for symbol in sorted(config.history.oracle):
            yield (
                f"{field}.venue = chain: must be another; {symbol}'s rounds are recorded "
                "(history.oracle), and a chain that halts has none"
            )
    before = (s for s in config.shocks[:number] if isinstance(s, VenueOutage))
    if any(other.venue == shock.venue and _overlap(other, shock) for other in before):
        yield f"{field}.at_hours = {shock.at_hours:g}: must not overlap another of its venue"


def _misposted(config: Fields, number: int, field: str, shock: Misposted) -> Iterator[str]:
    manager = config.agents.risk_manager
    if manager is None:
        yield f"{field}: has no effect, nobody posts; agents.risk_manager must be given"
        return
    if manager.estimator == "fixed":
        yield (
            f"{field}: has no effect, agents.risk_manager.estimator = fixed posts at the first "
            "step alone; must be rolling"
        )
    elif not _posts_within(config, shock):
        yield (
            f"{field}.duration_hours = {shock.duration_hours:g}: must reach a post, of one every "
            f"{manager.every_hours:g} h once {manager.window_hours:g} h are past, or nothing "
            "happens"
        )
    if shock.what == "covariance":
        if config.clearing.margin != "portfolio":
            yield (
                f"{field}.what = covariance: has no effect, clearing.margin = "
                f"{config.clearing.margin}; must be portfolio"
            )
        elif not manager.posts_covariance:
            yield (
                f"{field}.what = covariance: has no effect, agents.risk_manager.posts_covariance "
                "must be true"
            )
    before = (s for s in config.shocks[:number] if isinstance(s, Misposted))
    if any(other.what == shock.what and _overlap(other, shock) for other in before):
        yield f"{field}.at_hours = {shock.at_hours:g}: must not overlap another of what it is of"


def _overlap(one: WindowShock, other: WindowShock) -> bool:
    """Whether windows have a moment in common."""
    begin = max(one.at_hours, other.at_hours)
    return begin < min(s.at_hours + s.duration_hours for s in (one, other))


def _posts_within(config: Fields, shock: Misposted) -> bool:
    """Whether a rolling risk manager posts while it is wrong."""
    manager = config.agents.risk_manager
    assert manager is not None
    per_hour = 60 / config.step_minutes
    every = max(1, round(manager.every_hours * per_hour))
    window = max(2, round(manager.window_hours * per_hour))
    posts = np.arange(ceil(window / every), config.steps // every + 1) * every
    there = shock.active(posts / per_hour)
    for other in config.shocks:
        if isinstance(other, VenueOutage):
            away = other.venue == "chain"
        else:
            away = isinstance(other, Outage) and "risk_manager" in other.agents
        if away and isinstance(other, WindowShock):
            there &= ~other.active(posts / per_hour)
    return bool(there.any())
