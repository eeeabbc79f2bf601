"""Every built-in scenario beside the others: the stress matrix of ``hedgesim run all``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.arguments import texts, whole
from simulator.results.directory import claimed, foreign_to_run
from simulator.results.store import write_page
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.result import Result


@dataclass(eq=False)
class StressMatrix:
    """Results by scenario. Shows itself as its page in a notebook."""

    results: dict[str, Result]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """A row for each scenario, ready for JSON."""
        from simulator.report.stress import row

        first = next(iter(self.results.values())).summary
        return {
            **{name: first[name] for name in ("hedgesim", "world")},
            "scenarios": {name: row(name, result.summary) for name, result in self.results.items()},
        }

    @property
    def passed(self) -> bool:
        """Whether every requirement holds in every scenario."""
        return all(result.passed for result in self.results.values())

    def report_html(self) -> str:
        """The matrix: one page that needs nothing from the network."""
        from simulator.report.stress import render

        return render(self.summary)

    def save(self, directory: str | Path) -> Path:
        """Write ``summary.json`` and ``report.html``; the scenarios have their own folders."""
        return write_page(Path(directory), self.summary, self.report_html())

    def _repr_html_(self) -> str:
        from simulator.report.template import framed

        return framed(self.report_html(), "hedgesim stress matrix")


def stress(
    configs: Mapping[str, Config],
    *,
    world: str = "model",
    out: str | Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    requirements: Iterable[str] = (),
    allow: Iterable[str] = (),
    record: int | None = None,
    force: bool = False,
) -> StressMatrix:
    """Simulate scenarios by name, each on a market of its own; arguments as :func:`simulator.run`.

    An interrupted matrix in ``out`` is resumed as a run is: what is finished of its scenarios is
    not simulated again.

    Raises:
        InputError: no scenario, or what a run refuses of any of them.
    """
    from simulator.comparison import folder
    from simulator.runner import forget, run_together
    from simulator.runner.plan import plan_of

    if not configs:
        raise InputError("configs = {}: must be one scenario or more")
    for name in configs:
        if folder(name) != name:
            raise InputError(f"configs[{name!r}]; allowed: names of letters, digits, . = _ and -")
    place = None if out is None else Path(out)
    with claimed(place, foreign_to_run, force=force):
        plans = [
            plan_of(config, None, None, world, (), record, False) for config in configs.values()
        ]
        found = run_together(
            plans,
            outs=[None if out is None else Path(out) / name for name in configs],
            workers=whole("workers", workers, 1),
            progress=progress,
            requirements=texts("requirements", requirements),
            allow=texts("allow", allow),
            keep=True,
            force=force,
        )
        matrix = StressMatrix(dict(zip(configs, found, strict=True)))
        if out is not None:
            matrix.save(out)
            for name in configs:
                forget(Path(out) / name)
    return matrix
