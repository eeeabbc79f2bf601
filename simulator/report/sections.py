"""The charts of the report, each from the frames of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import HEDGE_LEG, LP_LEG, TITLES
from simulator.config.shocks import Depeg, OracleOutlier, PriceMove, Slashing
from simulator.report.charts import FULL, Chart, Format, decimals, nice_ticks, timeline, waterfall
from simulator.report.format import number, percent, usd
from simulator.report.verdict import PLACES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from simulator.config import Config
    from simulator.results.dataset import Dataset
    from simulator.types import Floats


def range_of(
    *series: ArrayLike, pad: float = 0.06, include: float | None = None
) -> tuple[float, float]:
    """Range of an axis that shows all values, and ``include``, with some room."""
    values = np.concatenate([np.ravel(np.asarray(s, np.float64)) for s in series])
    values = values[np.isfinite(values)]
    if include is not None:
        values = np.append(values, include)
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    span = (high - low) or max(abs(high), 1.0) * 0.1
    return low - pad * span, high + pad * span


def quantity(result: Dataset, name: str) -> pd.DataFrame:
    """Quantiles of a quantity over time."""
    return result.fan[result.fan["quantity"] == name]


def hours_of(result: Dataset) -> float:
    """Length of the run."""
    return result.config.steps * result.config.step_minutes / 60


def spans(config: Config) -> list[tuple[str, tuple[float, float]]]:
    """When each configured shock acts, hours from the start, with what it is."""
    found = []
    for shock in config.shocks:
        about = [
            *getattr(shock, "assets", ()),
            *getattr(shock, "agents", ()),
            *(getattr(shock, name, None) for name in ("asset", "venue", "what")),
        ]
        name = " ".join([shock.kind.replace("_", " "), *filter(None, about)])
        if isinstance(shock, Depeg):
            first, last = shock.anchors[0][0], shock.anchors[-1][0]
        elif isinstance(shock, PriceMove):
            first = shock.at_hours
            last = first + shock.ramp_hours + shock.hold_hours + (shock.recovery_hours or 0.0)
        elif isinstance(shock, OracleOutlier | Slashing):
            first = last = shock.at_hours
        else:
            first, last = shock.at_hours, shock.at_hours + shock.duration_hours
        found.append((name, (first, last)))
    return found


def shocks(result: Dataset) -> str:
    """When each configured shock acts; empty without shocks."""
    lanes = [(name, "muted", [span]) for name, span in spans(result.config)]
    return timeline("Configured shocks", lanes, hours_of(result)) if lanes else ""


def shade(chart: Chart, result: Dataset) -> None:
    """Shade the configured shocks."""
    chart.shade([span for _, span in spans(result.config)])


_BANDS = ("p1", "p99", "p5", "p95", "p25", "p75")


def draw_fan(chart: Chart, fan: pd.DataFrame, style: str) -> None:
    """Bands that hold 98, 90 and 50 % of all paths."""
    hours = fan["hours"].to_numpy()
    for depth, (low, high) in enumerate(zip(_BANDS[::2], _BANDS[1::2], strict=True), start=1):
        chart.band(hours, fan[low].to_numpy(), fan[high].to_numpy(), f"band{depth} {style}")


def share_price(result: Dataset) -> str:
    """Fan of the share price over all paths, with the worst path."""
    fan, worst = quantity(result, "share_price"), result.worst_series
    low, high = range_of(fan["p1"], fan["p99"], worst["share_price"], include=1.0)
    chart = Chart(
        "Share price over time: median, 50, 90 and 98 % of all paths, and the worst path",
        hours_of(result), low, high, percent_axis(low, high, 5),
        FULL, 300, 5,
    )  # fmt: skip
    shade(chart, result)
    draw_fan(chart, fan, "navy")
    chart.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), "navy", "median")
    chart.line(worst["hours"].to_numpy(), worst["share_price"].to_numpy(), "red", "worst path")
    return chart.svg()


def percent_axis(low: float, high: float, ticks: int = 4) -> Format:
    """Labels of an axis of prices relative to the start, ``−2.5 %``: no tick is rounded away."""
    changes = [100.0 * (tick - 1.0) for tick in nice_ticks(low, high, ticks)]
    digits = decimals(changes)
    return lambda value: percent(value - 1.0, digits, plus=True)


def legs(result: Dataset, *, worst: bool) -> str:
    """LP leg, hedge leg and both, in USD since the start: mean of all paths, or the worst path."""
    if worst:
        frame = result.worst_series
        hours = frame["hours"].to_numpy()
        lp = np.asarray(frame[list(LP_LEG)].sum(axis=1))
        hedge = np.asarray(frame[list(HEDGE_LEG)].sum(axis=1))
    else:
        frame = quantity(result, "lp_pnl")
        hours, lp = frame["hours"].to_numpy(), frame["mean"].to_numpy()
        hedge = quantity(result, "hedge_pnl")["mean"].to_numpy()
    low, high = range_of(lp, hedge, lp + hedge, include=0.0)
    which = "the worst path" if worst else "the mean of all paths"
    chart = Chart(
        f"Profit and loss of the LP leg, the hedge leg and both, {which}",
        hours_of(result),
        low,
        high,
        usd,
    )
    shade(chart, result)
    chart.line(hours, lp, "blue", "LP leg")
    chart.line(hours, hedge, "orange", "hedge leg")
    chart.line(hours, lp + hedge, "ink strong", "both")
    return chart.svg()


def margin(result: Dataset) -> str:
    """Fan of the margin ratio on a logarithmic axis, with the ratios at which the vault acts."""
    fan, vault = quantity(result, "margin_ratio"), result.config.vault
    worst = result.worst_series
    levels = (1.0, vault.deleverage_ratio, vault.top_up_ratio, vault.margin_target)

    def log(values: ArrayLike) -> Floats:
        # An account without equity has no logarithm; it lies below the frame.
        return np.log10(np.maximum(np.asarray(values, np.float64), 1e-3))

    low, high = range_of(log(fan["p1"]), log(fan["p95"]), log(worst["margin_ratio"]), log(levels))
    low, high = max(low, -0.5), min(high, 2.2)
    marks = [m for m in log([0.5, 1, 2, 5, 10, 20, 50, 100]) if low <= m <= high]
    chart = Chart(
        "Margin ratio of the vault: equity over maintenance margin, logarithmic axis",
        hours_of(result), low, high,
        lambda v: f"{10**v:g}" if v < 0 else f"{10**v:.0f}", marks=marks,
    )  # fmt: skip
    shade(chart, result)
    draw_fan(chart, fan.assign(**{name: log(fan[name]) for name in _BANDS}), "teal")
    chart.line(fan["hours"].to_numpy(), log(fan["p50"]), "teal", "median")
    chart.line(worst["hours"].to_numpy(), log(worst["margin_ratio"]), "red thin", "worst path")
    for level, label, style in (
        (vault.top_up_ratio, "top up", "muted"),
        (vault.deleverage_ratio, "deleverage", "amber"),
        (1.0, "liquidation", "red"),
    ):
        chart.level(float(np.log10(level)), f"{label} {level:g}", style)
    return chart.svg()


def correlation(result: Dataset) -> str:
    """Fan of the rolling correlation of LP asset and hedge against the assumed one."""
    fan, worst = quantity(result, "rolling_correlation"), result.worst_series
    low = min(range_of(fan["p1"], worst["rolling_correlation"])[0], 0.0)
    chart = Chart(
        "Rolling correlation of the LP asset with the hedge portfolio",
        hours_of(result), max(low, -1.0), 1.0, lambda v: number(v, 1),
    )  # fmt: skip
    shade(chart, result)
    draw_fan(chart, fan, "violet")
    chart.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), "violet", "median")
    chart.line(
        worst["hours"].to_numpy(), worst["rolling_correlation"].to_numpy(), "red thin", "worst path"
    )
    assumed = result.summary["assumed_correlation"]
    if assumed is not None:
        chart.level(assumed, f"assumed {number(assumed)}", "ink")
    return chart.svg()


def attribution(result: Dataset, which: str) -> str:
    """Waterfall of profit and loss by source; ``which``: a key of the summary's attribution."""
    found = result.summary["attribution"][which]
    steps = [(title, found[name]) for name, title in TITLES.items() if abs(found[name]) >= 0.005]
    return waterfall(
        f"Where the money came from and went, {PLACES[which]}",
        steps or [("Nothing happened", 0.0)],
        "Profit and loss",
        lambda v: usd(v, plus=True),
    )


