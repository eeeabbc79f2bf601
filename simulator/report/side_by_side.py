"""The report of a comparison: alternatives on the same paths, one column each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.report.charts import Chart
from simulator.report.format import count, number, percent, usd

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from simulator.types import Floats

# Colours of the alternatives, in order (page.css).
_STYLES = ("navy", "orange", "teal", "violet", "red", "blue", "ink", "amber")


def render(summary: dict[str, Any], fans: dict[str, pd.DataFrame]) -> str:
    """The page as HTML; ``fans`` are the quantiles over time of each alternative."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("simulator.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    charts = {"margin": _margin(summary, fans), "share_price": _share_price(summary, fans)}
    return environment.get_template("side_by_side.html").render(
        title=summary["scenario"].replace("-", " ").replace("_", " ").capitalize(),
        sentence=_sentence(summary),
        names=list(summary["alternatives"]),
        links={name: found["report"] for name, found in summary["alternatives"].items()},
        rows=rows(summary),
        gates=_gates(summary),
        charts={name: Markup(svg) for name, svg in charts.items()},
        summary=summary,
    )


def _sentence(summary: dict[str, Any]) -> str:
    days = summary["steps"] * summary["step_minutes"] / 1_440
    length = f"{days:.3g} days" if days >= 2 else f"{days * 24:g} hours"
    where = "on the contracts themselves" if summary["world"] == "chain" else "on the fast model"
    paths = count(summary["paths"], "path")
    return (
        f"{len(summary['alternatives'])} alternatives on the same {paths} "
        f"of {length}, {where}, seed {summary['seed']}."
    )


def rows(summary: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """The table: (figure, what it means, text per alternative)."""
    found = list(summary["alternatives"].values())
    first = next(iter(summary["alternatives"]))

    def row(name: str, meaning: str, text: Any) -> tuple[str, str, list[str]]:
        return name, meaning, [text(alternative) for alternative in found]

    return [
        row(
            "Capital efficiency",
            "USD hedged per USD of initial margin required, mean",
            lambda a: number(a["capital_efficiency"]["mean"]),
        ),
        row(
            "Initial margin / NAV",
            "mean while hedged",
            lambda a: percent(a["margin_to_nav"]["mean"]),
        ),
        row(
            "Probability of liquidation",
            "95 % interval",
            lambda a: f"{percent(a['liquidation']['estimate'])} ({_interval(a['liquidation'])})",
        ),
        row(
            "Lowest margin ratio",
            "median; thinnest 5 %; liquidation at 1",
            lambda a: (
                f"{number(a['min_margin_ratio']['median'])}; {number(a['min_margin_ratio']['p5'])}"
            ),
        ),
        row("Mean return", "of a share", lambda a: percent(a["return"]["mean"], 2, plus=True)),
        row(
            f"Return less that of {first}",
            "same paths, mean, 95 % interval",
            lambda a: (
                f"{percent(a['return_difference']['mean'], 2, plus=True)} "
                f"({_interval(a['return_difference'], 2)})"
            ),
        ),
        row(
            "Expected shortfall",
            "mean loss of the worst 5 % of paths",
            lambda a: percent(a["return"]["es95"]),
        ),
        row(
            "Bad debt",
            "mean; largest",
            lambda a: f"{usd(a['bad_debt']['mean'])}; {usd(a['bad_debt']['max'])}",
        ),
    ]


def _interval(found: dict[str, float], digits: int = 1) -> str:
    return f"{percent(found['low'], digits)} to {percent(found['high'], digits)}"


def _gates(summary: dict[str, Any]) -> list[tuple[str, list[bool]]]:
    """Requirements, and in which alternatives they hold."""
    found = [alternative["gates"] for alternative in summary["alternatives"].values()]
    return [
        (gate["requirement"], [gates[place]["holds"] for gates in found])
        for place, gate in enumerate(found[0])
    ]


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
        _hours(summary), low, high, lambda v: percent(v - 1.0, 1, plus=True),
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
