"""What the breakdown monitor is worth: writes docs/breakdown-monitor.md, nothing in it by hand.

Its charts under no change and under a change, against theory; what it would have said of SOL in
November and of LUNA in May 2022 (``../shared/data``); and what its warning saved or cost on the
built-in scenarios, with and without it on the same paths. Takes some ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from simulator.comparison import compare
from simulator.config import load
from simulator.hedging.estimators.base import betas
from simulator.hedging.estimators.sample import Rolling
from simulator.hedging.monitor import arl
from simulator.hedging.monitor.calibration import calibrate
from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher, Shewhart
from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.hedging.monitor.history import first_alarm
from simulator.hedging.monitor.settings import ALARMS, Settings
from simulator.market.panel import read_panel
from simulator.results.store import write_text
from simulator.types import Booleans, Floats

ROOT = Path(__file__).resolve().parents[1]
HISTORY = ROOT.parent / "shared" / "data" / "history"
TABLE = ROOT / "docs" / "breakdown-monitor.md"

STATED = 2_160.0  # steps between false alarms: a quarter of hours, the default
WINDOW = 48
CHARTS, LONGEST = 4_000, 40_000
BEFORE, AFTER = 0.8, 0.0  # correlation
PATHS = 400
HOUR = timedelta(hours=1)

Row = tuple[str, ...]
Counts = dict[str, tuple[int, int]]  # hours watched and alarms, by detector
COINS = {
    "ETHUSDT": ["BTCUSDT"],
    **{
        coin: ["BTCUSDT", "ETHUSDT"]
        for coin in ("SOLUSDT", "LINKUSDT", "LTCUSDT", "ADAUSDT", "ATOMUSDT", "DOGEUSDT", "XRPUSDT")
    },
}
Draw = Callable[[np.random.Generator], Booleans]


def table(head: Row, rows: list[Row]) -> str:
    """As Markdown; the first column is text, the others are numbers."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ------------------------------------------------------------------------------------------ charts


def measured(step: Draw, seed: int) -> str:
    """Mean run length with its standard error."""
    generator = np.random.default_rng(seed)
    lengths = arl.first_alarms(lambda: step(generator), CHARTS, LONGEST)
    return f"{lengths.mean():,.1f} ± {lengths.std() / CHARTS**0.5:.1f}"


def fisher(after: float) -> Draw:
    """Correlation ``after``; where that is a change, every window is full of ``BEFORE``."""
    chart, reference = RollingFisher(CHARTS, STATED, WINDOW), np.full(CHARTS, BEFORE)

    def take(generator: np.random.Generator, correlation: float) -> Booleans:
        one, other = generator.standard_normal((2, CHARTS))
        other = correlation * one + (1.0 - correlation**2) ** 0.5 * other
        fell, rose = chart.update(one, other, reference)
        return fell | rose

    if after != BEFORE:
        full = np.random.default_rng(9)
        for _ in range(WINDOW - 1):
            take(full, BEFORE)
    return lambda generator: take(generator, after)


def chart_rows() -> list[Row]:
    """Each chart: false alarms stated and simulated, delay by theory and simulated."""

    def normal(chart: Cusum | Shewhart, shift: float) -> Draw:
        return lambda generator: chart.update(generator.standard_normal(CHARTS) + shift)

    def products(shift: float) -> Draw:
        chart = EwmaChart(CHARTS, STATED, products=True)
        return lambda generator: chart.update(
            np.prod(generator.standard_normal((2, CHARTS)), axis=0) + shift
        )

    cusum, jump = Cusum(CHARTS, STATED), Shewhart(STATED)
    delay = arl.cusum_arl(float(cusum.threshold), cusum.reference, 1.0)
    beyond = 4.0
    seen = arl.shewhart_arl(jump.threshold, beyond)
    stated = f"{STATED:,.0f}"
    return [
        (
            "residual: CUSUM", stated, measured(normal(cusum, 0.0), 1),
            "mean of 1 σ", f"{delay:.1f}", measured(normal(Cusum(CHARTS, STATED), 1.0), 2),
        ),
        (
            "drift: EWMA of products", stated, measured(products(0.0), 3),
            "mean of 0.5 σ", "–", measured(products(0.5), 4),
        ),
        (
            "basis: Shewhart", stated, measured(normal(jump, 0.0), 5),
            f"jump of {beyond:g} σ", f"{seen:.2f}", measured(normal(jump, beyond), 6),
        ),
        (
            f"breakdown, convergence: Fisher z of {WINDOW}", stated,
            measured(fisher(BEFORE), 7),
            f"correlation {BEFORE:g} to {AFTER:g}", "–", measured(fisher(AFTER), 8),
        ),
    ]  # fmt: skip


