"""The report of a comparison: one row for each alternative, and maps of two varied fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.report import findings, maps
from simulator.report.charts import Chart
from simulator.report.figure import Alternative, Figure
from simulator.report.format import count, heading, number, percent, usd
from simulator.report.sections import percent_axis
from simulator.report.template import fill
from simulator.results.diagnosis import IDLE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from simulator.types import Floats

# Colours of the lines, in order (page.css).
_STYLES = ("navy", "orange", "teal", "violet", "red", "blue", "ink", "amber")
#: More lines than this cannot be told apart: then only the first, the best and the worst are drawn.
_ENDS = 3


def figures(summary: dict[str, Any]) -> list[Figure]:
    """What alternatives are compared by, in the order shown; ``short`` "": not in a terminal."""
    first = label(next(iter(summary["alternatives"].values())))
    return [
        Figure(
            "return.mean", "Mean return", "return", "of a share",
            lambda a: percent(a["return"]["mean"], 2, plus=True),
            lambda a: a["return"]["mean"],
        ),
        Figure(
            "", f"Less that of {first}", "less the\nfirst", "path by path, mean ± 95 %",
            _difference,
        ),
        Figure(
            "return.es95", "Expected shortfall", "ES 95 %", "mean loss of the worst 5 % of paths",
            lambda a: percent(a["return"]["es95"]),
            lambda a: a["return"]["es95"], -1,
        ),
        Figure(
            "liquidation_probability", "Probability of liquidation", "liqui-\ndated",
            "95 % interval",
            lambda a: f"{percent(a['liquidation']['estimate'])} ({_interval(a['liquidation'])})",
            lambda a: a["liquidation"]["estimate"], -1,
        ),
        Figure(
            "min_margin_ratio.p5", "Lowest margin ratio", "margin\nratio",
            "thinnest 5 %; median; liquidation at 1",
            lambda a: (
                f"{number(a['min_margin_ratio']['p5'])}; "
                f"{number(a['min_margin_ratio']['median'])}"
            ),
            lambda a: a["min_margin_ratio"]["p5"],
        ),
        Figure(
            "capital_efficiency.mean", "Capital efficiency", "capital\neff.",
            "USD hedged per USD of initial margin",
            lambda a: number(a["capital_efficiency"]["mean"]),
        ),
        Figure(
            "margin_to_nav.mean", "Initial margin / NAV", "", "mean while hedged",
            lambda a: percent(a["margin_to_nav"]["mean"]),
        ),
        Figure(
            "bad_debt.max", "Bad debt", "", "mean; largest",
            lambda a: f"{usd(a['bad_debt']['mean'])}; {usd(a['bad_debt']['max'])}",
        ),
        *(_of_own(name) for name in _counted(summary)),
    ]  # fmt: skip


def _of_own(name: str) -> Figure:
    return Figure(f"{name}.mean", name, "", "mean; median", lambda found: _own(found, name))


def _counted(summary: dict[str, Any]) -> list[str]:
    """What agents of one's own count in any of the alternatives."""
    return list(dict.fromkeys(n for a in summary["alternatives"].values() for n in a["counted"]))


def _own(found: Alternative, name: str) -> str:
    """Mean and median of what an agent of one's own counts; it need not be in every alternative."""
    figures = found["counted"].get(name, {})
    known = [figures[key] for key in ("mean", "median") if figures.get(key) is not None]
    return "; ".join(f"{figure:,.4g}" for figure in known) or "–"


def counted(summary: dict[str, Any]) -> list[str]:
    """What agents of one's own count, a sentence each, for where a table has no room for it."""
    found = summary["alternatives"].values()
    lines = []
    for name in _counted(summary):
        means = [f"{label(one)}: {_own(one, name).partition(';')[0]}" for one in found]
        lines.append(f"{name}, mean: {', '.join(means)}")
    return lines


def _difference(found: Alternative) -> str:
    change = found["return_difference"]
    half = (change["high"] - change["low"]) / 2
    if change["mean"] == half == 0.0:
        return "–"
    sign = percent(change["mean"], 2, plus=True).removesuffix("\N{NO-BREAK SPACE}%")
    return f"{sign}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{percent(half, 2)}"


def _interval(found: dict[str, float], digits: int = 1) -> str:
    return f"{percent(found['low'], digits)} to {percent(found['high'], digits)}"


def label(found: Alternative) -> str:
    """Values of the varied fields of an alternative."""
    return " · ".join(found["settings"].values())


def diagnoses(summary: dict[str, Any]) -> list[findings.Told]:
    """What the alternatives' vaults did not do, gravest first, with their labels."""
    found = summary["alternatives"].values()
    return findings.told({label(one): one["diagnosis"] for one in found})


def fields(summary: dict[str, Any]) -> str:
    """The varied fields, as :func:`label` orders their values."""
    return " · ".join(next(iter(summary["alternatives"].values()))["settings"])