_COLOURS = ("blue", "orange", "yellow", "teal", "violet")


def worst_prices(result: Dataset) -> str:
    """Prices of the worst path relative to the start, and its share price."""
    frame, config = result.worst_series, result.config
    hours = frame["hours"].to_numpy()
    symbols = dict.fromkeys((config.pool.base, *config.markets))
    relative = {s: np.asarray(frame[f"index_{s}"] / frame[f"index_{s}"].iloc[0]) for s in symbols}
    low, high = range_of(*relative.values(), frame["share_price"], include=1.0)
    chart = Chart(
        "Worst path: prices and share price relative to the start",
        hours_of(result), low, high, percent_axis(low, high, 5),
        FULL, 280, 5,
    )  # fmt: skip
    shade(chart, result)
    for i, (symbol, values) in enumerate(relative.items()):
        chart.line(hours, values, f"{_COLOURS[i % len(_COLOURS)]} thin", symbol)
    chart.line(hours, frame["share_price"].to_numpy(), "red strong", "share")
    return chart.svg()


def worst_delta(result: Dataset) -> str:
    """Delta of the worst path by asset, and what is left when all prices move together."""
    frame, config = result.worst_series, result.config
    symbols = dict.fromkeys((config.pool.base, *config.markets))
    deltas = {symbol: frame[f"delta_{symbol}"].to_numpy() for symbol in symbols}
    low, high = range_of(*deltas.values(), frame["net_delta"], include=0.0)
    chart = Chart("Delta by asset on the worst path", hours_of(result), low, high, usd)
    shade(chart, result)
    hours = frame["hours"].to_numpy()
    for i, (symbol, values) in enumerate(deltas.items()):
        chart.line(hours, values, f"{_COLOURS[i % len(_COLOURS)]} thin", symbol)
    chart.line(hours, frame["net_delta"].to_numpy(), "red strong", "net")
    return chart.svg()