# --------------------------------------------------------------------------------- recorded prices


def hourly(file: str, symbols: list[str], start: datetime, end: datetime) -> Floats:
    """Log returns ``[T, N]``."""
    return read_panel(HISTORY / file, symbols, start=start, end=end, max_gap_hours=24).returns


def event(
    name: str, returns: Floats, start: datetime, since: datetime, window: int, settings: Settings
) -> Row:
    """First alarm after ``since`` on a hedge by the rolling beta, and what was lost by then."""
    found = first_alarm(
        returns, betas(Rolling(window).forecast(returns)[:-1]), settings, (since - start) // HOUR
    )
    assert found.row is not None
    return (
        name, f"{since:%-d %B %Y %H:%M}", f"{start + (found.row + 1) * HOUR:%-d %B %H:%M}",
        ", ".join(found.kinds), f"{found.lost:.1%}", f"{found.hedged:.1%}", f"{found.trough:.1%}",
        f"{start + (found.trough_row + 1) * HOUR:%-d %B %H:%M}",
    )  # fmt: skip


def event_rows() -> list[Row]:
    """SOL with FTX, LUNA with its dollar."""
    spot, hedges = "spot_1h_2020_2022.parquet", ["BTCUSDT", "ETHUSDT"]
    start, end = datetime(2022, 9, 20), datetime(2022, 11, 12)
    sol = hourly(spot, ["SOLUSDT", *hedges], start, end)
    rows = [
        event("SOL", sol, start, datetime(2022, 11, 6, 12), 720, Settings(STATED)),
    ]
    # This record starts 30 hours before the fall: a day must do.
    start, end = datetime(2022, 5, 6, 3), datetime(2022, 5, 12, 12)
    luna = np.hstack(
        [
            hourly("ust_luna_2022_1h.parquet", ["LUNAUSDT"], start, end),
            hourly(spot, hedges, start, end),
        ]
    )
    day = Settings(720.0, window=24, warmup=24)
    return [*rows, event("LUNA", luna, start, start + 24 * HOUR, 24, day)]


def rate(returns: Floats, betas: Floats, settings: Settings) -> Counts:
    """Alarms by detector and hours watched, of runs of a quarter that begin every five days."""
    steps = round(STATED) + settings.warmup
    starts = np.arange(0, len(returns) - steps + 1, 120)
    monitor, rang = HedgeMonitor(len(starts), settings), dict.fromkeys(ALARMS, 0)
    for step in range(steps):
        now = starts + step
        for kind, where in monitor.update(returns[now].T, betas[now].T).items():
            rang[kind] += int(where.sum())
    hours = len(starts) * (steps - settings.warmup)
    both = rang["breakdown"] + rang["convergence"]
    return {
        "residual": (hours, rang["residual"]),
        "breakdown, convergence": (hours, both),
        "drift": (hours, rang["drift"]),
    }


def together(counts: list[Counts]) -> dict[str, str]:
    """Hours between two alarms, of several records taken together."""
    return {
        name: f"{sum(c[name][0] for c in counts) / max(sum(c[name][1] for c in counts), 1):,.0f}"
        for name in counts[0]
    }


def false_alarm_rows() -> list[Row]:
    """How often each detector rings on coins, by theory's limits and by those of a record."""
    start, end = datetime(2020, 9, 1), datetime(2022, 12, 31)
    plain, warm, year = Settings(STATED), 720, 365 * 24
    by_theory, by_itself, before, theory_after = [], [], [], []
    for coin, hedges in COINS.items():
        print(f"false alarms, {coin}", flush=True)
        returns = hourly("spot_1h_2020_2022.parquet", [coin, *hedges], start, end)
        ratios = betas(Rolling(warm).forecast(returns)[:-1])[warm:]
        returns = returns[warm:]
        whole = replace(plain, limits=calibrate(returns, ratios, plain))
        first = replace(plain, limits=calibrate(returns[:year], ratios[:year], plain))
        by_theory.append(rate(returns, ratios, plain))
        by_itself.append(rate(returns, ratios, whole))
        before.append(rate(returns[year:], ratios[year:], first))
        theory_after.append(rate(returns[year:], ratios[year:], plain))
    columns = [together(each) for each in (by_theory, by_itself, theory_after, before)]
    return [(name, f"{STATED:,.0f}", *(each[name] for each in columns)) for name in columns[0]]


# ------------------------------------------------------------------------------------------- worth

