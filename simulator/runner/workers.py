"""Chunks over processes, each written when it is finished; an interrupted run loses no chunk."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
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
    packed = _packed(plan) if workers > 1 and len(jobs) > 1 else None
    if packed is None:
        for first, count in jobs:
            record = plan.record - first
            write_chunk(chunks.directory, first, simulate_chunk(plan, first, count, record, report))
    else:
        _run_in_processes(packed, chunks.directory, jobs, min(workers, len(jobs)), report)


def _packed(plan: Plan) -> bytes | None:
    """The plan for another process, with the classes of a user's agents whole.

    So it does not matter where they are written, nor what became of their module's variables.
    None where that cannot be: such agents act in this process alone.
    """
    import cloudpickle

    by_value = cloudpickle.list_registry_pickle_by_value()
    held = [m for agent in plan.agents for m in agent_code.modules(agent)]
    added = {m.__name__: m for m in held if m.__name__ not in by_value}
    for module in added.values():
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(plan))
    except Exception:  # pickling runs the user's code, which may raise anything
        return None
    finally:
        for module in added.values():
            cloudpickle.unregister_pickle_by_value(module)


def _run_in_processes(
    packed: bytes,
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


def _job(packed: bytes, directory: Path, first: int, count: int) -> None:
    import cloudpickle

    plan = cloudpickle.loads(packed)
    write_chunk(directory, first, simulate_chunk(plan, first, count, plan.record - first, _report))
    gc.collect()  # world, view and observers refer to each other; the next chunk needs the memory
