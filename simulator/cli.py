"""The ``hedgesim`` command: a thin layer over :func:`simulator.run` and its neighbours.

Everything heavy is imported inside the command that needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simulator import __version__
from simulator.types import InputError, SimulatorError

if TYPE_CHECKING:
    from simulator.config import Config

INPUT_ERROR, INTERRUPTED, SOFTWARE_ERROR = 2, 130, 70
_Command = TypeVar("_Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; exits with 0, 1 (a requirement fails), 2 (bad input) or 130 (interrupted)."""
    try:
        status = hedgesim.main(arguments, "hedgesim", standalone_mode=False)
    except InputError as error:
        click.echo(f"hedgesim: {error}", err=True)
        status = INPUT_ERROR
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("hedgesim: interrupted; the same command goes on from here", err=True)
        status = INTERRUPTED
    except SimulatorError as error:
        click.echo(f"hedgesim: {type(error).__name__}: {error}", err=True)
        status = SOFTWARE_ERROR
    except BrokenPipeError:  # the reader of a pipe left; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hedgesim")
def hedgesim() -> None:
    """Simulate an automated on-chain hedging vault before anyone deposits."""


def _configured(command: _Command) -> _Command:
    """The argument and options that say what is simulated."""
    return click.argument("scenario", metavar="NAME|FILE")(_options(command))


def _options(command: _Command) -> _Command:
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


