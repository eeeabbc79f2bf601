"""``schema``, ``metrics`` and ``init``: what can be set, what is measured, and how to begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.group import hedgesim, print_json
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.reference import Table
    from simulator.results.columns import Column, Gated


@hedgesim.command()
@click.argument("section", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON Schema of the whole file.")
def schema(section: str | None, as_json: bool) -> int:
    """Print what can be set: name, default, unit, range, meaning.

    SECTION is a path such as vault, clearing.markets, shocks.crash or agents.keeper.
    """
    from simulator.config import json_schema
    from simulator.config.reference import tables

    if as_json:
        if section is not None:
            raise InputError(f"schema = {section}: not allowed together with --json")
        print_json(json_schema())
    else:
        _show_schema(tables(section))
    return 0


@hedgesim.command()
@click.option("--frame", help="Columns of a frame instead: paths, series, events, fan, …")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def metrics(frame: str | None, as_json: bool) -> int:
    """List every metric, its unit and meaning, and how a requirement names it."""
    from dataclasses import asdict

    from simulator.results import columns

    if frame is not None and frame not in columns.FRAMES:
        raise InputError(f"frame = {frame}: must be one of {', '.join(columns.FRAMES)}")
    found = columns.metrics() if frame is None else columns.FRAMES[frame]
    if as_json:
        print_json([asdict(one) for one in found])
    elif frame is None:
        _show_metrics(columns.metrics())
    else:
        _show_columns(frame, columns.FRAMES[frame])
    return 0


@hedgesim.command()
@click.argument("file", type=click.Path(dir_okay=False), default="vault.yaml")
@click.option("--lp", default="ETH", show_default=True, metavar="ASSET", help="LP asset.")
@click.option(
    "--hedge", default="BTC", show_default=True, metavar="ASSET,…", help="Perps sold against it."
)
@click.option("--deposit", type=float, default=2e6, show_default=True, help="First deposit, USDC.")
@click.option(
    "--fee", type=float, default=0.3, show_default=True, help="Fee tier of the pool, per cent."
)
@click.option(
    "--range",
    "half_width",
    type=float,
    default=20.0,
    show_default=True,
    help="How far above its centre the range ends, per cent.",
)
def init(file: str, lp: str, hedge: str, deposit: float, fee: float, half_width: float) -> int:
    """Write a commented YAML to start from, which runs as it is; an existing FILE is kept."""
    from simulator.config.starter import starter
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    if Path(file).exists():
        raise InputError(f"file = {file}: is there already; allowed: a new file")
    text = starter(
        lp,
        [asset.strip() for asset in hedge.split(",")],
        deposit,
        fee_percent=fee,
        half_width_percent=half_width,
    )
    claim_file(Path(file), mark=None)
    write_text(Path(file), text)
    click.echo(f"Written: {file}. Try: hedgesim run {file} --paths 100")
    return 0


def _prose(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose last column is prose: it takes what room is left, and wraps."""
    from rich import box
    from rich import table as tables
    from rich.console import Console
    from rich.text import Text

    table = tables.Table(
        title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False
    )
    for name in columns:
        last = name == columns[-1]
        table.add_column(name, ratio=1 if last else None, no_wrap=not last)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _show_schema(tables: Sequence[Table]) -> None:
    """Print fields of a configuration by section, and the convention of their units."""
    from textwrap import fill

    from simulator.config.reference import CONVENTION

    columns = ("field", "default", "unit", "allowed")
    for table in tables:
        click.echo(click.style(f"{table.path}: {table.meaning}".strip(" :"), bold=True))
        rows = [columns, *((f.name, f.default, f.unit, f.allowed) for f in table.fields)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
        for row, meaning in zip(rows, ("", *(f.meaning for f in table.fields)), strict=True):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            click.echo(f"  {'  '.join(cells)}".rstrip())
            if meaning:
                click.echo(fill(meaning, 78, initial_indent=" " * 6, subsequent_indent=" " * 6))
        click.echo("")
    click.echo(fill(CONVENTION, 80))
    click.echo("hedgesim schema SECTION: for example clearing.markets; --json: the JSON Schema")


def _show_metrics(metrics: Sequence[Gated]) -> None:
    """Print what a requirement may name, and how."""
    _prose("", ("metric", "unit", "meaning"), [(m.name, m.unit, m.meaning) for m in metrics])
    groups: dict[tuple[str, ...], list[str]] = {}
    for metric in metrics:
        groups.setdefault(metric.statistics, []).append(metric.name)
    click.echo("In a requirement (hedgesim run NAME --require 'metric.statistic <= number'):")
    for statistics, names in groups.items():
        which = ", ".join(names) if len(names) <= 3 else "the others"
        click.echo(f"  {which}: {', '.join(statistics)}; left out: {statistics[0]}")
    click.echo("<market>: symbol of a perp market; <status>: a refusal, as in events.parquet")
    click.echo("<party>: who can be forced to sell: vault, an agent's name, ASSET_long, _short, …")
    click.echo("<agent>_<name> too: what an agent of your own counts by `metrics` of its class")


def _show_columns(frame: str, columns: Sequence[Column]) -> None:
    """Print the columns of a frame."""
    rows = [(column.name, column.unit, column.meaning) for column in columns]
    _prose(f"{frame}.parquet", ("column", "unit", "meaning"), rows)
