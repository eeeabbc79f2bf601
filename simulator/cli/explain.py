"""``explain``: which friction made the loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.aside import emit, json_alone
from simulator.cli.group import (
    configured,
    forcible,
    hedgesim,
    load_scenario,
    trusted,
    with_agents,
)
from simulator.cli.status import telling_notices
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.terminal import ProgressBar


@hedgesim.command()
@configured
@click.option(
    "--friction",
    "frictions",
    metavar="NAME",
    multiple=True,
    help="Ask about this friction alone, or these; the others stay. Repeatable [default: all].",
)
@click.option(
    "--permutations",
    "pairs",
    metavar="PAIRS",
    type=int,
    help="Instead of every combination of frictions, those met in so many pairs of random orders, "
    "with the error of that [default: every one, of up to ten].",
)
@click.option(
    "--limit",
    type=float,
    help="Most the worst path may lose to count as saved, fraction [default: half of its loss].",
)
@click.option(
    "--liquidations",
    type=float,
    help="Look instead for what brings liquidations of the first 200 paths to this share or less.",
)
@click.option("--no-search", is_flag=True, help="Do not look for what would have saved it.")
@click.option("--out", type=click.Path(file_okay=False), help="Directory [default: out/NAME-why].")
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@with_agents
@forcible
@json_alone
def explain(
    scenario: str,
    paths: int | None,
    files: tuple[str, ...],
    trust: bool,
    frictions: tuple[str, ...],
    pairs: int | None,
    limit: float | None,
    liquidations: float | None,
    no_search: bool,
    out: str | None,
    workers: int,
    as_json: bool,
    force: bool,
    **which: Any,
) -> int:
    """Which friction made the loss? The same paths again, with frictions removed.

    NAME|FILE may also be the directory of a finished run.
    """
    from simulator.explain.job import explain as explained
    from simulator.explain.shown import show_explanation
    from simulator.terminal import announce_compilation

    run = _finished(scenario)
    may_run, which["overrides"] = trusted(files, which["overrides"], trust=trust)
    if run is not None and (which["overrides"] or which["seed"] is not None):
        raise InputError(
            f"{scenario}: a finished run is explained as it was; allowed: no --set, --seed and "
            f"--agent, or {run / 'config.yaml'} with them"
        )
    name = scenario if run is None else str(run / "config.yaml")
    config = load_scenario(name, paths=paths, **which)
    directory = Path(out or f"out/{config.name}-why")
    announce_compilation()
    with telling_notices(), _Bars() as bars:
        found = explained(
            config,
            run=run,
            frictions=frictions,
            pairs=pairs,
            limit=limit,
            liquidations=liquidations,
            search=not no_search,
            out=directory,
            workers=workers,
            progress=bars.of(f"{config.name}, {config.paths:,} paths", "path-steps"),
            searching=bars.of("what would have saved the worst path", "runs"),
            force=force,
            trust=may_run,
        )
    if as_json:
        emit((directory / "explain.json").read_text(encoding="utf-8").removesuffix("\n"))
    else:
        show_explanation(found.summary)
        click.echo(f"Report: {directory / 'explain.html'}")
    return 0


def _finished(scenario: str) -> Path | None:
    """The directory of a finished run; None: it is something else."""
    directory = Path(scenario)
    if not directory.is_dir():
        return None
    missing = [n for n in ("config.yaml", "paths.parquet") if not (directory / n).is_file()]
    if missing:
        raise InputError(
            f"{scenario}: holds no finished run (no {', '.join(missing)}); allowed: a directory "
            "written by `hedgesim run --out`"
        )
    return directory


class _Bars:
    """One progress bar after the other: the next is shown when something first reports to it."""

    def __init__(self) -> None:
        self._shown: ProgressBar | None = None
        self._title = ""

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._shown is not None:
            self._shown.__exit__(*raised)

    def of(self, title: str, unit: str) -> Callable[[int, int], None]:
        """What reports to a bar of this title."""
        from simulator.terminal import ProgressBar

        def update(done: int, total: int) -> None:
            if self._shown is None or self._title != title:
                self.__exit__(None, None, None)
                self._shown, self._title = ProgressBar(title, unit).__enter__(), title
            self._shown.update(done, total)

        return update