def _load(
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


@hedgesim.command()
@_configured
@click.option("--world", default="model", show_default=True, help="model, or chain: the contracts.")
@click.option("--out", type=click.Path(file_okay=False), help="Directory [default: out/NAME].")
@click.option(
    "--require",
    "requirements",
    metavar="EXPR",
    multiple=True,
    help='Exit 1 unless it holds, e.g. "liquidation_probability <= 0.01". Repeatable.',
)
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@click.option("--record", type=int, help="Paths whose full series are kept [default: 100].")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def run(
    scenario: str,
    paths: int | None,
    world: str,
    out: str | None,
    requirements: tuple[str, ...],
    workers: int,
    record: int | None,
    as_json: bool,
    **which: Any,
) -> int:
    """Simulate a scenario and write its report.

    An interrupted run goes on where it was when the same command is given again.
    """
    import simulator
    from simulator.comparison import expand
    from simulator.terminal import ProgressBar, show_result

    alternatives = expand(which.pop("overrides"))
    if len(alternatives) > 1:
        configs = {
            name: _load(scenario, paths=paths, overrides=overrides, **which)
            for name, overrides in alternatives.items()
        }
        return _compare(configs, world, out, requirements, workers, record, as_json)
    which["overrides"] = next(iter(alternatives.values()))
    config = _load(scenario, paths=paths, **which)
    directory = Path(out or f"out/{config.name}")
    with ProgressBar(f"{config.name}, {config.paths:,} paths", "path-steps") as bar:
        result = simulator.run(
            config,
            world=world,
            out=directory,
            workers=workers,
            progress=bar.update,
            requirements=requirements,
            record=record,
        )
    if as_json:
        click.echo((directory / "summary.json").read_text(encoding="utf-8"), nl=False)
    else:
        show_result(result)
        click.echo(f"Report: {directory / 'report.html'}")
    return 0 if result.passed else 1


def _compare(
    configs: dict[str, Config],
    world: str,
    out: str | None,
    requirements: tuple[str, ...],
    workers: int,
    record: int | None,
    as_json: bool,
) -> int:
    """``run`` with alternatives: each has a report of its own below that of the comparison."""
    from simulator.comparison import compare
    from simulator.terminal import ProgressBar, show_side_by_side

    first = next(iter(configs.values()))
    directory = Path(out or f"out/{first.name}-compared")
    title = f"{first.name}, {len(configs)} alternatives of {first.paths:,} paths"
    with ProgressBar(title, "path-steps") as bar:
        together = compare(
            configs,
            world=world,
            out=directory,
            workers=workers,
            progress=bar.update,
            requirements=requirements,
            record=record,
        )
    if as_json:
        _print_json(together.summary)
    else:
        show_side_by_side(together.summary)
        click.echo(f"Report: {directory / 'report.html'}")
    return 0 if together.passed else 1


@hedgesim.command()
def scenarios() -> int:
    """List the built-in scenarios."""
    from simulator.config import scenarios as built_in

    found = built_in()
    width = max(map(len, found))
    for name, description in found.items():
        click.echo(f"{name:{width}}  {description}")
    return 0


@hedgesim.command()
def schema() -> int:
    """Print the JSON Schema of a configuration."""
    from simulator.config import json_schema

    _print_json(json_schema())
    return 0


@hedgesim.command()
@click.argument("scenario", metavar="NAME|FILE", required=False)
@_options
@click.option("--steps", type=int, help="Steps compared [default: all].")
@click.option(
    "--random", "count", type=int, metavar="N", help="N random scenarios instead of a named one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def verify(
    scenario: str | None,
    paths: int | None,
    steps: int | None,
    count: int | None,
    as_json: bool,
    **which: Any,
) -> int:
    """Run both worlds on the same market paths and compare them.

    Exits 0 when every state variable agrees to 1e-9 and no decision differs, else 1.
    """
    if count is not None:
        return _verify_random(scenario, count, paths or 1, steps, as_json, **which)
    if scenario is None:
        raise InputError("NAME|FILE = (none): name a scenario, or give --random N")
    from simulator import verify as comparing
    from simulator.terminal import ProgressBar, show_comparison

    config = _load(scenario, **which)
    paths, done = (20 if paths is None else paths), 0
    with ProgressBar(f"{config.name}, {paths} paths in both worlds", "paths") as bar:

        def progress(more: int) -> None:
            nonlocal done
            done += more
            bar.update(done, paths)

        comparison = comparing.verify(config, paths, steps, progress=progress)
    if as_json:
        _print_json(comparison.to_json())
    else:
        show_comparison(comparison)
    return 0 if comparison.agrees else 1


def _verify_random(
    scenario: str | None,
    count: int,
    paths: int,
    steps: int | None,
    as_json: bool,
    *,
    seed: int | None,
    **which: Any,
) -> int:
    """``verify --random``: what differs is written to ``out/`` as a scenario of its own."""
    from simulator.config import to_yaml
    from simulator.fuzz import verify_random
    from simulator.results.store import write_text
    from simulator.terminal import ProgressBar, show_trials

    for name, value in ({"NAME|FILE": scenario} | which).items():
        if value:
            raise InputError(f"{name} = {value}: not allowed together with --random")
    done, seed = 0, (1 if seed is None else seed)
    with ProgressBar(f"{count} random scenarios in both worlds", "scenarios") as bar:

        def progress(_: object) -> None:
            nonlocal done
            done += 1
            bar.update(done, count)

        trials = verify_random(seed, count, paths, steps, progress=progress)
    differing = [trial for trial in trials if not trial.comparison.agrees]
    for trial in differing:
        Path("out").mkdir(exist_ok=True)
        write_text(Path("out") / f"{trial.config.name}.yaml", to_yaml(trial.config))
    if as_json:
        _print_json({trial.config.name: trial.comparison.to_json() for trial in trials})
    else:
        show_trials(trials)
    return 1 if differing else 0


@hedgesim.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(as_json: bool) -> int:
    """Time the model and the chain world, and measure memory."""
    from simulator.bench import bench as measure
    from simulator.terminal import show_benchmark

    rows = measure(lambda what: click.echo(f"measuring {what} …", err=True))
    if as_json:
        _print_json({row.name: row.value for row in rows})
    else:
        show_benchmark(rows)
    return 0


@hedgesim.group()
def paths() -> None:
    """Draw market paths, or fit a process that draws them to recorded prices."""


@paths.command("draw")
@_configured
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
def draw_paths(
    scenario: str, paths: int | None, out: str, picture: str | None, **which: Any
) -> int:
    """Draw the market paths of a scenario: Parquet, and a picture of what they are like."""
    from simulator.calibration import draw_and_show

    config = _load(scenario, paths=paths, **which)
    picture = picture or str(Path(out).with_suffix(".png"))
    draw_and_show(config, out, picture)
    click.echo(f"Picture: {picture}")
    click.echo(f"Paths: {out}")
    return 0


@paths.command("fit")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--process", "kind", required=True, help="t, dcc, regime, bootstrap or factor: what is fitted."
)
@click.option(
    "--symbols", required=True, metavar="ASSET=SYMBOL,…", help="Symbols in the file, by asset."
)
@click.option("--window", metavar="START:END", help="Dates fitted to [default: all].")
@click.option("--regimes", type=int, help="Number of regimes [default: 2].")
@click.option("--into", metavar="NAME|FILE", help="Scenario to write whole, with the process in.")
@click.option("--out", type=click.Path(dir_okay=False), help="YAML file [default: printed].")
def fit_paths(
    file: str,
    kind: str,
    symbols: str,
    window: str | None,
    regimes: int | None,
    into: str | None,
    out: str | None,
) -> int:
    """Fit a market process to recorded prices and write the YAML a scenario takes.

    FILE is Parquet or CSV with timestamp_utc, symbol and close.
    """
    from simulator import calibration
    from simulator.results.store import write_text

    fitted = calibration.calibrate(
        file,
        kind,
        calibration.parse_symbols(symbols),
        calibration.parse_window(window),
        regimes=regimes,
    )
    text = calibration.written(fitted, into)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(Path(out), text)
        click.echo(f"Process: {out}")
    return 0


