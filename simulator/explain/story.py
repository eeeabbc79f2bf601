"""Which friction made the loss, in plain words, each computed from the figures and the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.explain.frictions import BY_NAME
from simulator.report.format import listed, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.explain.evidence import Records

#: Part of a figure below which a friction is not named, and is not told about.
_NAMED, _TOLD = 0.01, 0.05


def tell(summary: Mapping[str, Any], path: Records) -> list[str]:
    """The paragraph: the tail loss shared out, what the largest parts were, and liquidations."""
    told = [_shares(summary)]
    found = _parts(summary, "es95")
    worst = summary["worst_path"]
    parts = worst["frictions"]
    there = [
        f"{_capital(text)}."
        for name, part in found
        if part >= _TOLD and parts.get(name, 0.0) > 0.0 and (text := BY_NAME[name].evidence(path))
    ]
    if there:
        lost = f"On the worst path, number {worst['path']}, which lost {percent(worst['loss'])}:"
        told.append(" ".join([lost, *there]))
    return [*told, *_simple(summary, found), *_liquidated(summary)]


def _parts(summary: Mapping[str, Any], figure: str) -> list[tuple[str, float]]:
    """Frictions and their part of a figure, the largest first; none where it is no loss."""
    found = summary["statistics"][figure]
    whole = found["all"]["value"]
    if whole <= 0.0:
        return []
    parts = [(n, one["shapley"]["value"] / whole) for n, one in found["frictions"].items()]
    return sorted(parts, key=lambda part: -part[1])


def _shares(summary: Mapping[str, Any]) -> str:
    found = summary["statistics"]["es95"]
    whole, none = found["all"]["value"], found["none"]["value"]
    loss = f"the worst 5 % of paths, which is {percent(whole)} of a share on average"
    parts = _parts(summary, "es95")
    if not parts:
        return f"There is no tail loss to explain: {loss}."
    causes = {one["name"]: one["cause"] for one in summary["frictions"]}
    more = [f"{_whole(part)} is {causes[name]}" for name, part in parts if part >= _NAMED]
    less = [f"{causes[name]} ({_whole(-part)})" for name, part in parts[::-1] if part <= -_NAMED]
    text = f"Of the loss on {loss}, {listed(more)}" if more else f"Of the loss on {loss}, nothing"
    text += f"; {_whole(none / whole)} is left without any of these frictions"
    if less:
        text += f". Less was lost because of {listed(less)}"
    return f"{text}."


def _simple(summary: Mapping[str, Any], found: list[tuple[str, float]]) -> list[str]:
    """What people ask next of the largest: without it alone, with it alone."""
    if not found or found[0][1] < _NAMED:
        return []
    name = found[0][0]
    said = summary["statistics"]["es95"]
    one = said["frictions"][name]
    title = next(each["title"] for each in summary["frictions"] if each["name"] == name)
    without = said["all"]["value"] - one["removed"]["value"]
    only = said["none"]["value"] + one["only"]["value"]
    return [
        (f"{title}: without it alone the tail would lose {percent(without)} instead of "
        f"{percent(said['all']['value'])}; were it the only friction, {percent(only)} instead of "
        f"{percent(said['none']['value'])}.")
    ]


def _liquidated(summary: Mapping[str, Any]) -> list[str]:
    found = summary["statistics"]["liquidation"]
    whole = found["all"]["value"]
    if whole <= 0.0:
        return ["The vault was liquidated on no path."]
    causes = {one["name"]: one["cause"] for one in summary["frictions"]}
    parts = [
        f"{percent(part * whole)} from {causes[name]}"
        for name, part in _parts(summary, "liquidation")
        if part >= _NAMED
    ]
    made = f": {listed(parts)}" if parts else ""
    return [f"It was liquidated on {percent(whole)} of the paths{made}."]


def _whole(part: float) -> str:
    return percent(part, 0)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
