"""``run``, ``report``, ``scenarios``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.aside import emit, json_alone
from simulator.cli.group import (
    ALL,
    configured,
    forcible,
    hedgesim,
    load_scenario,
    print_json,
    trusted,
    with_agents,
)
from simulator.cli.status import telling_notices
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config import Config


@hedgesim.command()
@configured
@click.option("--world", default="model", show_default=True, help="model, or chain: the contracts.")
@click.option("--out", type=click.Path(file_okay=False), help="Directory [default: out/NAME].")
@click.option(
    "--require",
    "requirements",
    metavar="EXPR",
    multiple=True,
    help='Exit 1 unless it holds, e.g. "liquidation_probability <= 0.01". Repeatable.',
)
@click.option(
    "--allow",
    metavar="NAME",
    multiple=True,
    help="Let requirements hold though the vault did nothing: a finding of the diagnosis, or idle "
    "for all of these; wicks: let those of returns hold with --bars ohlc. Repeatable.",
)
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@click.option(
    "--record",
    type=int,
    help="Paths whose full series are kept [default: as many as make 10,800 steps, at most 100].",
)
@click.option(
    "--plain",
    is_flag=True,
    help="Run agents as plain Python, to debug them: print and breakpoint() work. The same "
    "figures, in one process and some hundred times slower: take few --paths.",
)
@click.option(
    "--feedback",
    is_flag=True,
    help="Run the same paths again in a market that liquidations do not move: how often as much is "
    "lost because they do.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@with_agents
@forcible
@json_alone
def run(
    scenario: str,
    paths: int | None,
    files: tuple[str, ...],
    trust: bool,
    world: str,
    out: str | None,
    requirements: tuple[str, ...],
    allow: tuple[str, ...],
    workers: int,
    record: int | None,
    plain: bool,
    feedback: bool,
    as_json: bool,
    force: bool,
    **which: Any,
) -> int:
    """Simulate a scenario and write its report; `all`: every built-in one, and the stress matrix.

    An interrupted run goes on where it was when the same command is given again.
    """
    import simulator
    from simulator.comparison import expand, settings
    from simulator.terminal import (
        ProgressBar,
        announce_compilation,
        show_misfits,
        show_result,
    )

    if scenario == ALL:
        if files or plain or trust or feedback:
            raise InputError("scenario = all: built-in scenarios alone; allowed: one of yours")
        given = {"requirements": requirements, "allow": allow, "record": record, "force": force}
        return _stress(paths, out, as_json, which, world=world, workers=workers, **given)
    may_run, overrides = trusted(files, which.pop("overrides"), trust=trust)
    alternatives = expand(overrides)
    if len(alternatives) > 1:
        if plain or feedback:
            why = "agents are debugged in one run" if plain else "it is of one run"
            name = "plain" if plain else "feedback"
            raise InputError(f"{name} = True: {why}; allowed: no alternatives")
        configs = {
            name: load_scenario(scenario, paths=paths, overrides=chosen, **which)
            for name, chosen in alternatives.items()
        }
        told = settings(overrides)
        return _compare(
            configs,
            told,
            out,
            as_json,
            world=world,
            workers=workers,
            requirements=requirements,
            allow=allow,
            record=record,
            force=force,
            trust=may_run,
        )
    which["overrides"] = next(iter(alternatives.values()))
    config = load_scenario(scenario, paths=paths, **which)
    show_misfits({"": config})
    directory = Path(out or f"out/{config.name}")
    announce_compilation(chain=world == "chain")
    title = f"{config.name}, {config.paths:,} paths"
    with telling_notices(), ProgressBar(title, "path-steps") as bar:
        result = simulator.run(
            config,
            world=world,
            out=directory,
            workers=workers,
            progress=None if plain else bar.update,
            requirements=requirements,
            allow=allow,
            record=record,
            force=force,
            trust=may_run,
            plain=plain,
            feedback=feedback,
        )
    if as_json:
        emit((directory / "summary.json").read_text(encoding="utf-8").removesuffix("\n"))
    else:
        show_result(result)
        click.echo(f"Report: {directory / 'report.html'}")
    return 0 if result.passed else 1


def _compare(
    configs: dict[str, Config],
    told: dict[str, dict[str, str]],
    out: str | None,
    as_json: bool,
    *,
    world: str,
    **how: Any,
) -> int:
    """``run`` with alternatives: each has a report of its own below that of the comparison.

    ``how``: other arguments of :func:`simulator.compare`.
    """
    from simulator.comparison import compare
    from simulator.terminal import (
        ProgressBar,
        announce_compilation,
        show_misfits,
        show_side_by_side,
    )

    first = next(iter(configs.values()))
    show_misfits(configs)
    directory = Path(out or f"out/{first.name}-compared")
    announce_compilation(chain=world == "chain")
    title = f"{first.name}, {len(configs)} alternatives of {first.paths:,} paths"
    with telling_notices(), ProgressBar(title, "path-steps") as bar:
        together = compare(
            configs,
            settings=told,
            world=world,
            out=directory,
            progress=bar.update,
            **how,
        )
    if as_json:
        print_json(together.summary)
    else:
        show_side_by_side(together.summary)
        click.echo(f"Report: {directory / 'report.html'}")
    return 0 if together.passed else 1


def _stress(
    paths: int | None, out: str | None, as_json: bool, which: dict[str, Any], **how: Any
) -> int:
    """``run all``; ``how``: other arguments of :func:`simulator.stress.stress`."""
    from simulator.config import scenarios as built_in
    from simulator.stress import stress
    from simulator.terminal import (
        ProgressBar,
        announce_compilation,
        show_misfits,
        show_stress,
    )

    configs = {name: load_scenario(name, paths=paths, **which) for name in built_in()}
    show_misfits(configs)
    directory = Path(out or f"out/{ALL}")
    announce_compilation(chain=how["world"] == "chain")
    title = f"{len(configs)} scenarios"
    with telling_notices(), ProgressBar(title, "path-steps") as bar:
        matrix = stress(configs, out=directory, progress=bar.update, **how)
    if as_json:
        print_json(matrix.summary)
    else:
        show_stress(matrix.summary)
        click.echo(f"Report: {directory / 'report.html'}")
    return 0 if matrix.passed else 1


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
@click.argument("directory", type=click.Path(file_okay=False))
@forcible
def report(directory: str, force: bool) -> int:
    """Write the report of a finished run again."""
    from simulator.result import Result
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    path = Path(directory) / "report.html"
    result = Result.load(directory)
    claim_file(path, force=force)
    write_text(path, result.report_html())
    click.echo(f"Report: {path}")
    return 0
