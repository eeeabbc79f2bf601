"""The page of a hedge study: figures of every estimator, correlation, beta and effectiveness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.report.charts import FULL, Chart
from simulator.report.format import listed, number, percent
from simulator.report.template import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from markupsafe import Markup

    from simulator.study import Settings, Study, Walk
    from simulator.types import Floats

_STYLES = ("ink", "navy", "orange", "teal", "violet", "red", "amber")
#: Lines are told apart by colour, so each chart holds one kind of estimator and the static beta.
GROUPS = {
    "windows and weights": ("static", "sample", "rolling", "ewma", "ledoit-wolf", "newey-west"),
    "models": ("static", "kalman", "dcc-garch", "regimes", "one-factor", "learned", "leader"),
}
EFFECTIVENESS_DAYS = 30
COLUMNS = (
    "Variance taken out",
    "ES 95 % taken out",
    "ES 97.5 % taken out",
    "Offset in 80–125 %",
    "Traded per year",
    "Cost per year",
    "Worst day",
    "Squares against static, p",
    "ES 95 % against static, p",
    "In confidence set",
)


#: Figures by estimator and column.
Rows = dict[str, dict[str, float]]


class _Drawn(NamedTuple):
    caption: str
    svg: Markup


def render(studies: Sequence[Study]) -> str:
    """The page as HTML: one section per horizon of the same target."""
    first = studies[0].walk
    return fill(
        "study.html",
        title=f"{first.target} hedged with {listed(list(first.hedges))}",
        target=first.target,
        columns=COLUMNS,
        sections=[_section(each) for each in studies],
        method=method(first.settings),
    )


def rows_of(figures: pd.DataFrame) -> Rows:
    """Figures by estimator and column."""
    values = figures.to_numpy(np.float64)
    columns = [str(column) for column in figures.columns]
    return {
        str(name): dict(zip(columns, map(float, row), strict=True))
        for name, row in zip(figures.index, values, strict=True)
    }


def method(settings: Settings) -> str:
    """What was assumed, in a few sentences."""
    return (
        f"Returns are of one USD held, the hedges set anew each interval. Cost is a taker fee of "
        f"{settings.taker_fee * 1e4:g} bp on what is traded less funding of "
        f"{percent(settings.funding_per_year, 2)} a year received on what is sold. Dollar offset "
        f"over windows of {settings.offset_days} days. Intervals: stationary bootstrap. p: two-"
        f"sided, long-run variance over 1.3 √T lags. Confidence set: 90 %, by 95 % ES losses of "
        f"whole days. Leader: whoever had the least ES so far, named anew every 30 days."
    )


def cells(row: dict[str, float]) -> list[str]:
    """The figures of one estimator, as :data:`COLUMNS` names them."""
    return [
        *(_reduction(row, name) for name in ("variance", "es95", "es975")),
        f"{row['offset_passes']:.0f} of {row['offset_windows']:.0f}",
        f"{number(row['turnover'], 0)}×",
        percent(row["cost"], plus=True),
        percent(row["worst_day"]),
        _p(row["dm_p"], row["dm_statistic"]),
        _p(row["es95_p"], row["es95_difference"]),
        "yes" if row["mcs_es95"] >= 0.1 else "no",
    ]


def _reduction(row: dict[str, float], name: str) -> str:
    low, high = row[f"{name}_reduction_low"], row[f"{name}_reduction_high"]
    return f"{percent(row[f'{name}_reduction'])} ({100 * low:.0f} to {100 * high:.0f})"


def _p(value: float, sign: float) -> str:
    if sign == 0.0:
        return "–"
    text = "< 0.001" if value < 0.001 else f"{value:.3f}"
    return f"{text} {'better' if sign < 0 else 'worse'}"


def _section(study: Study) -> dict[str, Any]:
    made, figures = study.walk, rows_of(study.figures)
    reductions = {name: row["es95_reduction"] for name, row in figures.items()}
    unit = {"1h": "hour", "4h": "4-hour interval", "1d": "day"}[made.settings.horizon]
    best = max(reductions, key=lambda name: reductions[name])
    hours = np.arange(len(made.unhedged)) * 24.0 / made.settings.rows_per_day
    return {
        "heading": f"Every {unit}",
        "sentence": (
            f"{len(made.unhedged):,} {unit}s out of sample from {made.start:%Y-%m-%d}. The static "
            f"beta took out {percent(reductions['static'])} of the 95 % expected shortfall; the "
            f"most, {percent(reductions[best])}, {best}."
        ),
        "rows": [(name, cells(row)) for name, row in figures.items()],
        "charts": {
            "correlation": _chart(
                "Rolling correlation of the target with each hedge",
                hours, dict(zip(made.hedges, made.correlations.T, strict=True)),
            ).svg,
            "betas": [
                _chart(
                    f"Beta on {hedge}: {group}",
                    hours, {name: made.betas[name][:, place] for name in names},
                )
                for place, hedge in enumerate(made.hedges)
                for group, names in GROUPS.items()
            ],
            "effectiveness": [
                _chart(
                    f"Variance taken out over the last {EFFECTIVENESS_DAYS} days: {group}",
                    hours, {name: effectiveness(made, name) for name in names},
                )
                for group, names in GROUPS.items()
            ],
        },
    }  # fmt: skip


def effectiveness(made: Walk, name: str) -> Floats:
    """1 − variance of the hedged over that of the unhedged return, the last 30 days ``[T]``."""
    rows = EFFECTIVENESS_DAYS * made.settings.rows_per_day
    result = np.full(len(made.unhedged), np.nan)
    if len(result) >= rows:
        plain, hedged = _variance(made.unhedged, rows), _variance(made.hedged(name), rows)
        np.divide(hedged, plain, out=result[rows - 1 :], where=plain > 0.0)
    return 1.0 - result


def _variance(values: Floats, rows: int) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(values, rows)
    return np.asarray(windows.var(axis=1))


def _chart(caption: str, hours: Floats, series: dict[str, Floats]) -> _Drawn:
    from markupsafe import Markup

    values = np.concatenate([*series.values(), [0.0]])
    # A beta that shot up for an hour must not flatten the years beside it.
    low, high = np.nanquantile(values, [0.001, 0.999])
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    pad = 0.06 * ((high - low) or 1.0)
    chart = Chart(caption, float(hours[-1]), low - pad, high + pad, number, width=FULL)
    for style, (name, line) in zip(_STYLES, series.items(), strict=False):
        chart.line(hours, line, f"{style} thin", name)
    return _Drawn(caption, Markup(chart.svg()))
