"""Strategies that are not the vault's beside it: their table and their chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.report.charts import FULL, Chart
from simulator.report.format import percent, usd
from simulator.report.sections import (
    draw_fan,
    hours_of,
    percent_axis,
    quantity,
    range_of,
    shade,
)
from simulator.results.strategies import VAULT

if TYPE_CHECKING:
    from simulator.results.dataset import Dataset

COLUMNS = (
    *("", "Mean return", "Expected shortfall", "Drawdown", "Liquidated"),
    *("Less the vault's, 95 % interval", "Fees", "Gas"),
)
#: Lines of strategies, in turn.
_STYLES = ("red", "teal", "amber", "muted")


def cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A row of texts for each, as :data:`COLUMNS`; expected shortfall of the worst 5 %."""
    return [
        [
            row["name"],
            percent(row["return"]["mean"], 2, plus=True),
            percent(row["es95"], 2),
            percent(row["max_drawdown"]["median"], 2),
            percent(row["liquidation"]["estimate"]),
            _excess(row["excess"]),
            "–" if row["fees"] is None else usd(row["fees"]),
            "–" if row["gas"] is None else usd(row["gas"]),
        ]
        for row in rows
    ]


def _excess(found: dict[str, float] | None) -> str:
    if found is None:
        return "–"
    text = percent(found["estimate"], 2, plus=True)
    if "low" not in found:
        return text
    ends = (percent(found[end], 2, plus=True) for end in ("low", "high"))
    return f"{text} ({' to '.join(ends)})"


def chart(result: Dataset) -> str:
    """What each has over what it began with: bands of the vault's share, medians of all."""
    rows = result.summary["strategies"]
    if rows is None:
        return ""
    share = quantity(result, "share_price")
    others = [
        (row["name"], quantity(result, f"strategy_{row['name']}"))
        for row in rows
        if row["name"] != VAULT
    ]
    seen = [share["p1"], share["p99"], *(fan[end] for _, fan in others for end in ("p5", "p95"))]
    low, high = range_of(*seen, include=1.0)
    drawn = Chart(
        "Strategies beside the vault over time: medians, and 50, 90 and 98 % of the vault's paths",
        hours_of(result), low, high, percent_axis(low, high, 5),
        FULL, 300, 5,
    )  # fmt: skip
    shade(drawn, result)
    draw_fan(drawn, share, "navy")
    drawn.line(share["hours"].to_numpy(), share["p50"].to_numpy(), "navy", "vault share")
    for place, (name, fan) in enumerate(others):
        style = _STYLES[place % len(_STYLES)]
        drawn.line(fan["hours"].to_numpy(), fan["p50"].to_numpy(), style, name)
    return drawn.svg()
