"""Which friction made the loss, in plain words, each computed from the figures and the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.explain.frictions import BY_NAME
from simulator.report.format import count, listed, percent, usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.explain.evidence import Records

#: Part of a figure below which a friction is not named, and is not told about.
_NAMED, _TOLD = 0.01, 0.05
#: A tenth of a point, fraction of a share: less is not named where points are.
_POINT = 0.001
#: Part by which a hedge is smaller that is told.
_LESS = 0.1
#: Parts of the tail loss that sum to more than this cancel.
_CANCELLED = 1.5


def tell(summary: Mapping[str, Any], path: Records) -> list[str]:
    """The paragraph: the tail loss shared out, what the largest parts were, and liquidations."""
    told = [_shares(summary)]
    found = _parts(summary, "es95")
    worst = summary["worst_path"]
    parts = worst["frictions"]
    there = [
        text
        for name, part in found
        if part >= _TOLD and parts.get(name, 0.0) > 0.0 and (text := BY_NAME[name].evidence(path))
    ]
    if there:
        lost = f"On the worst path, number {worst['path']}, which lost {percent(worst['loss'])}:"
        told.append(f"{lost} {'; '.join(there)}.")
    return [*told, *_simple(summary, found), *_liquidated(summary), *saved(summary)]


def saved(summary: Mapping[str, Any]) -> list[str]:
    """What would have saved it, and what that does to all paths."""
    found = summary.get("rescue")
    if found is None or not found["needed"]:
        return []
    most = percent(found["limit"])
    wanted = f"would have saved the worst path (losing at most {most} without being liquidated)"
    becomes = "it then loses"
    if found["of"] == "liquidations":
        of = f"liquidations of the first {count(found['paths'], 'path')}"
        wanted = f"brings {of} to {most} or less"
        becomes = f"from {percent(found['before']['value'])} they come to"
    if found["smallest"] is None:
        text = (
            f"Nothing that was tried {wanted}: no change of one or two of {len(found['tried'])} "
            f"settings of the vault, in {found['runs']:,} runs."
        )
        return [text]
    best = found["smallest"]
    changes = [f"{one['setting']} = {one['to']:g} for {one['from']:g}" for one in best["changes"]]
    text = (
        f"The smallest change found that {wanted}, in {found['runs']:,} runs: {listed(changes)}; "
        f"{becomes} {percent(best['value'])}. Over all paths that takes {_everywhere(summary)}."
    )
    return [text + _hedges_less(found)]


def _hedges_less(found: Mapping[str, Any]) -> str:
    """What saves by holding less of the hedge is told as that: it protects less elsewhere."""
    before, best = found["before"]["hedge"], found["smallest"]
    if not best["hedge"] < (1.0 - _LESS) * before:
        return ""
    of = "that path" if found["of"] == "worst path" else "these paths"
    why = "it saves by hedging less: what is lost there is lost by the hedge, or by its margin"
    changes = {one["setting"]: one for one in best["changes"]}
    position = changes.get("vault.lp_allocation")
    if position is not None and position["to"] < position["from"]:
        why = "less is at stake, position and hedge alike"
    return (
        f" On {of} a hedge of {usd(best['hedge'])} is then held on average, for "
        f"{usd(before)} before: {why}; where the position falls and the hedge is what pays, less "
        "of it is there."
    )


def _everywhere(summary: Mapping[str, Any]) -> str:
    """What each figure goes from and to with the change that saves."""
    names = {"mean": "the mean loss", "es95": "that of the tail", "liquidation": "liquidations"}
    found = []
    for name, called in names.items():
        before, after = (
            summary["statistics"][name]["all"]["value"],
            summary["rescue"]["after"][name],
        )
        if before or after:
            found.append(f"{called} from {percent(before)} to {percent(after)}")
    return listed(found)


def _parts(summary: Mapping[str, Any], figure: str) -> list[tuple[str, float]]:
    """Frictions and their part of a figure, the largest first; none where it is no loss."""
    found = summary["statistics"][figure]
    whole = found["all"]["value"]
    if whole <= 0.0:
        return []
    parts = [(n, one["shapley"]["value"] / whole) for n, one in found["frictions"].items()]
    return sorted(parts, key=lambda part: -part[1])


def _shares(summary: Mapping[str, Any]) -> str:
    """The tail loss by cause: parts of it, or points of a share where they cancel too far."""
    found = summary["statistics"]["es95"]
    whole, none = found["all"]["value"], found["none"]["value"]
    loss = f"the worst 5 % of paths, which is {percent(whole)} of a share on average"
    parts = _parts(summary, "es95")
    if not parts:
        lost = f"a share lost {percent(whole)} on average in the worst 5 % of paths"
        return f"There is no tail loss to explain: {lost}."
    causes = {one["name"]: one["cause"] for one in summary["frictions"]}
    cancelled = sum(part for _, part in parts if part > 0.0) > _CANCELLED

    def said(part: float) -> str:
        return f"{100 * part * whole:.1f} points" if cancelled else _whole(part)

    least = max(_NAMED, _POINT / whole) if cancelled else _NAMED
    more = [f"{said(part)} {_are(cancelled)} {causes[n]}" for n, part in parts if part >= least]
    less = [f"{causes[n]} ({said(-part)})" for n, part in parts[::-1] if part <= -least]
    text = f"Of the loss on {loss}, {listed(more) if more else 'nothing is any friction'}; "
    if none >= 0.0:
        text += f"{said(none / whole)} {_are(cancelled)} left without any of these frictions"
    else:
        text += f"without any of these frictions {percent(-none)} would have been gained"
    if less:
        text += f". Less was lost because of {listed(less)}"
    return f"{text}."


def _are(several: bool) -> str:
    return "are" if several else "is"


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
    text = (
        f"{title}: without it alone the tail would lose {percent(without)}, not "
        f"{percent(said['all']['value'])}; were it the only friction, {percent(only)}, not "
        f"{percent(said['none']['value'])}."
    )
    return [text]


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
