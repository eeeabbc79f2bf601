"""The hedge study of many coins as Markdown: which estimator wins where, and where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.report.format import count, listed, percent
from simulator.report.study import Rows, method, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.study import Study

SIGNIFICANT = 0.05
#: The static beta, the same least squares on all rows so far, and the one that picks among all.
BENCHMARKS = ("static", "sample", "leader")


def render(studies: Sequence[Study], left_out: Sequence[str], command: str) -> str:
    """The document; studies of one horizon stand together."""
    settings = studies[0].walk.settings
    parts = [
        "# Hedge study\n",
        f"Written by `{command}`;\nnothing in it is typed by hand.\n",
        f"{_HOW}{_scope(studies)}\n",
        f"{method(settings)}\n",
    ]
    for horizon, heading in (("1h", "Hourly"), ("4h", "Every four hours"), ("1d", "Daily")):
        chosen = [study for study in studies if study.walk.settings.horizon == horizon]
        if chosen:
            parts += [f"## {heading}\n", *_horizon(chosen)]
    if left_out:
        parts += ["## Left out\n", *(f"* {reason}" for reason in left_out), ""]
    return "\n".join(parts).rstrip() + "\n"


_HOW = """\
Each coin is held for one USD and hedged by short positions whose size each estimator sets from what
came before, interval by interval. Scored is what lies after the first training window (90 days of
hours, 180 days of days). No time constant was tuned on anything here: windows of 30 days (hours)
and 90 (days), RiskMetrics' half-life, parameters refitted every 90 days on what had passed.
`static` is least squares on the first training window and never changes; `sample` is least squares
on everything so far; both are the benchmarks. `leader` follows whichever had the least expected
shortfall until then. ES is the 95 % expected shortfall of one interval's return; *reduction* is the
part of the unhedged one that the hedge took out. *Significant* means p < 0.05, two-sided.
"""


_PICKED = """\
The best is named after the fact, which flatters it: *p × n* corrects for having picked among n
(Bonferroni); `leader` had to pick beforehand.
"""


def _scope(studies: Sequence[Study]) -> str:
    """How many coins, and when: what is found is known of these."""
    coins = len({study.walk.target for study in studies})
    first = min(study.walk.start for study in studies)
    last = max(study.walk.end for study in studies)
    trials = f"coins fall together: {coins} are far fewer independent trials than {coins}"
    return (
        f"Scored from {first:%B %Y} to {last:%B %Y}, on this record alone; another can say "
        f"otherwise (docs/limits.md){'; ' + trials if coins > 1 else ''}."
    )


def _horizon(studies: Sequence[Study]) -> list[str]:
    table = {study.walk.target: rows_of(study.figures) for study in studies}
    return [
        _verdict(table),
        "### One estimator for every coin\n",
        _fixed(table),
        "### Coin by coin\n",
        _PICKED,
        _coins(studies),
    ]


def adaptive(rows: Rows) -> list[str]:
    """The estimators that adapt: all but the benchmarks and the leader."""
    return [name for name in rows if name not in BENCHMARKS]


def best(rows: Rows) -> str:
    """The adaptive estimator with the greatest reduction of the 95 % ES."""
    return max(adaptive(rows), key=lambda name: rows[name]["es95_reduction"])


def _corrected(rows: Rows) -> float:
    """Bonferroni p-value of the best adaptive estimator against static."""
    return min(rows[best(rows)]["es95_p"] * len(adaptive(rows)), 1.0)


def _wins(table: dict[str, Rows], name: str, against: str) -> tuple[int, int, int]:
    """Coins with a lower ES, significantly lower, and significantly higher."""
    gap, p = (
        ("es95_difference", "es95_p")
        if against == "static"
        else ("expanding_difference", "expanding_p")
    )
    rows = [figures[name] for figures in table.values()]
    return (
        sum(row[gap] < 0 for row in rows),
        sum(row[gap] < 0 and row[p] < SIGNIFICANT for row in rows),
        sum(row[gap] > 0 and row[p] < SIGNIFICANT for row in rows),
    )


def _verdict(table: dict[str, Rows]) -> str:
    names = adaptive(next(iter(table.values())))
    score = {name: _wins(table, name, "static") for name in names}
    top = max(names, key=lambda name: (score[name][1] - score[name][2], score[name][0]))
    low = min(names, key=lambda name: (score[name][1] - score[name][2], score[name][0]))
    beaten = [c for c, figures in table.items() if figures[best(figures)]["es95_difference"] < 0]
    surely = [coin for coin, figures in table.items() if _corrected(figures) < SIGNIFICANT]
    surely = [coin for coin in surely if coin in beaten]
    none = [coin for coin in table if coin not in surely]
    grown = _wins(table, top, "sample")
    mean = {name: _mean(table, name, "es95_reduction") for name in (top, "static", "sample")}
    lines = [
        (
            f"The best adaptive estimator has a lower ES than the static beta on "
            f"**{len(beaten)} of {count(len(table), 'coin')}**, significantly on "
            f"**{len(surely)}** once corrected for having been picked."
        ),
        (
            f"One estimator fixed for all coins (the best row below), **{top}**, has a lower ES "
            f"than the static beta {_tally(score[top])} and than the expanding one "
            f"{_tally(grown)}. On average it takes out {mean[top]} of the ES; static "
            f"{mean['static']}, expanding {mean['sample']}."
        ),
        f"The worst to fix is **{low}**: a lower ES than static {_tally(score[low])}.",
        (
            f"No adaptive estimator is surely better than static on {listed(none)}."
            if none
            else "On every coin some adaptive estimator is surely better than static."
        ),
        _accounting(table),
    ]
    return "\n".join(f"* {line}" for line in lines) + "\n"


def _tally(wins: tuple[int, int, int]) -> str:
    lower, surely, higher = wins
    return f"on {lower} (significantly on {surely}; significantly higher on {higher})"


def _accounting(table: dict[str, Rows]) -> str:
    """What the 80–125 rule makes of it all."""
    passes = {
        name: sum(f[name]["offset_passes"] for f in table.values())
        for name in next(iter(table.values()))
    }
    windows = sum(f["static"]["offset_windows"] for f in table.values())
    if not windows:
        return "No window of 30 days was scored: the 80–125 rule says nothing."
    top = max(passes, key=lambda name: passes[name])
    return (
        f"By the 80–125 rule no estimator passes more than {passes[top]:.0f} of {windows:.0f} "
        f"windows ({top})."
    )


def _mean(table: dict[str, Rows], name: str, column: str) -> str:
    return percent(sum(f[name][column] for f in table.values()) / len(table))


def _fixed(table: dict[str, Rows]) -> str:
    coins = len(table)
    head = (
        "estimator", "ES lower than static (surely, surely higher)",
        "than expanding (surely, surely higher)", "mean ES reduction", "at 97.5 %",
        "mean variance reduction", "squares surely lower than static", "in confidence set",
        "80–125 windows", "traded per year", "cost per year", "worst day of all",
    )  # fmt: skip
    rows = []
    for name in next(iter(table.values())):
        all_rows = [figures[name] for figures in table.values()]
        static, grown = _wins(table, name, "static"), _wins(table, name, "sample")
        squares = sum(r["dm_statistic"] < 0 and r["dm_p"] < SIGNIFICANT for r in all_rows)
        passes = sum(r["offset_passes"] for r in all_rows)
        windows = sum(r["offset_windows"] for r in all_rows)
        rows.append(
            (
                name,
                "–" if name == "static" else f"{static[0]} ({static[1]}, {static[2]})",
                "–" if name == "sample" else f"{grown[0]} ({grown[1]}, {grown[2]})",
                _mean(table, name, "es95_reduction"),
                _mean(table, name, "es975_reduction"),
                _mean(table, name, "variance_reduction"),
                "–" if name == "static" else f"{squares}",
                f"{sum(r['mcs_es95'] >= 0.1 for r in all_rows)}",
                percent(passes / windows, 0) if windows else "–",
                f"{sum(r['turnover'] for r in all_rows) / coins:,.0f}×",
                _mean(table, name, "cost"),
                percent(min(r["worst_day"] for r in all_rows)),
            )
        )
    return _markdown(head, rows)


def _coins(studies: Sequence[Study]) -> str:
    head = (
        "coin", "hedges", "static", "expanding", "best adaptive", "ES reduction (95 % interval)",
        "variance reduction (95 % interval)", "p", "p × n", "leader", "p of leader",
        "in confidence set",
    )  # fmt: skip
    rows = []
    for study in studies:
        figures, walk = rows_of(study.figures), study.walk
        name = best(figures)
        row, leader = figures[name], figures["leader"]
        kept = [n for n in adaptive(figures) if figures[n]["mcs_es95"] >= 0.1]
        inside = "static too" if figures["static"]["mcs_es95"] >= 0.1 else "not static"
        rows.append(
            (
                walk.target,
                ", ".join(walk.hedges),
                percent(figures["static"]["es95_reduction"]),
                percent(figures["sample"]["es95_reduction"]),
                name,
                _interval(row, "es95_reduction"),
                _interval(row, "variance_reduction"),
                _p(row["es95_p"], row["es95_difference"]),
                _p(_corrected(figures), row["es95_difference"]),
                percent(leader["es95_reduction"]),
                _p(leader["es95_p"], leader["es95_difference"]),
                f"{len(kept)} of {len(adaptive(figures))}, {inside}",
            )
        )
    return _markdown(head, rows)


def _interval(row: dict[str, float], name: str) -> str:
    low, high = 100 * row[f"{name}_low"], 100 * row[f"{name}_high"]
    return f"{percent(row[name])} ({low:.0f} to {high:.0f})"


def _p(value: float, difference: float) -> str:
    text = "< 0.001" if value < 0.001 else f"{value:.3f}"
    return text if difference <= 0 else f"{text}, higher"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
