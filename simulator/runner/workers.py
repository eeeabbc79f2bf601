"""Chunks over processes, each written when it is finished; an interrupted run loses no chunk."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any

from simulator.results.store import Chunks, write_chunk
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
    if workers == 1 or len(jobs) == 1:
        for first, count in jobs:
            record = plan.record - first
            write_chunk(chunks.directory, first, simulate_chunk(plan, first, count, record, report))
    elif jobs:
        _run_in_processes(plan, chunks.directory, jobs, min(workers, len(jobs)), report)


def _run_in_processes(
    plan: Plan,
    directory: Path,
    jobs: list[tuple[int, int]],
    workers: int,
    report: Callable[[int], None],
) -> None:
    context = get_context("spawn")
    queue, stop = context.SimpleQueue(), context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_attach, initargs=(queue, stop))
    try:
        pending: set[Future[None]] = {pool.submit(_job, plan, directory, *job) for job in jobs}
        while pending:
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            while not queue.empty():
                report(queue.get())
            for future in finished:
                future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_report: Callable[[int], None]


def _attach(queue: Any, stop: Any) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, which then asks the workers to stop."""
    import signal

    global _report  # noqa: PLW0603 (the way to hand a queue to an executor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave, args=(stop,), daemon=True).start()

    def report(path_steps: int) -> None:
        if stop.is_set():
            raise _StoppedError("interrupted")
        queue.put(path_steps)

    _report = report


def _leave(stop: Any) -> None:
    """End a worker that nobody waits for, or that was asked to stop but reports nothing.

    It may be compiling for a minute.
    """
    parent = parent_process()
    while not stop.wait(1.0) and parent is not None and parent.is_alive():
        pass
    time.sleep(_GRACE)
    os._exit(1)  # a chunk half written has a temporary name


def _job(plan: Plan, directory: Path, first: int, count: int) -> None:
    write_chunk(directory, first, simulate_chunk(plan, first, count, plan.record - first, _report))
    gc.collect()  # world, view and observers refer to each other; the next chunk needs the memory
