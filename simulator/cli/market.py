"""``paths draw`` and ``paths fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.group import (
    configured,
    forcible,
    hedgesim,
    load_scenario,
    reading_options,
    say,
)


@hedgesim.group()
def paths() -> None:
    """Draw market paths, or fit a process that draws them to recorded prices."""


@paths.command("draw")
@configured
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="paths.parquet",
    show_default=True,
    help="File.",
)
@click.option(
    "--picture", type=click.Path(dir_okay=False), help="PNG file [default: beside --out]."
)
@forcible
def draw_paths(
    scenario: str, paths: int | None, out: str, picture: str | None, force: bool, **which: Any
) -> int:
    """Draw the market paths of a scenario: Parquet, and a picture of what they are like."""
    from simulator.calibration import draw_and_show
    from simulator.results.directory import claim_file

    config = load_scenario(scenario, paths=paths, **which)
    picture = picture or str(Path(out).with_suffix(".png"))
    for file in (out, picture):
        claim_file(Path(file), force=force)
    draw_and_show(config, out, picture)
    click.echo(f"Picture: {picture}")
    click.echo(f"Paths: {out}")
    return 0


@paths.command("fit")
@click.argument("file")
@click.option(
    "--process",
    "kind",
    required=True,
    help="t, dcc, egarch, regime, bootstrap or factor: what is fitted.",
)
@click.option(
    "--symbols", required=True, metavar="ASSET=SYMBOL,…", help="Symbols in the file, by asset."
)
@click.option("--window", metavar="START:END", help="Dates fitted to [default: all].")
@click.option("--regimes", type=int, help="Number of regimes [default: 2].")
@click.option("--into", metavar="NAME|FILE", help="Scenario to write whole, with the process in.")
@click.option("--out", type=click.Path(dir_okay=False), help="YAML file [default: printed].")
@reading_options
@forcible
def fit_paths(
    file: str,
    kind: str,
    symbols: str,
    window: str | None,
    regimes: int | None,
    into: str | None,
    out: str | None,
    force: bool,
    **how: Any,
) -> int:
    """Fit a market process to recorded prices and write the YAML a scenario takes.

    FILE is any usual file of prices; several with commas, a folder or a pattern.
    """
    from simulator import calibration
    from simulator.market.history_file import Reading
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    if out is not None:
        claim_file(Path(out), force=force, mark=None)
    fitted = calibration.calibrate(
        file,
        kind,
        calibration.parse_symbols(symbols),
        calibration.parse_window(window),
        regimes=regimes,
        reading=Reading(**how),
    )
    say(fitted.panel.notes)
    text = calibration.written(fitted, into)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(Path(out), text)
        click.echo(f"Process: {out}")
    return 0


@paths.command("depth")
@click.argument("file")
@click.option("--asset", required=True, help="Asset of the scenario that the quotes sell.")
@click.option("--pair", metavar="SRC/DST", help="As the file writes them, if it holds several.")
@click.option("--decimals", type=click.IntRange(0, 24), help="Of SRC, with --pair.")
@click.option("--usd", type=float, help="Price of DST in USD, with --pair.")
def fit_depth(
    file: str, asset: str, pair: str | None, decimals: int | None, usd: float | None
) -> int:
    """Fit price impact to quotes by size and print what `impact` takes.

    FILE has columns volume_usd and price (got for a unit), or src, dst, in_amount, price and
    price_impact.
    """
    from simulator import calibration

    click.echo(calibration.depth(file, asset, pair, decimals, usd), nl=False)
    return 0
