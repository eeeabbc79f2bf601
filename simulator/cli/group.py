"""The command's group, and what its commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simulator import __version__
from simulator.cli import status
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; exits with a status of :mod:`simulator.cli.status`."""
    try:
        ended = hedgesim.main(arguments, "hedgesim", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # each has its status and its line
        ended = status.report(error)
    sys.exit(ended)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hedgesim")
def hedgesim() -> None:
    """Simulate an automated on-chain hedging vault before anyone deposits."""


def configured(command: Command) -> Command:
    """The argument and options that say what is simulated."""
    return click.argument("scenario", metavar="NAME|FILE")(options(command))


def options(command: Command) -> Command:
    """Options of every command that runs a scenario."""
    for option in reversed(
        (
            click.option("--paths", type=int, help="Number of market paths."),
            click.option("--seed", type=int, help="Root of all randomness."),
            click.option(
                "--set",
                "overrides",
                metavar="KEY=VALUE",
                multiple=True,
                help="Override a field, e.g. vault.hedge_band=0.05. Repeatable. With run, "
                "alternatives separated by | are compared on the same paths.",
            ),
            click.option(
                "--prices",
                metavar="FILE",
                help="Replay recorded prices (Parquet or CSV: timestamp_utc, symbol, close).",
            ),
            click.option("--lp", metavar="SYMBOL", help="Symbol in the file for the LP asset."),
            click.option(
                "--hedge",
                metavar="SYMBOL,…",
                help="Symbols in the file for the perp markets, in order.",
            ),
            click.option(
                "--window", metavar="START:END", help="Dates replayed, e.g. 2022-10-15:2022-11-30."
            ),
        )
    ):
        command = option(command)
    return command


def forcible(command: Command) -> Command:
    """``--force``, of every command that writes files."""
    return click.option(
        "--force", is_flag=True, help="Write over files that hedgesim did not write there."
    )(command)


def load_scenario(
    scenario: str,
    seed: int | None,
    overrides: Sequence[str],
    prices: str | None,
    lp: str | None,
    hedge: str | None,
    window: str | None,
    *,
    paths: int | None = None,
) -> Config:
    """The configuration that the shared options describe."""
    from simulator.config import load

    given = [
        f"{name}={value}" for name, value in (("seed", seed), ("paths", paths)) if value is not None
    ]
    config = load(scenario, [*overrides, *given])
    if prices is None:
        for name, value in (("lp", lp), ("hedge", hedge), ("window", window)):
            if value is not None:
                raise InputError(f"{name} = {value}: only allowed together with --prices FILE")
        return config
    if lp is None or hedge is None:
        raise InputError(f"prices = {prices}: needs --lp SYMBOL and --hedge SYMBOL,… from the file")
    from simulator.market.history import with_history

    return with_history(config, prices, lp, [symbol.strip() for symbol in hedge.split(",")], window)


def print_json(value: object) -> None:
    """Print ``value`` as indented JSON."""
    import json

    click.echo(json.dumps(value, indent=2))
