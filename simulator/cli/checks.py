"""``verify`` and ``bench``: do the worlds agree, and how fast are they."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from simulator.cli.aside import json_alone
from simulator.cli.group import (
    ALL,
    hedgesim,
    load_scenario,
    options,
    print_json,
    trusted,
    with_agents,
)
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config import Config


@hedgesim.command()
@click.argument("scenario", metavar="NAME|FILE", required=False)
@options
@click.option("--steps", type=int, help="Steps compared [default: all].")
@click.option(
    "--random", "count", type=int, metavar="N", help="N random scenarios instead of a named one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@with_agents
@json_alone
def verify(
    scenario: str | None,
    paths: int | None,
    steps: int | None,
    count: int | None,
    as_json: bool,
    files: tuple[str, ...],
    trust: bool,
    **which: Any,
) -> int:
    """Run both worlds on the same market paths and compare them; `all`: every built-in scenario.

    Exits 0 when every state variable agrees to 1e-9 and no decision differs, else 1.
    """
    if count is not None:
        which |= {"agent": files, "trust": trust}
        paths = 1 if paths is None else paths
        return _verify_random(scenario, count, paths, steps, as_json, **which)
    if scenario == ALL:
        if files or trust:
            raise InputError("scenario = all: built-in scenarios alone; allowed: one of yours")
        return _verify_all(5 if paths is None else paths, steps, as_json, **which)
    may_run, which["overrides"] = trusted(files, which["overrides"], trust=trust)
    if scenario is None:
        raise InputError("NAME|FILE = (none): name a scenario, or give --random N")
    from simulator import verify as comparing
    from simulator.agents.custom import custom_agents
    from simulator.terminal import ProgressBar, announce_compilation, show_comparison

    config = load_scenario(scenario, **which)
    custom_agents(config, may_run)  # what is wrong with them is said before anything is compiled
    announce_compilation(chain=True)
    paths, done = (20 if paths is None else paths), 0
    with ProgressBar(f"{config.name}, {paths} paths in both worlds", "paths") as bar:

        def progress(more: int) -> None:
            nonlocal done
            done += more
            bar.update(done, paths)

        comparison = comparing.verify(config, paths, steps, progress=progress, trust=may_run)
    if as_json:
        print_json(comparison.to_json())
    else:
        show_comparison(comparison)
    return 0 if comparison.agrees else 1


def _verify_all(paths: int, steps: int | None, as_json: bool, **which: Any) -> int:
    """``verify all``; ``steps``: at most, of those a scenario has."""
    from simulator.config import scenarios
    from simulator.fuzz import Trial, verify_each
    from simulator.terminal import ProgressBar, announce_compilation, show_trials

    configs = [load_scenario(name, **which) for name in scenarios()]
    announce_compilation(chain=True)
    done = 0
    with ProgressBar(
        f"{len(configs)} scenarios, {paths} paths each in both worlds", "scenarios"
    ) as bar:

        def progress(_: Trial) -> None:
            nonlocal done
            done += 1
            bar.update(done, len(configs))

        trials = verify_each(configs, paths, steps, progress=progress)
    if as_json:
        print_json({trial.config.name: trial.comparison.to_json() for trial in trials})
    else:
        show_trials(trials)
    return 0 if all(trial.comparison.agrees for trial in trials) else 1


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
    from simulator.fuzz import verify_random
    from simulator.terminal import ProgressBar, announce_compilation, show_trials

    source = click.get_current_context().get_parameter_source
    for name, value in ({"NAME|FILE": scenario} | which).items():
        # What has a default has a value always.
        if value and source(name) is not ParameterSource.DEFAULT:
            raise InputError(f"{name} = {value}: not allowed together with --random")
    announce_compilation(chain=True)
    done, seed = 0, (1 if seed is None else seed)
    with ProgressBar(f"{count} random scenarios in both worlds", "scenarios") as bar:

        def progress(_: object) -> None:
            nonlocal done
            done += 1
            bar.update(done, count)

        trials = verify_random(seed, count, paths, steps, progress=progress)
    differing = [trial for trial in trials if not trial.comparison.agrees]
    for trial in differing:
        click.echo(f"Written: {_written(trial.config)}", err=True)
    if as_json:
        print_json({trial.config.name: trial.comparison.to_json() for trial in trials})
    else:
        show_trials(trials)
    return 1 if differing else 0


def _written(config: Config) -> Path:
    """A scenario as a file in ``out/``: a new one, or one that holds just this."""
    from simulator.config import to_yaml
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    text, number, file = to_yaml(config, "out"), 1, Path("out") / f"{config.name}.yaml"
    while file.exists() and file.read_text(encoding="utf-8") != text:
        number += 1
        file = file.with_name(f"{config.name}-{number}.yaml")
    if not file.exists():
        claim_file(file, mark=None)
        write_text(file, text)
    return file


@hedgesim.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(as_json: bool) -> int:
    """Time the model and the chain world, and measure memory."""
    from simulator.bench import bench as measure
    from simulator.terminal import show_benchmark

    rows = measure(lambda what: click.echo(f"measuring {what} …", err=True))
    if as_json:
        print_json({row.name: row.value for row in rows})
    else:
        show_benchmark(rows)
    return 0