@hedgesim.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--target", metavar="SYMBOL", help="Coin that is held.")
@click.option(
    "--hedges",
    metavar="SYMBOL,…",
    default="BTCUSDT,ETHUSDT",
    show_default=True,
    help="Coins that are sold against it.",
)
@click.option("--horizon", metavar="1h|1d", help="Interval between rebalances [default: both].")
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
) -> int:
    """Study hedges on recorded prices, walk-forward: every estimator against the static beta.

    FILE is Parquet or CSV with timestamp_utc, symbol and close.
    """
    from simulator.study import ROWS_PER_DAY, Settings, pair, pairs, study_all
    from simulator.study_files import write, write_table
    from simulator.terminal import ProgressBar, show_studies

    if (target is None) != everything:
        raise InputError("target: name one with --target SYMBOL, or give --all, not both")
    symbols = tuple(symbol.strip() for symbol in hedges.split(","))
    horizons = ROWS_PER_DAY if horizon is None else (horizon,)
    settings = [Settings(each, fee / 1e4, funding / 100.0) for each in horizons]
    targets = pairs(file, symbols) if target is None else pair(file, target, symbols)
    with ProgressBar(f"{len(targets)} targets", "studies") as bar:
        studies, left_out = study_all(file, targets, settings, workers=workers, progress=bar.update)
    show_studies(studies, left_out)
    directory = Path(out or "out/hedge")
    pages = write(studies, directory)
    if table is not None:
        write_table(Path(table), file, studies, left_out)
        click.echo(f"Table: {table}")
    click.echo(f"Report: {pages[0] if len(pages) == 1 else directory}")
    return 0


@hedgesim.command()
@click.argument("directory", type=click.Path(file_okay=False))
def report(directory: str) -> int:
    """Write the report of a finished run again."""
    from simulator.result import Result
    from simulator.results.store import write_text

    path = Path(directory) / "report.html"
    write_text(path, Result.load(directory).report_html())
    click.echo(f"Report: {path}")
    return 0


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2))
