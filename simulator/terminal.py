"""What commands show in a terminal: progress on stderr, tables on stdout, both quiet in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.bench.row import Row
    from simulator.config import Config
    from simulator.fuzz import Trial
    from simulator.result import Result
    from simulator.study import Study
    from simulator.verify import Comparison


class ProgressBar:
    """A progress bar on stderr, shown only to people; ``with`` it, then :meth:`update`."""

    def __init__(self, title: str, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._unit = unit
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=None, speed="")

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Show how much of ``total`` is done."""
        speed = self._bar.tasks[0].speed
        text = f"{speed:,.0f} {self._unit}/s" if speed else ""
        self._bar.update(self._task, completed=done, total=total, speed=text)


def announce_compilation(*, chain: bool = False) -> None:
    """Say on stderr, in a line, what a first run waits for; nothing where all is compiled already.

    ``chain``: whether contracts are deployed too.
    """
    from simulator.model.kernel import jit

    waits = []
    if jit.is_cold():
        waits.append("the model's kernels (a minute or two)")
    if chain:
        from simulator.chain.deploy import artifacts

        if artifacts.is_cold():
            waits.append("the contracts (about a minute)")
    if waits:
        click.echo(f"hedgesim: compiling, once: {' and '.join(waits)} …", err=True)


#: Columns that the first of a table has if it needs them, before its texts are broken.
_FIRST = 18


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column to the left, the others to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    needed = min(_FIRST, max((len(line) for row in rows for line in row[0].split("\n")), default=0))
    for number, name in enumerate(columns):
        if number:
            table.add_column(name, justify="right")
        else:
            table.add_column(name, justify="left", min_width=needed, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


#: Metrics and chances that the summary of a run shows; titles and formats are theirs.
_SHOWN = (
    *("return", "max_drawdown", "min_margin_ratio", "hedge_effectiveness", "realised_correlation"),
    *("basis_pnl", "hedge_drift", "lp_fees", "trading_cost", "price_impact", "funding"),
    *("turnover", "gas", "bad_debt", "adl_notional", "fees_kept", "vault_fees", "latency_profit"),
    *(
        "impact_low",
        "impact_high",
        "forced_usd",
        "forced_share",
        "forced_peak_hour",
        "forced_deficit",
        "borrower_liquidations",
        "borrower_repaid",
        "borrower_bonus",
        "borrower_fee",
        "bad_loans",
    ),
)
_CHANCES = ("liquidation", "loss", "loss_at_index", "bad_debt")


def show_result(result: Result) -> None:
    """Print the summary of a run."""
    from simulator.report.verdict import verdict
    from simulator.results.registry import BY_NAME, CHANCES, counted

    summary = result.summary
    days = summary["steps"] * summary["step_minutes"] / 1_440
    rows = []
    for metric in (*map(BY_NAME.__getitem__, _SHOWN), *counted(summary["metrics"])):
        found = summary["metrics"][metric.name]
        if metric.only_if_any and found["min"] == found["max"] == 0.0:
            continue
        figures = [found[key] for key in ("mean", "p5", "median", "p95")]
        rows.append(
            [
                metric.heading,
                *("–" if figure is None else _figure(figure, metric.form) for figure in figures),
            ]
        )
    _diagnosis(summary["diagnosis"])
    title = f"{summary['scenario']}: {summary['paths']:,} paths of {days:.3g} days"
    show_table(title, ("", "mean", "5 %", "median", "95 %"), rows)
    click.echo("  What --require calls them: hedgesim metrics")
    said = verdict(summary)
    click.echo(f"  {said['text']}.\n  {said['details']}")
    chances = summary["probabilities"]
    for name in _CHANCES:
        if name == "loss_at_index" and chances[name] == chances["loss"]:
            continue  # the oracle says what the market does
        title = CHANCES[name][1].title
        click.echo(f"  {title}: {_probability(chances[name], summary['paths'])}")
    if summary["sampling"] is not None:
        known = summary["sampling"]["effective_sample_size"]
        click.echo(f"  Importance sampling: shares are weighted, worth {known:,.0f} plain paths")
    shortfall = summary["metrics"]["return"]["es95"]
    click.echo(f"  Mean loss of the worst 5 % of paths: {_figure(shortfall, '.2%')}")
    _strategies(summary["strategies"])
    _documented(summary["documented"])
    _cascade(summary["cascade"])
    for gate in summary["gates"]:
        value = "no value" if gate["value"] is None else f"{gate['value']:.6g}"
        why = gate.get("why", value)
        click.echo(f"  {'holds' if gate['holds'] else 'FAILS'}: {gate['requirement']} ({why})")
    speed = result.timing["path_steps_per_second"]
    click.echo(f"  {result.timing['seconds']:.1f} s, {speed:,.0f} path-steps/s")


def _strategies(rows: list[dict[str, Any]] | None) -> None:
    """Strategies that are not the vault's beside it, on the same paths."""
    from simulator.report.strategies import cells

    if rows is None:
        return
    columns = ("", "return", "ES 95 %", "drawdown", "liq.", "less the vault's")
    lines = [[text.replace("\N{NO-BREAK SPACE}", "") for text in row[:6]] for row in cells(rows)]
    show_table("Strategies on the same paths", columns, lines)


def _documented(rows: Sequence[dict[str, Any]]) -> None:
    """Ours beside what was published of the crisis."""
    for row in rows:
        said = "no value" if row["simulated"] is None else f"{row['simulated']:.3g}"
        near = "near" if row["inside"] else f"NOT within {row['low']:g} to {row['high']:g}"
        click.echo(f"  Documented: {row['figure']} {row['value']:g}; here {said}, {near}")


def _cascade(found: dict[str, Any] | None) -> None:
    """What is said of a cascade, and how often as much was lost for it if that was asked."""
    from simulator.report.cascade import multipliers, sentence

    if found is None:
        return
    for text in (sentence(found), *multipliers(found)):
        click.echo(f"  {text}")


def _figure(value: float, form: str) -> str:
    """A figure in a format of Python's; what is shown as zero has no sign."""
    text = format(value, form)
    return text if any(digit in "123456789" for digit in text) else text.lstrip("+-")


def show_misfits(configs: Mapping[str, Config]) -> None:
    """Print on stderr, before anything runs, what is tight or does nothing, by scenario.

    What is certain to fail is the run's to refuse. What is so of all scenarios is said once.
    """
    from simulator.config.feasibility import misfits
    from simulator.config.remarks import remarks

    said: dict[str, list[str]] = {}
    for name, config in configs.items():
        for remark in remarks(config):
            said.setdefault(remark.text, []).append(name)
    for text, names in said.items():
        where = "" if len(names) == len(configs) else f"{', '.join(names)}: "
        click.echo(f"hedgesim: warning: {where}{text}", err=True)
    for name, config in configs.items():
        for misfit in misfits(config):
            if not misfit.certain:
                where = f"{name}: " if name else ""
                click.echo(f"hedgesim: warning: {where}{misfit.text}", err=True)


def _diagnosis(findings: Sequence[dict[str, Any]], name: str = "") -> None:
    """What the vault did not do, before any figure of what it came to; tight limits were shown."""
    for finding in findings:
        if finding["severity"] != "note" and not finding["name"].startswith("tight_"):
            where = f"{name}: " if name else ""
            click.echo(f"{finding['severity'].upper()}: {where}{finding['text']}")


def _probability(found: dict[str, Any], paths: int) -> str:
    return (
        f"{found['paths']:,} of {paths:,} paths, {found['estimate']:.2%} "
        f"(95 % interval {found['low']:.2%} to {found['high']:.2%})"
    )


def show_side_by_side(summary: dict[str, Any]) -> None:
    """Print alternatives, a row each, and which randomness they share."""
    from textwrap import fill

    from simulator.report import side_by_side as page
    from simulator.report.findings import marks, named

    shown = [figure for figure in page.figures(summary) if figure.short]
    found, requirements = summary["alternatives"], page.gates(summary)
    lines = [
        # A table breaks its cells at no-break spaces too.
        [
            "\n".join([page.label(one), *(mark.text for mark in marks(one["diagnosis"]))]),
            *(figure.brief(one).replace("\N{NO-BREAK SPACE}", "") for figure in shown),
        ]
        for one in found.values()
    ]
    title = f"{summary['scenario']}: {len(found)} alternatives of {summary['paths']:,} paths"
    heading = page.fields(summary).replace(" · ", " ·\n")
    show_table(title, (heading, *(figure.short for figure in shown)), lines)
    said = [*page.counted(summary), f"{summary['shared'][0].upper()}{summary['shared'][1:]}"]
    said += [
        f"{one.mark.severity.upper()}: {one.where}: {one.text}"
        for one in page.diagnoses(summary)
        if not one.mark.name.startswith("tight ")  # said on stderr, before anything ran
    ]
    for requirement, failing in requirements:
        if failing:
            labels = [page.label(found[name]) for name in failing]
            where = named([label.replace(" ", "\N{NO-BREAK SPACE}") for label in labels])
            said.append(f"FAILS: {requirement}: in {len(failing)} of {len(found)}: {where}")
        else:
            said.append(f"holds: {requirement}: in all")
    for text in said:
        click.echo(fill(text, 80, initial_indent="  ", subsequent_indent="    "))


def show_stress(summary: dict[str, Any]) -> None:
    """Print the stress matrix, a row for each scenario, and each verdict below it."""
    from simulator.report.stress import COLUMNS, cells

    rows = [
        [name, *(cell["text"].replace("\N{NO-BREAK SPACE}", "") for cell in cells(found))]
        for name, found in summary["scenarios"].items()
    ]
    heading = ("", *(column.short for column in COLUMNS))
    show_table(f"{len(rows)} scenarios", heading, rows)
    for name, found in summary["scenarios"].items():
        click.echo(f"  {name}: {found['verdict']}.")
        for gate in found["gates"]:
            if not gate["holds"]:
                click.echo(f"    FAILS: {gate['requirement']}")


#: What fits a terminal; the page has all.
_STUDIED = ("ES 95 % taken out", "Cost per year", "Worst day", "ES 95 % against static, p")


def show_studies(studies: Sequence[Study], left_out: Sequence[str]) -> None:
    """Print the figures of hedge studies: all of one, or the best of each of many."""
    from simulator.report.study import COLUMNS, cells, rows_of
    from simulator.report.study_table import best

    if len({study.walk.target for study in studies}) == 1:
        for study in studies:
            walk = study.walk
            title = (
                f"{walk.target} hedged with {', '.join(walk.hedges)}, every "
                f"{walk.settings.horizon}, {len(walk.unhedged):,} intervals out of sample"
            )
            columns = [COLUMNS.index(column) for column in _STUDIED]
            lines = []
            for name, row in rows_of(study.figures).items():
                every = cells(row)
                lines.append([name, *(every[i] for i in columns)])
            show_table(title, ("", *_STUDIED), lines)
    else:
        lines = []
        for study in studies:
            figures = rows_of(study.figures)
            chosen = best(figures)
            shown = [
                figures[name]["es95_reduction"] for name in ("static", "sample", "ewma", chosen)
            ]
            lines.append(
                [
                    f"{study.walk.target} {study.walk.settings.horizon}",
                    *(f"{value:.1%}" for value in shown),
                    chosen,
                    f"{figures[chosen]['es95_p']:.3f}",
                ]
            )
        names = ("", "static", "expanding", "ewma", "best adaptive", "which", "p against static")
        show_table("Part of the 95 % expected shortfall taken out, out of sample", names, lines)
    for reason in left_out:
        click.echo(f"  Left out: {reason}")


def show_comparison(comparison: Comparison) -> None:
    """Print how far both worlds agree."""
    errors = comparison.max_relative_error.items()
    show_table(
        f"Model against contracts: {comparison.paths} paths of {comparison.steps} steps",
        ("state variable", "largest relative error"),
        [[name, f"{error:.1e}" if error else "0"] for name, error in errors],
    )
    for flip in comparison.flips[:10]:
        where = f"path {flip.path}, step {flip.decision.step}"
        what = f"{flip.decision.agent}, {flip.decision.action}"
        click.echo(f"  {where}: {what}: model {flip.model}, contracts {flip.chain}")
    seen = ", ".join(f"{name} {count:,}" for name, count in comparison.statuses.items())
    click.echo(f"  Statuses seen: {seen}")
    tried, refused = comparison.tried
    click.echo(f"  Calls nobody had a reason to make: {tried:,} tried, {refused:,} refused")
    click.echo(f"  Times the pool's price left the vault's range: {comparison.exits_from_range}")
    click.echo(f"  Decision flips: {len(comparison.flips)}")
    if (beside := comparison.compiled) is not None:
        click.echo(
            f"  Compiled, as runs are, against plain Python: {beside.worst:.1e} at the end, in "
            f"state and books; actions differ on {beside.differing} paths"
        )
        if beside.first:
            click.echo(f"  {beside.first}")
    verdict = "the worlds agree"
    if not comparison.worlds_agree:
        verdict = "the worlds DIFFER"
    elif not comparison.agrees:
        verdict = "the worlds agree, the compiled loop DIFFERS"
    click.echo(f"  Largest relative error: {comparison.worst:.1e}, {verdict}")


def show_trials(trials: Sequence[Trial]) -> None:
    """Print how far both worlds agree on scenarios, random or built in."""
    show_table(
        f"Model against contracts on {len(trials)} scenarios",
        ("scenario", "margin", "largest relative error", "in", "flips", "actions"),
        [
            [
                trial.config.name,
                trial.config.clearing.margin,
                f"{trial.comparison.worst:.1e}",
                trial.comparison.worst_variable,
                str(len(trial.comparison.flips)),
                f"{sum(trial.comparison.statuses.values()):,}",
            ]
            for trial in trials
        ],
    )
    differing = [trial.config.name for trial in trials if not trial.comparison.agrees]
    for name in differing:
        file = f"out/{name}.yaml" if name.startswith("random-") else name
        click.echo(f"  {name} differs: hedgesim verify {file} --paths 1")
    click.echo("  The worlds DIFFER" if differing else "  The worlds agree on all of them")


def show_benchmark(rows: Sequence[Row]) -> None:
    """Print what was measured."""
    show_table(
        "",
        ("figure", "value", "unit", "target"),
        [[row.meaning, f"{row.value:,.4g}", row.unit, row.target or "–"] for row in rows],
    )
