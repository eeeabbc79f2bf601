"""Chunks over processes, each written when it is finished; an interrupted run loses no chunk."""

from __future__ import annotations

import gc
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simulator.results.store import Chunks, write_chunk
from simulator.runner import agent_code, fingerprint, pool
from simulator.runner.chunk import simulate_market
from simulator.types import SimulatorError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.runner.plan import Plan

Progress = Callable[[int, int], None]


class HereOnlyError(SimulatorError):
    """Agents can act in the process that was given them alone."""


@dataclass(frozen=True)
class Job:
    """Paths ``first`` … ``first + count − 1`` of one market, and the runs that still lack them.

    ``runs``: their places among all, and the directories their chunks go to.
    """

    first: int
    count: int
    runs: tuple[tuple[int, Path], ...]


def run_chunks(
    runs: Sequence[tuple[Plan, Chunks]], workers: int, progress: Progress | None
) -> None:
    """Simulate every chunk that is not finished yet, of runs in the same world.

    Where runs have a market in common, and the cut of its paths into chunks, each chunk of it is
    drawn once and simulated for one run after the other.
    """
    plans = [plan for plan, _ in runs]
    total, done = sum(plan.config.paths * plan.config.steps for plan in plans), 0

    def report(path_steps: int) -> None:
        nonlocal done
        done += path_steps
        if progress is not None:
            progress(done, total)

    report(
        sum(
            count * plan.config.steps
            for plan, chunks in runs
            for first, count in chunks.layout
            if chunks.has(first)
        )
    )
    code = runs[0][1].key.code
    jobs = _jobs(runs)
    if workers > 1 and len(jobs) > 1:
        try:
            packed = pack(plans, code)
            directories = [chunks.directory for _, chunks in runs]
            _run_in_processes(packed, directories, jobs, min(workers, len(jobs)), report)
        except HereOnlyError as error:
            agents = dict.fromkeys(type(agent).__name__ for p in plans for agent in p.agents)
            warnings.warn(
                f"agents: {', '.join(agents)}: all paths are simulated in this process, not in "
                f"{workers} workers: {error}",
                stacklevel=4,
            )
    for number, job in enumerate(_jobs(runs)):
        _simulate(plans, job, code, report, after_others=number > 0)


def _jobs(runs: Sequence[tuple[Plan, Chunks]]) -> list[Job]:
    """What is left to do, in order of paths."""
    lacking: dict[tuple[int, int, tuple[object, ...]], list[tuple[int, Path]]] = {}
    for number, (plan, chunks) in enumerate(runs):
        market = plan.config.market
        same = (market.digest(), market.laid_out, market.markets)
        for first, count in chunks.layout:
            if not chunks.has(first):
                wanted = lacking.setdefault((first, count, same), [])
                wanted.append((number, chunks.directory))
    jobs = [Job(first, count, tuple(of)) for (first, count, _), of in lacking.items()]
    return sorted(jobs, key=lambda job: job.first)


def _simulate(
    plans: Sequence[Plan],
    job: Job,
    code: str,
    report: Callable[[int], None] | None,
    *,
    after_others: bool,
) -> None:
    """Draw a chunk of the market once, simulate every run on it, and write what each comes to.

    ``after_others``: whether this process may have simulated chunks before.

    Raises:
        InputError: the code changed since the run began; nothing is written then.
    """
    from simulator.market.draw import draw

    world = plans[0].world
    fingerprint.refuse_other_code(world, code)
    if after_others:
        gc.collect()  # world, view and observers refer to each other, and their memory is needed
    market = draw(plans[job.runs[0][0]].config.market, job.first, job.count)
    for turn, (number, directory) in enumerate(job.runs):
        if turn:
            gc.collect()
        plan = plans[number]
        outcome = simulate_market(plan, market, plan.record - job.first, report)
        fingerprint.refuse_other_code(world, code)
        write_chunk(directory, job.first, outcome)
        del outcome


@dataclass(frozen=True)
class Packed:
    """Plans for another process, and what has to come out of them there."""

    plans: bytes
    digests: list[str]
    code: str


def pack(plans: Sequence[Plan], code: str) -> Packed:
    """The plans for another process, with the classes of a user's agents whole.

    So it does not matter where they are written. What they import is imported anew there, and held
    against what it is here.

    Raises:
        HereOnlyError: that cannot be.
    """
    import cloudpickle

    agents = [agent for plan in plans for agent in plan.agents]
    readings = [agent_code.read(agent) for agent in agents]
    if unseen := [what for reading in readings for what in reading.unseen]:
        raise HereOnlyError(
            f"nobody can see whether {unseen[0]} would be the same in another (nor could such a "
            "run be resumed)"
        )

    by_value = cloudpickle.list_registry_pickle_by_value()
    held = [m for agent in agents for m in agent_code.modules(agent)]
    added = {m.__name__: m for m in held if m.__name__ not in by_value}
    for module in added.values():
        cloudpickle.register_pickle_by_value(module)
    try:
        packed = bytes(cloudpickle.dumps(list(plans)))
    except Exception as error:  # pickling runs the user's code, which may raise anything
        raise HereOnlyError(_not_sent(error)) from error
    finally:
        for module in added.values():
            cloudpickle.unregister_pickle_by_value(module)
    return Packed(packed, [reading.digest for reading in readings], code)


def unpack(packed: Packed) -> list[Plan]:
    """The plans in a worker.

    Raises:
        HereOnlyError: it cannot be made there, or its agents are others there than where the run
            was begun.
    """
    import cloudpickle

    try:
        plans: list[Plan] = cloudpickle.loads(packed.plans)
    except Exception as error:  # unpickling imports the user's code, which may raise anything
        raise HereOnlyError(_not_sent(error)) from None
    agents = [agent for plan in plans for agent in plan.agents]
    for agent, digest in zip(agents, packed.digests, strict=True):
        if agent_code.read(agent).digest != digest:
            raise HereOnlyError(
                f"{type(agent).__name__} would be another there, where its modules are imported "
                "anew and what was set in them before the run is not"
            )
    return plans


def _not_sent(error: Exception) -> str:
    return f"they cannot be sent to another ({type(error).__name__}: {error})"


def _run_in_processes(
    packed: Packed,
    directories: Sequence[Path],
    jobs: Sequence[Job],
    workers: int,
    report: Callable[[int], None],
) -> None:
    try:
        pool.run_jobs(partial(_job, packed), jobs, workers, directories[0] / ".stop", report)
    finally:
        for directory in directories:
            for left in directory.glob(".*.tmp"):  # of a worker that was ended while it wrote
                shutil.rmtree(left, ignore_errors=True)


def _job(packed: Packed, job: Job, report: Callable[[int], None]) -> None:
    _simulate(unpack(packed), job, packed.code, report, after_others=True)