ANSWERS = {
    "nobody watches": "null",
    "four times the covariance, which only netted margin feels (default)": "{}",
    "betas of the last day as well": "{beta_multiple: 1}",
    "the hedge unwound as well": "{beta_multiple: 0}",
}
SCENARIOS = (
    "calm",
    "correlation-breakdown",
    "correlation-convergence",
    "usdc-depeg-2023",
    "hedge-liquidation",
    "liquidation-cascade",
)


def worth(scenario: str, margin: str) -> Iterator[Row]:
    """The same paths under every answer."""
    settings = [f"paths={PATHS}", f"clearing.margin={margin}"]
    configs = {
        name: load(scenario, [*settings, f"agents.breakdown_monitor={answer}"])
        for name, answer in ANSWERS.items()
    }
    found = compare(configs, record=1).summary["alternatives"]
    for name, figures in found.items():
        change, lost = figures["return_difference"], figures["liquidation"]["estimate"]
        interval = f"{change['mean']:+.1%} ({change['low']:+.1%} to {change['high']:+.1%})"
        yield (
            scenario, margin, name, f"{figures['return']['mean']:+.1%}",
            "–" if name == next(iter(found)) else interval,
            f"{figures['return']['es95']:.1%}", f"{lost:.1%}",
        )  # fmt: skip


def worth_rows() -> list[Row]:
    """Every scenario, on the gross rule and where margin nets risk."""
    rows: list[Row] = []
    for scenario in SCENARIOS:
        for margin in ("gross", "portfolio"):
            print(f"{scenario}, {margin}", flush=True)
            rows += worth(scenario, margin)
    return rows


def main() -> None:
    """Measure everything and write the page."""
    page = PAGE.format(
        charts=table(
            ("detector", "steps between alarms, stated", "simulated", "a change",
             "steps to the alarm, theory", "simulated"),
            chart_rows(),
        ),
        events=table(
            ("coin", "watched from", "first alarm", "by", "lost by then", "hedged",
             "whole fall", "lowest at"),
            event_rows(),
        ),
        rates=table(
            ("detector", "hours stated", "normal limits", "limits of these hours",
             "normal limits, second year on", "limits of the first year, second year on"),
            false_alarm_rows(),
        ),
        coins=", ".join(coin.removesuffix("USDT") for coin in COINS),
        answers=table(
            ("scenario", "margin", "answer", "mean return", "against nobody, same paths",
             "95 % expected shortfall", "liquidated"),
            worth_rows(),
        ),
        paths=PATHS,
        simulated=CHARTS,
    )  # fmt: skip
    write_text(TABLE, page)
    print(TABLE)


PAGE = """\
# Breakdown monitor

Written by `python -m scripts.monitor_study`; nothing in it is typed by hand but the sentences.

Four control charts watch the returns of the hedged position: a CUSUM of the residual, Fisher's z
of the rolling correlation, an EWMA of residual times hedge (the drift of beta) and a Shewhart chart
of the basis. Each is set by the mean time between its false alarms (`simulator.hedging.monitor`).

## Stated rates, against simulation

Standard normal observations, {simulated:,} charts each, standard errors beside the means.

{charts}

## On recorded prices

SOL and LUNA hedged with BTC and ETH by a rolling beta; each chart has one false alarm a quarter
(LUNA, whose record starts 30 hours before its fall: a month). *Lost* is the fall of the coin from
its peak, *hedged* the same of coin and hedge.

{events}

Hours of coins are not normal, so limits of normal theory ring several times as often as stated.
`simulator.hedging.monitor.calibration` finds limits on a record instead, by what the charts do on
stretches of it; a replay (`run --prices`) does so on the year before its window. Hours between
alarms in runs of a quarter, October 2020 to the end of 2022, {coins} against BTC and
ETH (ETH against BTC), all alarms together:

{rates}

Limits of the same hours have the stated rate, as they should. On the hours after the year they were
found on they have it as far as that year is like the next: one alarm a quarter comes four times in
a year, so a year says it within a factor of two or so, and what changed between 2021 and 2022 is in
the last column too.

## What the warning is worth

{paths} paths each, drawn alike; the interval is the 95 % one of the difference path by path.
No answer is right everywhere, and the monitor cannot know what broke. Unwinding ends a squeeze or a
cascade and gives up the hedge where the hedge still works, a false alarm included. Betas of one day
are noise as often as news. A wider covariance makes keepers shrink the position sooner, but posted
at once it can itself put a thinly margined vault below maintenance: look at the last column.

{answers}
"""

if __name__ == "__main__":
    main()
