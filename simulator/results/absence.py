"""Who was not there when something was due, what stood still, what was posted wrong: by shocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.faults import Absence, Congestion, Misposted, Outage, VenueOutage
from simulator.results.finding import Finding
from simulator.results.reasons import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config import Config
    from simulator.config.shock import WindowShock
    from simulator.types import Floats

#: Those on whom a vault, or a lender, depends; others' absence is the market's, and a note.
_NEEDED = ("keeper", "risk_manager", "liquidator", "borrower_liquidator")
#: Of a venue: what happened to it, and what that kept whom from.
_STOPPED = {
    "chain": (
        "The chain halted",
        (
            "nobody traded, moved margin, was liquidated or kept, no depositor came or left, not "
            "in kind either, and no round was posted while the index moved."
        ),
    ),
    "perps": (
        "The perp venue's guardian paused it",
        (
            "no position could grow, not the vault's hedge either. Reductions, margin, "
            "liquidations and exits went on: the contract has no pause of those."
        ),
    ),
    "aave": (
        "Aave was paused",
        "no borrower could be liquidated, and debts went on growing. The vault has nothing there.",
    ),
}
#: Part of a spell from which an absence is what it is of.
_MOST = 0.5


def absent(config: Config) -> Iterator[Finding]:
    """Of each agent, when it was not there by configuration."""
    away = {name for s in config.shocks if isinstance(s, Absence) for name in s.agents}
    for name in sorted(away, key=lambda one: (one not in _NEEDED, one)):
        severity = "warning" if name in _NEEDED else "note"
        for field, shock in _shocks(config, name):
            hours = _hours(config, shock)
            said = name.replace("_", " ").capitalize()
            when = "then" if isinstance(shock, Outage) else "while gas cost more"
            text = (
                f"{said} {_how(shock)} from hour {shock.at_hours:g} for {hours:g} hours, "
                f"{percent(hours / config.horizon_hours)} of the run ({field}, {shock.kind}), and "
                f"did nothing {when}."
            )
            yield Finding("agent_absent", severity, text, 1.0, field)


def never_outbid(config: Config, outbid: Floats) -> Iterator[Finding]:
    """Congestions in which gas never cost more than what is bid, so that nobody was outbid.

    ``outbid`` ``[P]``: the part of each path in which somebody was.
    """
    if outbid.any():
        return
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Congestion):
            field, bid = f"shocks.{number}", shock.highest_gwei
            text = (
                f"{field} (congestion) has no effect: gas never cost more than its highest_gwei = "
                f"{bid:g} while it lasts, on any path."
            )
            yield Finding("no_effect", "note", text, 1.0, field, bid)


def stopped(config: Config) -> Iterator[Finding]:
    """Of each venue that stood still, what could not be done meanwhile, and what could."""
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, VenueOutage):
            who, waited = _STOPPED[shock.venue]
            field = f"shocks.{number}"
            text = f"{who} from {_when(config, field, shock)}: {waited}"
            ends = shock.at_hours + shock.duration_hours < config.horizon_hours
            if shock.venue == "chain" and ends:
                text += " What was due was done at the prices there were afterwards."
            yield Finding("venue_stopped", "warning", text, 1.0, field)


def misposted(config: Config) -> Iterator[Finding]:
    """Of each error of the risk manager's, what it posted and for how long."""
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Misposted):
            field = f"shocks.{number}"
            what = "betas" if shock.what == "betas" else "a covariance"
            text = (
                f"The risk manager posted {what} {shock.factor:g} times what it had found, from "
                f"{_when(config, field, shock)}: as fast as the contracts let it, and as fast back."
            )
            yield Finding("misposted", "warning", text, 1.0, field)


def _when(config: Config, field: str, shock: VenueOutage | Misposted) -> str:
    return f"hour {shock.at_hours:g} for {_hours(config, shock):g} hours ({field}, {shock.kind})"


def _hours(config: Config, shock: WindowShock) -> float:
    """How much of it is in the run."""
    return min(shock.duration_hours, config.horizon_hours - shock.at_hours)


def at_spell(config: Config, start: float, hours: float) -> str:
    """Why nobody called what was due from then for so long; "": its keeper was there.

    One that was outbid may have been there too, where gas cost less.
    """
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Outage) and "keeper" in shock.agents:
            why = "the keeper was down"
        elif isinstance(shock, VenueOutage) and shock.venue == "chain":
            why = "the chain halted"
        else:
            continue
        first, last = shock.at_hours, shock.at_hours + shock.duration_hours
        together = min(last, start + hours) - max(first, start)
        if together >= _MOST * hours > 0.0:
            return f"{why} from hour {first:g} (shocks.{number}, {shock.kind})"
    return ""


def _shocks(config: Config, name: str) -> Iterator[tuple[str, Outage | Congestion]]:
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Absence) and name in shock.agents:
            yield f"shocks.{number}", shock


def _how(shock: Absence) -> str:
    if isinstance(shock, Congestion):
        return f"bid {shock.highest_gwei:g} gwei at most"
    return "was down"
