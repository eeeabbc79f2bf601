"""Random scenarios through both worlds: ``hedgesim verify --random``."""

from __future__ import annotations

from concurrent.futures import as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.runner.pool import processes
from simulator.types import InputError
from simulator.verify import Comparison, verify_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.config import Config


@dataclass(frozen=True)
class Trial:
    """One random configuration and what the comparison on it found."""

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

    if count < 1:
        raise InputError(f"random: {count}; allowed: 1 or more")
    if paths < 1:
        raise InputError(f"paths: {paths}; allowed: 1 or more")
    if steps is not None and not 1 <= steps <= STEPS:
        raise InputError(f"steps: {steps}; allowed: 1 to {STEPS}, the horizon of random scenarios")
    trials = []
    with processes(min(workers, count)) as pool:
        futures = [pool.submit(run_trial, seed, number, paths, steps) for number in range(count)]
        for future in as_completed(futures):
            trials.append(future.result())
            if progress is not None:
                progress(trials[-1])
    return sorted(trials, key=lambda trial: trial.number)
