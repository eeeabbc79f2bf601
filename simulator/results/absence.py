"""Who was not there when something was due: agents that a shock had down, or outbid for gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.shocks import Congestion, Outage
from simulator.results.finding import Finding
from simulator.results.reasons import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config import Config

#: Those on whom a vault, or a lender, depends; others' absence is the market's.
_NEEDED = ("keeper", "risk_manager", "liquidator", "borrower_liquidator")
#: Part of a spell from which an absence is what it is of.
_MOST = 0.5


def absent(config: Config) -> Iterator[Finding]:
    """Of each that is needed, when it was not there by configuration."""
    for name in _NEEDED:
        if getattr(config.agents, name) is None:
            continue
        for field, shock in _shocks(config, name):
            hours = min(shock.duration_hours, config.horizon_hours - shock.at_hours)
            said = name.replace("_", " ").capitalize()
            when = "then" if isinstance(shock, Outage) else "while gas cost more"
            text = (
                f"{said} {_how(shock)} from hour {shock.at_hours:,.0f} for {hours:,.0f} hours, "
                f"{percent(hours / config.horizon_hours)} of the run ({field}, {shock.kind}), and "
                f"did nothing {when}."
            )
            yield Finding("agent_absent", "warning", text, 1.0, field)


def at_spell(config: Config, start: float, hours: float) -> str:
    """Why nobody called what was due from then for so long; "": its keeper was there.

    One that was outbid may have been there too, where gas cost less.
    """
    for field, shock in _shocks(config, "keeper"):
        if not isinstance(shock, Outage):
            continue
        first, last = shock.at_hours, shock.at_hours + shock.duration_hours
        together = min(last, start + hours) - max(first, start)
        if together >= _MOST * hours > 0.0:
            return f"the keeper {_how(shock)} from hour {first:,.0f} ({field}, {shock.kind})"
    return ""


def _shocks(config: Config, name: str) -> Iterator[tuple[str, Outage | Congestion]]:
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Outage | Congestion) and name in shock.agents:
            yield f"shocks.{number}", shock


def _how(shock: Outage | Congestion) -> str:
    return "was down" if isinstance(shock, Outage) else f"bid {shock.highest_gwei:g} gwei at most"
