"""Chunks over processes, each written when it is finished; an interrupted run loses no chunk."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.results.store import Chunks, write_chunk
from simulator.runner import agent_code, pool
from simulator.runner.chunk import simulate_chunk
from simulator.types import SimulatorError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.runner.plan import Plan

#: Seconds a worker has to stop by itself when the run is interrupted.
_GRACE = 5.0

Progress = Callable[[int, int], None]


class _StoppedError(SimulatorError):
    """Raised in a worker when the run was interrupted."""


class _HereOnlyError(SimulatorError):
    """Agents can act in the process that was given them alone."""


def run_chunks(plan: Plan, chunks: Chunks, workers: int, progress: Progress | None) -> None:
    """Simulate every chunk of the run's layout that is not finished yet."""
    layout = chunks.layout
    total, done = plan.config.paths * plan.config.steps, 0

    def report(path_steps: int) -> None:
        nonlocal done
        done += path_steps
        if progress is not None:
            progress(done, total)

    report(sum(count * plan.config.steps for first, count in layout if chunks.has(first)))
    jobs = [(first, count) for first, count in layout if not chunks.has(first)]
    if workers > 1 and len(jobs) > 1:
        try:
            packed = _packed(plan)
            _run_in_processes(packed, chunks.directory, jobs, min(workers, len(jobs)), report)
        except _HereOnlyError as error:
            names = ", ".join(type(agent).__name__ for agent in plan.agents)
            warnings.warn(
                f"agents: {names}: all paths are simulated in this process, not in {workers} "
                f"workers: {error}",
                stacklevel=3,
            )
    for first, count in jobs:
        if not chunks.has(first):
            record = plan.record - first
            write_chunk(chunks.directory, first, simulate_chunk(plan, first, count, record, report))


@dataclass(frozen=True)
class _Packed:
    """A plan for another process, and what has to come out of it there."""

    plan: bytes
    digests: list[str]


def _packed(plan: Plan) -> _Packed:
    """The plan for another process, with the classes of a user's agents whole.

    So it does not matter where they are written. What they import is imported anew there, and held
    against what it is here.

    Raises:
        _HereOnlyError: that cannot be.
    """
    import cloudpickle

    readings = [agent_code.read(agent) for agent in plan.agents]
    if unseen := [what for reading in readings for what in reading.unseen]:
        raise _HereOnlyError(
            f"nobody can see whether {unseen[0]} would be the same in another (nor could such a "
            "run be resumed)"
        )

    by_value = cloudpickle.list_registry_pickle_by_value()
    held = [m for agent in plan.agents for m in agent_code.modules(agent)]
    added = {m.__name__: m for m in held if m.__name__ not in by_value}
    for module in added.values():
        cloudpickle.register_pickle_by_value(module)
    try:
        packed = bytes(cloudpickle.dumps(plan))
    except Exception as error:  # pickling runs the user's code, which may raise anything
        raise _HereOnlyError(_not_sent(error)) from error
    finally:
        for module in added.values():
            cloudpickle.unregister_pickle_by_value(module)
    return _Packed(packed, [reading.digest for reading in readings])


def _unpacked(packed: _Packed) -> Plan:
    """The plan in a worker.

    Raises:
        _HereOnlyError: it cannot be made there, or its agents are others there than where the run
            was begun.
    """
    import cloudpickle

    try:
        plan: Plan = cloudpickle.loads(packed.plan)
    except Exception as error:  # unpickling imports the user's code, which may raise anything
        raise _HereOnlyError(_not_sent(error)) from None
    for agent, digest in zip(plan.agents, packed.digests, strict=True):
        if agent_code.read(agent).digest != digest:
            raise _HereOnlyError(
                f"{type(agent).__name__} would be another there, where its modules are imported "
                "anew and what was set in them before the run is not"
            )
    return plan


def _not_sent(error: Exception) -> str:
    return f"they cannot be sent to another ({type(error).__name__}: {error})"


def _run_in_processes(
    packed: _Packed,
    directory: Path,
    jobs: list[tuple[int, int]],
    workers: int,
    report: Callable[[int], None],
) -> None:
    queue, stop = pool.context().SimpleQueue(), directory / ".stop"
    stop.unlink(missing_ok=True)
    try:
        with pool.processes(workers, _attach, (queue, stop, os.getpid())) as executor:
            pending: set[Future[None]] = {
                executor.submit(_job, packed, directory, *job) for job in jobs
            }
            try:
                while pending:
                    finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                    while not queue.empty():
                        report(queue.get())
                    for future in finished:
                        future.result()
            finally:
                # A file, for a worker that is killed takes the locks of an event with it.
                stop.touch()
                for future in pending:
                    future.cancel()
    finally:
        stop.unlink(missing_ok=True)
        for left in directory.glob(".*.tmp"):  # of a worker that was ended while it wrote
            shutil.rmtree(left, ignore_errors=True)


_report: Callable[[int], None]


def _attach(queue: Any, stop: Path, parent: int) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, which then asks the workers to stop."""
    import signal

    global _report  # noqa: PLW0603 (the way to hand a queue to an executor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave, args=(stop, parent), daemon=True).start()

    def report(path_steps: int) -> None:
        if stop.exists():
            raise _StoppedError("interrupted")
        queue.put(path_steps)

    _report = report


def _leave(stop: Path, parent: int) -> None:
    """End a worker that nobody waits for, or that was asked to stop but reports nothing.

    It may be compiling for a minute.
    """
    while not stop.exists() and os.getppid() == parent:
        time.sleep(1.0)
    time.sleep(_GRACE)
    os._exit(1)  # a chunk half written has a temporary name


def _job(packed: _Packed, directory: Path, first: int, count: int) -> None:
    plan = _unpacked(packed)
    write_chunk(directory, first, simulate_chunk(plan, first, count, plan.record - first, _report))
    gc.collect()  # world, view and observers refer to each other; the next chunk needs the memory
