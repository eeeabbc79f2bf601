"""The command's group, and what its commands share."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simulator import __version__
from simulator.cli import status
from simulator.cli.aside import emit
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config import Config

# Objects made before Python looks for cycles among the young, the grown, the old. What a small run
# makes are modules and types, which stay: looking among them as often as usual took a tenth of it.
_CYCLES = 50_000, 20, 20

Command = TypeVar("Command", bound=Callable[..., Any])

#: What stands for all built-in scenarios where one is named.
ALL = "all"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; exits with a status of :mod:`simulator.cli.status`."""
    gc.set_threshold(*_CYCLES)
    try:
        ended = hedgesim.main(arguments, "hedgesim", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # each has its status and its line
        ended = status.report(error)
    sys.exit(ended)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hedgesim")
def hedgesim() -> None:
    """Simulate an automated on-chain hedging vault before anyone deposits."""


_READING = (
    click.option(
        "--stamps", metavar="open|close", help="What bars' time stamps are [default: as usual]."
    ),
    click.option(
        "--outliers",
        metavar="keep|cut|drop",
        default="keep",
        show_default=True,
        help="What is done to a price far off the bars around.",
    ),
    click.option(
        "--pool", metavar="T0:DEC/T1:DEC", help="Tokens of a file of ticks, e.g. USDC:6/WETH:18."
    ),
)


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
                help="Replay recorded prices: a file, several with commas, a folder.",
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
            click.option(
                "--usdc", metavar="SYMBOL", help="Symbol in the file for USDC's own price."
            ),
            click.option(
                "--bars",
                metavar="close|ohlc",
                help="What of a bar is replayed: its close, or open, extremes and close in turn "
                "[default: close].",
            ),
            click.option(
                "--keep-shocks",
                is_flag=True,
                help="Let the scenario's shocks act on the recorded prices.",
            ),
            *_READING,
        )
    ):
        command = option(command)
    return command


def reading_options(command: Command) -> Command:
    """Options of every command that reads files of prices."""
    for option in reversed(_READING):
        command = option(command)
    return command


def with_agents(command: Command) -> Command:
    """``--agent`` and ``--trust``, of commands in which a user's agents may act."""
    command = click.option(
        "--trust",
        is_flag=True,
        help="Run the Python files that the scenario names (agents.custom). Without it a scenario "
        "that names any is refused: such a file can do whatever you can.",
    )(command)
    return click.option(
        "--agent",
        "files",
        metavar="FILE[:NAME]",
        multiple=True,
        help="Add an agent written in a Python file, which is run; NAME: which of its classes. Its "
        "parameters: --set agents.custom.<name>.parameters.<parameter>=VALUE. Repeatable.",
    )(command)


def trusted(
    files: Sequence[str], overrides: Sequence[str], *, trust: bool
) -> tuple[Any, list[str]]:
    """Which files of code may run, and the overrides that add the agents of ``--agent``."""
    if not files:
        return trust, list(overrides)
    from simulator.agents.custom import as_override

    found = [as_override(written) for written in files]
    names = [text.partition("=")[0] for text, _ in found]
    for written, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            raise InputError(f"--agent = {written}: {name} twice; allowed: agents of other names")
    return trust or [file for _, file in found], [*(text for text, _ in found), *overrides]


def say(lines: Sequence[str]) -> None:
    """Print lines about the input where they do not mix with what is asked for, each once."""
    context = click.get_current_context(silent=True)
    before = set() if context is None else context.meta.setdefault("simulator.said", set())
    for line in lines:
        if line not in before:
            before.add(line)
            click.echo(status.printable(line), err=True)


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
    usdc: str | None,
    bars: str | None,
    stamps: str | None,
    outliers: str,
    pool: str | None,
    *,
    keep_shocks: bool,
    paths: int | None = None,
) -> Config:
    """The configuration that the shared options describe."""
    from simulator.config import load

    given = [
        f"{name}={value}" for name, value in (("seed", seed), ("paths", paths)) if value is not None
    ]
    if prices is None:
        given_alone: dict[str, object] = {
            "lp": lp,
            "hedge": hedge,
            "window": window,
            "usdc": usdc,
            "bars": bars,
        }
        given_alone |= {"stamps": stamps, "pool": pool, "keep-shocks": keep_shocks or None}
        given_alone["outliers"] = None if outliers == "keep" else outliers
        for name, value in given_alone.items():
            if value is not None:
                raise InputError(f"{name} = {value}: only allowed together with --prices FILE")
        config = load(scenario, [*overrides, *given])
    else:
        if lp is None or hedge is None:
            raise InputError(
                f"prices = {prices}: needs --lp SYMBOL and --hedge SYMBOL,… from the file"
            )
        from simulator.market.history import with_history
        from simulator.market.history_file import Reading

        config = with_history(
            load(scenario, given),
            prices,
            lp,
            [symbol.strip() for symbol in hedge.split(",")],
            window,
            usdc=usdc,
            bars=bars,
            keep_shocks=keep_shocks,
            reading=Reading(stamps, outliers, pool),
            overrides=overrides,
        )
    if config.files:
        from simulator.config.replays import notes
        from simulator.market.history import said

        say(list(dict.fromkeys([*notes(config), *said(config)])))
    return config


def print_json(value: object) -> None:
    """Print ``value`` as indented JSON."""
    import json

    emit(json.dumps(value, indent=2))