def gates(summary: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Requirements, and the alternatives in which each fails.

    Beside those that were asked for, what fails where an alternative is idle; it holds elsewhere.
    """
    found = summary["alternatives"]
    failing: dict[str, list[str]] = {}
    for name, one in found.items():
        for gate in one["gates"]:
            names = failing.setdefault(gate["requirement"], [])
            if not gate["holds"] and name not in names:
                names.append(name)
    return list(failing.items())


def render(summary: dict[str, Any], fans: dict[str, pd.DataFrame]) -> str:
    """The page as HTML; ``fans`` are the quantiles over time of each alternative."""
    from markupsafe import Markup

    drawn = _drawn(summary)
    lines = {label(summary["alternatives"][name]): fans[name] for name in drawn}
    charts = {"margin": _margin(summary, lines), "share_price": _share_price(summary, lines)}
    shown, requirements, told = figures(summary), gates(summary), diagnoses(summary)
    return fill(
        "side_by_side.html",
        title=heading(summary["scenario"], summary["assets"]),
        sentence=_sentence(summary),
        fields=fields(summary),
        figures=shown,
        rows=[
            {
                "label": label(found),
                "report": found["report"],
                "texts": [figure.text(found) for figure in shown],
                "holds": [name not in failing for _, failing in requirements],
                "marks": findings.marks(found["diagnosis"]),
            }
            for name, found in summary["alternatives"].items()
        ],
        diagnoses=told,
        requirements=[requirement for requirement, _ in requirements],
        maps=maps.maps(summary, shown),
        idle=any(one.mark.severity == IDLE for one in told),
        partly=len(drawn) < len(summary["alternatives"]),
        charts={name: Markup(svg) for name, svg in charts.items()},
        summary=summary,
    )


def _drawn(summary: dict[str, Any]) -> list[str]:
    """Alternatives whose lines are drawn: all, or the first and those of best and worst return."""
    names = list(summary["alternatives"])
    if len(names) <= len(_STYLES):
        return names
    rest = sorted(names[1:], key=lambda name: -summary["alternatives"][name]["return"]["mean"])
    chosen = {names[0], *rest[:_ENDS], *rest[-_ENDS:]}
    return [name for name in names if name in chosen]


def _sentence(summary: dict[str, Any]) -> str:
    days = summary["steps"] * summary["step_minutes"] / 1_440
    length = f"{days:.3g} days" if days >= 2 else f"{days * 24:g} hours"
    where = "on the contracts themselves" if summary["world"] == "chain" else "on the fast model"
    paths = count(summary["paths"], "path")
    return (
        f"{len(summary['alternatives'])} alternatives of {paths} of {length} each, {where}, seed "
        f"{summary['seed']}; {summary['shared']}."
    )


def _hours(summary: dict[str, Any]) -> float:
    return float(summary["steps"] * summary["step_minutes"] / 60)


def _range(series: list[Floats], include: float) -> tuple[float, float]:
    values = np.concatenate([*series, [include]])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * ((high - low) or max(abs(high), 1.0) * 0.1)
    return low - pad, high + pad


def _lines(chart: Chart, fans: dict[str, pd.DataFrame], series: dict[str, Floats]) -> str:
    for style, (name, values) in zip(_STYLES, series.items(), strict=False):
        quantity = fans[name]
        hours = quantity.loc[quantity["quantity"] == "share_price", "hours"].to_numpy()
        chart.line(hours, values, style, name)
    return chart.svg()


def _quantile(fans: dict[str, pd.DataFrame], quantity: str, level: str) -> dict[str, Floats]:
    return {
        name: fan.loc[fan["quantity"] == quantity, level].to_numpy(np.float64)
        for name, fan in fans.items()
    }


def _share_price(summary: dict[str, Any], fans: dict[str, pd.DataFrame]) -> str:
    series = _quantile(fans, "share_price", "p5")
    low, high = _range(list(series.values()), 1.0)
    chart = Chart(
        "Share price over time, 5 % quantile of all paths, by alternative",
        _hours(summary), low, high, percent_axis(low, high),
    )  # fmt: skip
    return _lines(chart, fans, series)


def _margin(summary: dict[str, Any], fans: dict[str, pd.DataFrame]) -> str:
    def log(values: ArrayLike) -> Floats:
        # An account without equity has no logarithm; it lies below the frame.
        return np.log10(np.maximum(np.asarray(values, np.float64), 1e-3))

    series = {name: log(values) for name, values in _quantile(fans, "margin_ratio", "p50").items()}
    low, high = _range(list(series.values()), 0.0)
    marks = [m for m in log([0.5, 1, 2, 5, 10, 20, 50, 100]) if low <= m <= high]
    chart = Chart(
        "Margin ratio of the vault, median of all paths, by alternative, logarithmic axis",
        _hours(summary), low, high, lambda v: f"{10**v:.3g}", marks=marks,
    )  # fmt: skip
    chart.level(0.0, "liquidation 1", "red")
    return _lines(chart, fans, series)
