"""``schema``, ``metrics`` and ``init``: what can be set, what is measured, and how to begin."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.group import hedgesim, print_json
from simulator.types import InputError


@hedgesim.command()
@click.argument("section", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON Schema of the whole file.")
def schema(section: str | None, as_json: bool) -> int:
    """Print what can be set: name, default, unit, range, meaning.

    SECTION is a path such as vault, clearing.markets, shocks.crash or agents.keeper.
    """
    from simulator.config import json_schema
    from simulator.config.reference import tables
    from simulator.terminal import show_schema

    if as_json:
        if section is not None:
            raise InputError(f"schema = {section}: not allowed together with --json")
        print_json(json_schema())
    else:
        show_schema(tables(section))
    return 0


@hedgesim.command()
@click.option("--frame", help="Columns of a frame instead: paths, series, events, fan, …")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def metrics(frame: str | None, as_json: bool) -> int:
    """List every metric, its unit and meaning, and how a requirement names it."""
    from dataclasses import asdict

    from simulator.results import columns
    from simulator.terminal import show_columns, show_metrics

    if frame is not None and frame not in columns.FRAMES:
        raise InputError(f"frame = {frame}: must be one of {', '.join(columns.FRAMES)}")
    found = columns.metrics() if frame is None else columns.FRAMES[frame]
    if as_json:
        print_json([asdict(one) for one in found])
    elif frame is None:
        show_metrics(columns.metrics())
    else:
        show_columns(frame, columns.FRAMES[frame])
    return 0


@hedgesim.command()
@click.argument("file", type=click.Path(dir_okay=False), default="vault.yaml")
@click.option("--lp", default="ETH", show_default=True, metavar="ASSET", help="LP asset.")
@click.option(
    "--hedge", default="BTC", show_default=True, metavar="ASSET,…", help="Perps sold against it."
)
@click.option("--deposit", type=float, default=2e6, show_default=True, help="First deposit, USDC.")
def init(file: str, lp: str, hedge: str, deposit: float) -> int:
    """Write a commented YAML to start from, which runs as it is; an existing FILE is kept."""
    from simulator.config.starter import starter
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    if Path(file).exists():
        raise InputError(f"file = {file}: is there already; allowed: a new file")
    text = starter(lp, [asset.strip() for asset in hedge.split(",")], deposit)
    claim_file(Path(file), generated=False)
    write_text(Path(file), text)
    click.echo(f"Written: {file}. Try: hedgesim run {file} --paths 100")
    return 0
