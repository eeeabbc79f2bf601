"""``hedge``: the walk-forward study of hedges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.group import forcible, hedgesim, reading_options, say
from simulator.types import InputError


@hedgesim.command()
@click.argument("file")
@click.option("--target", metavar="SYMBOL", help="Coin that is held.")
@click.option(
    "--hedges",
    metavar="SYMBOL,…",
    default="BTCUSDT,ETHUSDT",
    show_default=True,
    help="Coins that are sold against it.",
)
@click.option(
    "--horizon", metavar="1h|4h|1d", help="Interval between rebalances [default: 1h and 1d]."
)
@click.option("--all", "everything", is_flag=True, help="Every coin of the file in turn.")
@click.option("--fee", type=float, default=5.0, show_default=True, help="Taker fee, basis points.")
@click.option(
    "--funding",
    type=float,
    default=10.95,
    show_default=True,
    help="Per cent a year that longs pay shorts.",
)
@click.option("--out", type=click.Path(file_okay=False), help="Directory [default: out/hedge].")
@click.option("--table", type=click.Path(dir_okay=False), help="Markdown file for what was found.")
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@reading_options
@forcible
def hedge(
    file: str,
    target: str | None,
    hedges: str,
    horizon: str | None,
    everything: bool,
    fee: float,
    funding: float,
    out: str | None,
    table: str | None,
    workers: int,
    force: bool,
    **how: Any,
) -> int:
    """Study hedges on recorded prices, walk-forward: every estimator against the static beta.

    FILE is any usual file of prices; several with commas, a folder or a pattern.
    """
    from simulator.market.history_file import Reading
    from simulator.results.directory import TABLE, claim_file, claimed, foreign_to_study
    from simulator.study import Settings, pair, pairs, said, study_all, usual_horizons
    from simulator.study.files import write, write_table
    from simulator.terminal import ProgressBar, show_studies

    if (target is None) != everything:
        raise InputError("target: name one with --target SYMBOL, or give --all, not both")
    symbols = tuple(symbol.strip() for symbol in hedges.split(","))
    reading = Reading(**how)
    if target is None:
        targets = pairs(file, symbols, reading)
    else:
        targets = pair(file, target, symbols, reading)
    named = (targets[0][0], *targets[0][1])
    horizons = (horizon,) if horizon else usual_horizons(file, named, reading)
    settings = [Settings(each, fee / 1e4, funding / 100.0) for each in horizons]
    say(said(file, targets, reading))
    directory = Path(out or "out/hedge")
    with claimed(directory, foreign_to_study, force=force):
        if table is not None:
            claim_file(Path(table), force=force, mark=TABLE)
        with ProgressBar(f"{len(targets)} targets", "studies") as bar:
            studies, left_out = study_all(
                file, targets, settings, workers=workers, progress=bar.update, reading=reading
            )
        show_studies(studies, left_out)
        pages = write(studies, directory)
        if table is not None:
            write_table(Path(table), file, studies, left_out)
            click.echo(f"Table: {table}")
        click.echo(f"Report: {pages[0] if len(pages) == 1 else directory}")
    return 0
