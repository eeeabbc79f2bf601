"""The cascade's part of the report, where somebody can be forced to sell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.report.charts import FULL, Chart, waterfall
from simulator.report.format import number, percent, usd
from simulator.report.graph import Flow, graph
from simulator.report.sections import draw_fan, hours_of, percent_axis, quantity, range_of, shade

if TYPE_CHECKING:
    from simulator.results.dataset import Dataset
    from simulator.types import Floats

#: Part of the price that a bar of its own needs.
_SHOWN = 5e-5
_PLACES = {
    "mean": "mean of all paths",
    "median_path": "path of median return",
    "worst_path": "worst path",
}


def section(result: Dataset) -> dict[str, Any] | None:
    """What the template needs; None: nobody is there to fall."""
    found = result.summary.get("cascade")
    if not found:
        return None
    from markupsafe import Markup

    titles = {party["name"]: party["title"] for party in found["parties"]}
    drawn = {kind: _graph(found, kind) for kind in ("sells", "owes")}
    return {
        "asset": found["asset"],
        "sentence": sentence(found),
        "venues": [
            (venue["title"], Markup(_over_time(result, venue)))
            for venue in found["venues"]
            if _liquidated(venue)
        ],
        "price": Markup(_price(result, found["asset"])) if _forced(result) else "",
        "lows": [
            (_PLACES[which], Markup(_low(found, titles, which)))
            for which in _PLACES
            if _pressed(found)
        ],
        "feedback": _feedback(found.get("feedback")),
        "order": _order(found, titles),
        "before": _before(found, titles),
        "graphs": {kind: Markup(svg) for kind, svg in drawn.items() if svg},
        "flows": _table(found),
        "paths": found["worst_path"],
        "scenario": result.config.name,
    }


def _liquidated(venue: dict[str, Any]) -> bool:
    figures = venue["liquidated"]
    return bool(figures["mean"] > 0.0 or figures["worst_path"] > 0.0)


def _pressed(found: dict[str, Any]) -> bool:
    """Whether forced orders moved the index anywhere."""
    return any(found["low"][which]["forced"] for which in ("median_path", "worst_path")) or bool(
        found["low"]["mean"]["forced"]["estimate"]
    )


def sentence(found: dict[str, Any]) -> str:
    """What was liquidated, and what that did to the index."""
    told = [
        f"{usd(venue['liquidated']['mean'])} at {venue['title']}"
        for venue in found["venues"]
        if _liquidated(venue)
    ]
    if not told:
        return "Nobody was liquidated on any path."
    text = f"Liquidated on average: {', '.join(told)}."
    low = found["low"]["mean"]
    if _pressed(found) and low["fall"]["estimate"] < 0.0:
        fall, forced = low["fall"]["estimate"], low["forced"]
        points, *ends = (100.0 * -forced[end] for end in ("estimate", "high", "low"))
        text += (
            f" At its lowest the index of {found['asset']} stood {percent(-fall)} below the start; "
            f"forced orders made {number(points, 1)} points of that (95 % interval of the mean "
            f"{number(ends[0], 1)} to {number(ends[1], 1)}), {percent(points / (-100 * fall), 0)}."
        )
    return text


# ------------------------------------------------------------------------------------------- charts


def _over_time(result: Dataset, venue: dict[str, Any]) -> str:
    """USD liquidated so far at a venue: fan and mean of all paths, and the worst path."""
    name = f"liquidated_{venue['name']}"
    spread, worst = quantity(result, name), result.worst_series
    _, high = range_of(spread["p99"], worst[name], include=0.0)
    chart = Chart(
        f"Liquidated so far, {venue['title']}: mean, 50, 90 and 98 % of all paths, the worst path",
        hours_of(result), 0.0, high, usd, height=200,
    )  # fmt: skip
    shade(chart, result)
    draw_fan(chart, spread, "navy")
    chart.line(spread["hours"].to_numpy(), spread["mean"].to_numpy(), "navy", "mean")
    chart.line(worst["hours"].to_numpy(), worst[name].to_numpy(), "red thin", "worst path")
    return chart.svg()


def _forced(result: Dataset) -> bool:
    return bool(result.worst_series["impact_forced"].to_numpy().any())


def _price(result: Dataset, asset: str) -> str:
    """The index on the worst path, and what it would be without what each sort of flow does."""
    frame = result.worst_series
    index = frame[f"index_{asset}"].to_numpy() / frame[f"index_{asset}"].iloc[0]
    forced, other = frame["impact_forced"].to_numpy(), frame["impact_other"].to_numpy()
    without: Floats = index * np.exp(-forced)
    low, high = range_of(index, without, include=1.0)
    chart = Chart(
        f"Index of {asset} on the worst path, and without what forced orders did to it",
        hours_of(result), low, high, percent_axis(low, high, 5), FULL, 260, 5,
    )  # fmt: skip
    shade(chart, result)
    hours = frame["hours"].to_numpy()
    if np.abs(other).max() > np.log1p(_SHOWN * 100):
        chart.line(hours, index * np.exp(-forced - other), "muted thin", "news alone")
    chart.line(hours, without, "blue", "unforced")
    chart.line(hours, index, "red strong", "index")
    return chart.svg()


def _low(found: dict[str, Any], titles: dict[str, str], which: str) -> str:
    """Waterfall of the index's fall at its low; parts too small to be seen stand together."""
    parts = found["low"][which]["parts"]
    values = {
        name: part["estimate"] if isinstance(part, dict) else part for name, part in parts.items()
    }
    names = {"news": "News", "other": "Other flow"} | titles
    steps, small = [], 0.0
    for name, value in values.items():
        if name in titles and abs(value) < _SHOWN:
            small += value
        else:
            steps.append((names[name].removesuffix(" elsewhere"), value))
    if small:
        steps.insert(-1, ("Others forced", small))

    def text(value: float) -> str:
        return percent(value, 2 if abs(value) >= _SHOWN else 4, plus=True)

    return waterfall(
        f"What the index of {found['asset']} fell by at its lowest, {_PLACES[which]}",
        steps, "Index at its low", text,
    )  # fmt: skip


