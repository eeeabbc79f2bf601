"""The charts of the report, each from the frames of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.report.charts import FULL, Chart, timeline, waterfall
from simulator.report.format import number, percent, usd
from simulator.report.story import NAMES
from simulator.results.attribution import HEDGE_LEG, LP_LEG

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from simulator.results.result import Result


def _range(
    *series: ArrayLike, pad: float = 0.06, include: float | None = None
) -> tuple[float, float]:
    values = np.concatenate([np.ravel(np.asarray(s, np.float64)) for s in series])
    values = values[np.isfinite(values)]
    if include is not None:
        values = np.append(values, include)
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    span = (high - low) or max(abs(high), 1.0) * 0.1
    return low - pad * span, high + pad * span


def _quantity(result: Result, name: str) -> pd.DataFrame:
    return result.fan[result.fan["quantity"] == name]


def _hours(result: Result) -> float:
    return result.config.steps * result.config.step_minutes / 60


def _shade_shocks(chart: Chart, result: Result) -> None:
    """Show when the configured shocks act."""
    for shock in result.config.shocks:
        if shock.kind == "depeg":
            first, last = shock.anchors[0][0], shock.anchors[-1][0]
        else:
            first = shock.at_hours
            length = getattr(shock, "duration_hours", None)
            if length is None:
                length = getattr(shock, "ramp_hours", 0.0) + getattr(shock, "hold_hours", 0.0)
                length += getattr(shock, "recovery_hours", None) or 0.0
            last = first + max(length, _hours(result) / 300)
        chart.shade(first, last, shock.kind.replace("_", " "))


def _fan(chart: Chart, fan: pd.DataFrame, style: str) -> None:
    hours = fan["hours"].to_numpy()
    for low, high, depth in (("p1", "p99", 1), ("p5", "p95", 2), ("p25", "p75", 3)):
        chart.band(hours, fan[low].to_numpy(), fan[high].to_numpy(), f"band{depth} {style}")


def share_price(result: Result) -> str:
    """Fan of the share price over all paths, with the worst path."""
    fan, worst = _quantity(result, "share_price"), result.worst_series
    low, high = _range(fan["p1"], fan["p99"], worst["share_price"], include=1.0)
    chart = Chart(
        "Share price over time: median, 50, 90 and 98 % of all paths, and the worst path",
        _hours(result), low, high, lambda v: percent(v - 1.0, _digits(high - low), plus=True),
        FULL, 300, 5,
    )  # fmt: skip
    _shade_shocks(chart, result)
    _fan(chart, fan, "navy")
    chart.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), "navy", "median")
    chart.line(worst["hours"].to_numpy(), worst["share_price"].to_numpy(), "red", "worst path")
    return chart.svg()


def _digits(span: float) -> int:
    return 0 if span > 0.05 else 1 if span > 0.005 else 2


def legs(result: Result, *, worst: bool) -> str:
    """LP leg, hedge leg and both, in USD since the start: mean of all paths, or the worst path."""
    if worst:
        frame = result.worst_series
        hours = frame["hours"].to_numpy()
        lp = np.asarray(frame[list(LP_LEG)].sum(axis=1))
        hedge = np.asarray(frame[list(HEDGE_LEG)].sum(axis=1))
    else:
        frame = _quantity(result, "lp_pnl")
        hours, lp = frame["hours"].to_numpy(), frame["mean"].to_numpy()
        hedge = _quantity(result, "hedge_pnl")["mean"].to_numpy()
    low, high = _range(lp, hedge, lp + hedge, include=0.0)
    which = "the worst path" if worst else "the mean of all paths"
    chart = Chart(
        f"Profit and loss of the LP leg, the hedge leg and both, {which}",
        _hours(result),
        low,
        high,
        usd,
    )
    _shade_shocks(chart, result)
    chart.line(hours, lp, "blue", "LP leg")
    chart.line(hours, hedge, "orange", "hedge leg")
    chart.line(hours, lp + hedge, "ink strong", "both")
    return chart.svg()


def margin(result: Result) -> str:
    """Fan of the margin ratio, with the ratios at which the vault acts."""
    fan, vault = _quantity(result, "margin_ratio"), result.config.vault
    worst = result.worst_series
    # Ratios run to any height after a win; what matters is below the target.
    top = min(_range(fan["p95"])[1], 2.5 * vault.margin_target)
    chart = Chart(
        "Margin ratio of the vault: equity over maintenance margin",
        _hours(result), 0.0, max(top, 1.2 * vault.margin_target), lambda v: number(v, 0),
    )  # fmt: skip
    _shade_shocks(chart, result)
    _fan(chart, fan, "teal")
    chart.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), "teal", "median")
    chart.line(
        worst["hours"].to_numpy(), worst["margin_ratio"].to_numpy(), "red thin", "worst path"
    )
    chart.level(vault.top_up_ratio, f"top up {vault.top_up_ratio:g}", "muted")
    chart.level(vault.deleverage_ratio, f"deleverage {vault.deleverage_ratio:g}", "amber")
    chart.level(1.0, "liquidation 1", "red")
    return chart.svg()


def correlation(result: Result) -> str:
    """Fan of the rolling correlation of LP asset and hedge against the assumed one."""
    fan, worst = _quantity(result, "rolling_correlation"), result.worst_series
    low = min(_range(fan["p1"], worst["rolling_correlation"])[0], 0.0)
    chart = Chart(
        "Rolling correlation of the LP asset with the hedge portfolio",
        _hours(result), max(low, -1.0), 1.0, lambda v: number(v, 1),
    )  # fmt: skip
    _shade_shocks(chart, result)
    _fan(chart, fan, "violet")
    chart.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), "violet", "median")
    chart.line(
        worst["hours"].to_numpy(), worst["rolling_correlation"].to_numpy(), "red thin", "worst path"
    )
    assumed = result.summary["assumed_correlation"]
    if assumed is not None:
        chart.level(assumed, f"assumed {number(assumed)}", "ink")
    return chart.svg()


def attribution(result: Result, which: str) -> str:
    """Waterfall of profit and loss by source: ``mean`` of all paths or ``worst_path``."""
    found = result.summary["attribution"][which]
    steps = [(NAMES[name], found[name]) for name in NAMES if abs(found[name]) >= 0.005]
    title = "mean of all paths" if which == "mean" else "worst path"
    return waterfall(
        f"Where the money came from and went, {title}",
        steps or [("Nothing happened", 0.0)],
        "Profit and loss",
        lambda v: usd(v, plus=True),
    )


def worst_prices(result: Result) -> str:
    """Prices of the worst path relative to the start, and its share price."""
    frame, config = result.worst_series, result.config
    hours = frame["hours"].to_numpy()
    symbols = dict.fromkeys((config.pool.base, *config.markets))
    relative = {s: np.asarray(frame[f"index_{s}"] / frame[f"index_{s}"].iloc[0]) for s in symbols}
    low, high = _range(*relative.values(), frame["share_price"], include=1.0)
    chart = Chart(
        "Worst path: prices and share price relative to the start",
        _hours(result), low, high, lambda v: percent(v - 1.0, _digits(high - low), plus=True),
        FULL, 280, 5,
    )  # fmt: skip
    _shade_shocks(chart, result)
    colours = ("blue", "orange", "yellow", "teal", "violet")
    for i, (symbol, values) in enumerate(relative.items()):
        chart.line(hours, values, f"{colours[i % len(colours)]} thin", symbol)
    chart.line(hours, frame["share_price"].to_numpy(), "red strong", "share")
    return chart.svg()


_LANES = (
    ("rebalance", "Rebalance", "ink"),
    ("recentre", "Recenter", "blue"),
    ("top up", "TopUp", "teal"),
    ("deleverage", "Deleverage", "amber"),
    ("liquidation", "Liquidate", "red"),
)


def worst_events(result: Result) -> str:
    """What the vault did, and what was done to it, on the worst path."""
    events, markets = result.worst_events, len(result.config.markets)
    done = events[(events["status"] == "OK") & (events["account"] <= markets)]
    lanes = [
        (name, done.loc[done["action"] == action, "hours"].to_numpy(), style)
        for name, action, style in _LANES
    ]
    ours = events["action"].isin([action for _, action, _ in _LANES])
    refused = events.loc[ours & (events["status"] != "OK"), "hours"].to_numpy()
    lanes.append(("refused", refused, "muted"))
    return timeline("Operations of the vault on the worst path", lanes, _hours(result))
