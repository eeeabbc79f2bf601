"""The page of an explanation: which friction made the loss, from its summary alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.report.charts import timeline, waterfall
from simulator.report.format import count, heading, listed, percent
from simulator.report.template import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Lanes of the timeline: kind of entry, title, style.
_LANES = (
    ("shock", "shocks", "muted"),
    ("market", "market", "navy"),
    ("monitor", "warnings", "amber"),
    ("keeper", "keepers", "teal"),
    ("refused", "refused", "orange"),
    ("liquidation", "liquidations", "red"),
    ("people", "depositors", "violet"),
)
#: Of the table: Shapley value of the tail loss, without and with the friction alone; the same of
#: the mean; of the probability of liquidation.
_COLUMNS = (
    *("Tail", "taken away alone", "there alone"),
    *("Mean", "taken away alone", "there alone"),
    "Liquidation",
)
_LEFT = "Without any friction"


def render(summary: Mapping[str, Any]) -> str:
    """The page as HTML."""
    from markupsafe import Markup

    return fill(
        "explanation.html",
        title=heading(summary["scenario"], summary["assets"]),
        sentence=_sentence(summary),
        summary=summary,
        charts=[(name, Markup(chart)) for name, chart in _charts(summary)],
        columns=_COLUMNS,
        rows=_rows(summary),
        lanes=Markup(_lanes(summary)),
        rescue=_rescue(summary),
        rescue_sentence=_limit(summary),
    )


def _sentence(summary: Mapping[str, Any]) -> str:
    days = summary["steps"] * summary["step_minutes"] / 1_440
    length = f"{days:.3g} days" if days >= 2 else f"{days * 24:g} hours"
    paths, method = count(summary["paths"], "path"), summary["method"]
    there = count(len(summary["worst_path"]["frictions"]), "friction")
    how = f"all {method['coalitions']:,} combinations of {there}"
    if not method["exact"]:
        how = f"{method['coalitions']:,} combinations of {there}, met in {method['orders']} orders"
    absent = [one["title"] for one in summary["frictions"] if one["absent"]]
    text = f"{paths} of {length} each, seed {summary['seed']}; {how}, on the same market paths."
    return f"{text} Not in this scenario: {listed(absent)}." if absent else text


def _titles(summary: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["title"] for one in summary["frictions"]}


def ranked(summary: Mapping[str, Any]) -> list[str]:
    """Frictions by their part of the tail loss, the largest first."""
    found = summary["statistics"]["es95"]["frictions"]
    return sorted(found, key=lambda name: -found[name]["shapley"]["value"])


def _charts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Waterfalls of the tail, the mean, the worst path, and of liquidations if there are any."""
    found, order = summary["statistics"], ranked(summary)
    worst = summary["worst_path"]
    charts = [
        (
            f"{title} of a share",
            {name: found[key]["frictions"][name]["shapley"]["value"] for name in order},
            found[key]["none"]["value"],
        )
        for key, title in (("es95", "Mean loss on the worst 5 % of paths"), ("mean", "Mean loss"))
    ]
    charts.append(
        (f"Loss on the worst path, {worst['path']}", worst["frictions"], worst["without_any"])
    )
    if found["liquidation"]["all"]["value"] > 0.0:
        parts = found["liquidation"]["frictions"]
        charts.append(
            (
                "Probability of liquidation",
                {name: parts[name]["shapley"]["value"] for name in order},
                found["liquidation"]["none"]["value"],
            )
        )
    return [(title, _waterfall(summary, title, parts, none)) for title, parts, none in charts]


def _waterfall(
    summary: Mapping[str, Any], title: str, parts: Mapping[str, float], none: float
) -> str:
    """Downwards, as money is lost; the largest cause first."""
    titles = _titles(summary)
    steps = [(_LEFT, -none), *((titles[name], -parts[name]) for name in parts)]
    return waterfall(title, steps, "All frictions", lambda value: percent(-value, 1, plus=True))


def _rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of all frictions, each, and none: its title, and its texts for :data:`_COLUMNS`."""
    found, titles = summary["statistics"], _titles(summary)

    def ends(key: str) -> list[dict[str, Any]]:
        tail, mean, liquidation = (found[name][key] for name in ("es95", "mean", "liquidation"))
        texts = [_interval(tail), "", "", _interval(mean), "", "", _interval(liquidation)]
        name = "With all frictions" if key == "all" else "Left without any"
        return [{"title": name, "texts": texts}]

    parts = []
    for name in ranked(summary):
        texts = []
        for key in ("es95", "mean"):
            one = found[key]["frictions"][name]
            texts.append(_half(one["shapley"]))
            texts += [percent(one[simple]["value"], 2, plus=True) for simple in ("removed", "only")]
        texts.append(_half(found["liquidation"]["frictions"][name]["shapley"]))
        parts.append({"title": titles[name], "texts": texts})
    return [*ends("all"), *parts, *ends("none")]


def _half(found: Mapping[str, float]) -> str:
    half = (found["high"] - found["low"]) / 2
    value = percent(found["value"], 2, plus=True).removesuffix("\N{NO-BREAK SPACE}%")
    return f"{value}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{percent(half, 2)}"


def _interval(found: Mapping[str, float]) -> str:
    return f"{percent(found['value'])} ({percent(found['low'])} to {percent(found['high'])})"


def _lanes(summary: Mapping[str, Any]) -> str:
    hours = summary["steps"] * summary["step_minutes"] / 60
    lanes = []
    for kind, title, style in _LANES:
        spans = [
            (entry["hours"], entry["until_hours"])
            for entry in summary["worst_path"]["timeline"]
            if entry["kind"] == kind
        ]
        if spans:
            lanes.append((title, style, spans))
    return timeline("What happened on the worst path", lanes, hours)


def _limit(summary: Mapping[str, Any]) -> str:
    found = summary.get("rescue")
    if found is None:
        return ""
    goal = (
        f"with which the worst path loses at most {percent(found['limit'])} "
        f"({'as was asked for' if found['stated'] else 'half of what it lost'}) and is not "
        "liquidated"
    )
    if found["of"] == "liquidations":
        paths = count(found["paths"], "path")
        goal = f"with which at most {percent(found['limit'])} of the first {paths} are liquidated"
    return (
        f"The smallest change of one setting, and of two, {goal}, found by simulating "
        f"{found['runs']:,} times. Size: the logarithm of new over old; of two, the root of the "
        f"sum of squares. Tried: {listed(found['tried'])}."
    )


def _rescue(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = summary.get("rescue")
    if found is None or not found["needed"]:
        return []
    rows = []
    for key, name in (("one", "One setting"), ("two", "Two settings")):
        one = found[key]
        if one is None:
            better = "none smaller than that of one" if found["one"] else "none was found"
            rows.append({"name": name, "texts": [better, "–", "–"]})
            continue
        said = [f"{c['setting']} = {c['to']:g} instead of {c['from']:g}" for c in one["changes"]]
        rows.append(
            {"name": name, "texts": [listed(said), percent(one["value"]), f"{one['size']:.2f}"]}
        )
    return rows
