"""Many scenarios through both worlds: ``hedgesim verify --random`` and ``verify all``."""

from __future__ import annotations

from concurrent.futures import as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.arguments import whole
from simulator.runner.pool import processes
from simulator.verify import Comparison, verify, verify_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.config import Config


@dataclass(frozen=True)
class Trial:
    """One configuration and what the comparison on it found."""

    number: int
    config: Config
    comparison: Comparison


def run_trial(seed: int, number: int, paths: int, steps: int | None) -> Trial:
    """Configuration ``number`` of ``seed`` on ``paths`` paths in both worlds, in this process."""
    from simulator.config.random import random_config

    config = random_config(seed, number)
    return Trial(number, config, verify_paths(config, 0, paths, steps or config.steps))


def verify_random(
    seed: int,
    count: int,
    paths: int = 1,
    steps: int | None = None,
    *,
    workers: int = 2,
    progress: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Trials 0 … ``count`` − 1 of ``seed``, in order; ``progress`` gets each as it is done.

    Raises :class:`InputError` when a number is out of range.
    """
    from simulator.config.random import STEPS

    count, paths = whole("random", count, 1), whole("paths", paths, 1)
    seed, workers = whole("seed", seed, 0), whole("workers", workers, 1)
    steps = None if steps is None else whole("steps", steps, 1, STEPS)
    jobs = [(run_trial, seed, number, paths, steps) for number in range(count)]
    return _done(jobs, workers, progress)


def run_named(number: int, config: Config, paths: int, steps: int | None) -> Trial:
    """A configuration's first paths in both worlds, in this process; ``steps``: at most."""
    last = config.steps if steps is None else min(steps, config.steps)
    return Trial(number, config, verify(config, paths, last, workers=1))


def verify_each(
    configs: Sequence[Config],
    paths: int,
    steps: int | None = None,
    *,
    workers: int = 2,
    progress: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """A comparison on each configuration, in order; ``progress`` gets each as it is done.

    ``steps``: at most so many of those a configuration has; None: all.

    Raises :class:`InputError` when a number is out of range.
    """
    paths, workers = whole("paths", paths, 1), whole("workers", workers, 1)
    steps = None if steps is None else whole("steps", steps, 1)
    jobs = [(run_named, number, config, paths, steps) for number, config in enumerate(configs)]
    return _done(jobs, workers, progress)


def _done(
    jobs: Sequence[tuple[Any, ...]], workers: int, progress: Callable[[Trial], None] | None
) -> list[Trial]:
    """What came of each job, a function and its arguments, in order."""
    trials = []
    with processes(min(workers, len(jobs))) as pool:
        futures = [pool.submit(*job) for job in jobs]
        for future in as_completed(futures):
            trials.append(future.result())
            if progress is not None:
                progress(trials[-1])
    return sorted(trials, key=lambda trial: trial.number)