def _graph(found: dict[str, Any], kind: str) -> str:
    flows = [
        Flow(one["from"], one["to"], one["usd"])
        for one in found["flows"]["mean"]
        if one["what"] == kind
    ]
    whom = {"sells": "sells to whom", "owes": "owes whom"}[kind]
    title = f"Who {whom}, mean of all paths; the table below says the same"
    return graph(title, flows, {"sells": "orange", "owes": "violet"}[kind], usd) if flows else ""


# ------------------------------------------------------------------------------------------- tables


#: What is lost with the feedback and without it.
_LOST = {"vault": "Loss of a share", "index": "Fall of the index at its lowest"}


def _multiplier(found: dict[str, Any] | None) -> str:
    """How often as much, with its interval."""
    if found is None:
        return "– (nothing is lost without it)"
    ends = ["unbounded" if found[end] is None else number(found[end]) for end in ("low", "high")]
    return f"{number(found['estimate'])} ({ends[0]} to {ends[1]})"


def multipliers(found: dict[str, Any]) -> list[str]:
    """A line each of what the feedback multiplied; none where nobody asked."""
    told = found.get("feedback") or {}
    return [
        f"Feedback: {title[0].lower()}{title[1:]} {percent(told[name]['with']['estimate'])}, "
        f"{percent(told[name]['without']['estimate'])} where forced orders move nothing; "
        f"multiplier {_multiplier(told[name]['multiplier'])}"
        for name, title in _LOST.items()
        if name in told
    ]


def _feedback(found: dict[str, Any] | None) -> list[list[str]]:
    """Rows: of what, with, without, how often as much."""
    rows: list[list[str]] = []
    if found is None:
        return rows
    for name, title in _LOST.items():
        one = found[name]
        more = {end: percent(value, plus=True) for end, value in one["more"].items()}
        rows.append(
            [
                title,
                percent(one["with"]["estimate"]),
                percent(one["without"]["estimate"]),
                f"{more['estimate']} ({more['low']} to {more['high']})",
                _multiplier(one["multiplier"]),
            ]
        )
    return rows


def _order(found: dict[str, Any], titles: dict[str, str]) -> list[list[str]]:
    """Rows: who, first on the worst path, of how much; on how many paths, when and how early."""
    told = {one["party"]: one for one in found["order"]}
    parties = sorted(
        found["parties"], key=lambda p: told[p["name"]]["place"] if p["name"] in told else np.inf
    )
    rows = []
    for party in parties:
        one = told.get(party["name"])
        hours = party["median_hours"]
        rows.append(
            [
                titles[party["name"]],
                "–" if one is None else f"{one['place']}.",
                "not" if one is None else f"hour {one['hours']:,.4g}, step {one['step']:,}",
                "–" if one is None else usd(one["liquidated"]),
                percent(party["fell"], 0),
                "–" if hours is None else f"hour {hours:,.4g}",
                "–" if party["median_place"] is None else f"{party['median_place']:.3g}.",
            ]
        )
    return rows


def _before(found: dict[str, Any], titles: dict[str, str]) -> dict[str, Any] | None:
    """Share of paths on which the row's party fell before the column's."""
    shares = found["before"]
    if len(shares) < 2:
        return None

    def cell(one: str, other: str) -> str:
        return "" if one == other else percent(shares[one][other], 0)

    rows = [[titles[one], *(cell(one, other) for other in shares)] for one in shares]
    return {"names": [titles[name] for name in shares], "rows": rows}


def _table(found: dict[str, Any]) -> list[list[str]]:
    """Rows: from, sells to or owes, to, mean, on the worst path."""
    worst = {(f["from"], f["what"], f["to"]): f["usd"] for f in found["flows"]["worst_path"]}
    mean = {(f["from"], f["what"], f["to"]): f["usd"] for f in found["flows"]["mean"]}
    words = {"sells": "sells to", "owes": "owes"}
    return [
        [
            key[0], words[key[1]], key[2],
            usd(mean.get(key, 0.0)), usd(worst.get(key, 0.0)),
        ]
        for key in dict.fromkeys((*mean, *worst))
    ]  # fmt: skip