def worst_gamma(result: Dataset) -> str:
    """What its gamma costs the position on the worst path: ½ Γ r² of a move r of 1 %."""
    frame = result.worst_series
    cost = 0.5 * frame["gamma"].to_numpy() * 0.01**2
    low, high = range_of(cost, include=0.0)
    chart = Chart(
        "What a move of 1 % costs the hedged LP position", hours_of(result), low, high, usd
    )
    shade(chart, result)
    chart.line(frame["hours"].to_numpy(), cost, "blue", "½ Γ r²")
    return chart.svg()


_LANES = (
    ("rebalance", "Rebalance", "ink"),
    ("recentre", "Recenter", "blue"),
    ("top up", "TopUp", "teal"),
    ("deleverage", "Deleverage", "amber"),
    ("liquidation", "Liquidate", "red"),
)
#: Liquidations shown where they happened: not every vault has pledges, loans, other collateral.
_LANES_IF_ANY = (
    ("of pledge", "LiquidatePledge", "red"),
    ("of loan", "LiquidateLoan", "red"),
    ("collateral", "LiquidateCollateral", "red"),
)


def worst_events(result: Dataset) -> str:
    """What the vault did, and what was done to it, on the worst path."""
    events, markets = result.worst_events, len(result.config.markets)
    events = events[events["account"] <= markets]  # the vault's; -1 where there is none
    done = events[events["status"] == "OK"]
    happened = set(done["action"])
    shown = [*_LANES, *(lane for lane in _LANES_IF_ANY if lane[1] in happened)]
    ours = events["action"].isin([action for _, action, _ in shown])
    kinds = [(name, style, done.loc[done["action"] == action]) for name, action, style in shown]
    kinds.append(("refused", "muted", events.loc[ours & (events["status"] != "OK")]))
    lanes = [
        (f"{name} {len(found):,}", style, [(hour, hour) for hour in found["hours"]])
        for name, style, found in kinds
    ]
    return timeline("Operations of the vault on the worst path", lanes, hours_of(result))
