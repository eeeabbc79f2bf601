"""Worker processes that need nothing of the caller's script, and whose death is told."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.types import MachineError, SimulatorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future
    from pathlib import Path

#: Seconds a worker has to stop by itself when the work is interrupted.
_GRACE = 5.0

T = TypeVar("T")


class _StoppedError(SimulatorError):
    """Raised in a worker when the work was interrupted."""


@contextmanager
def processes(
    workers: int, attach: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Iterator[Executor]:
    """An executor of so many processes, each of which begins with ``attach(*arguments)``.

    They do not import the caller's main module again, as those of multiprocessing do: a script
    needs no ``if __name__ == "__main__"``, and it may have come from a notebook or a pipe. What is
    submitted is pickled with what it needs of that module.

    Raises:
        MachineError: a process ended by itself, killed for instance for want of memory.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(
        workers, context=context(), initializer=attach, initargs=arguments
    )
    try:
        yield executor
    except BrokenProcessPool as error:
        raise MachineError(
            f"a worker process ended before its work was done{_exit_code(error)}; finished chunks "
            "are kept: the same command goes on from them, and fewer workers need less memory"
        ) from error
    finally:
        executor.shutdown(wait=True)


def context() -> Any:
    """Makes queues and events that such processes can be given."""
    from joblib.externals.loky.backend import get_context

    return get_context("loky")


def _exit_code(error: BaseException) -> str:
    """As the executor says it, the signal by name."""
    found = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    code = found[1] if found else ""
    return f" ({code}: out of memory?)" if "SIGKILL" in code else f" ({code})" if code else ""


def run_jobs(
    work: Callable[[T, Callable[[int], None]], None],
    jobs: Sequence[T],
    workers: int,
    stop: Path,
    report: Callable[[int], None],
) -> None:
    """``work(job, report)`` of every job over processes; what they report arrives at ``report``.

    Interrupted (Ctrl-C, or an error in one), the others are asked to stop by the file ``stop``,
    which they see when they next report.
    """
    queue = context().SimpleQueue()
    stop.unlink(missing_ok=True)
    try:
        with processes(workers, _attach, (queue, stop, os.getpid())) as executor:
            pending: set[Future[None]] = {executor.submit(_do, work, job) for job in jobs}
            try:
                while pending:
                    finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                    while not queue.empty():
                        report(queue.get())
                    for future in finished:
                        future.result()
                while not queue.empty():
                    report(queue.get())
            finally:
                # A file, for a worker that is killed takes the locks of an event with it.
                stop.touch()
                for future in pending:
                    future.cancel()
    finally:
        stop.unlink(missing_ok=True)


_report: Callable[[int], None]


def _attach(queue: Any, stop: Path, parent: int) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, which then asks the workers to stop."""
    import signal

    global _report  # noqa: PLW0603 (the way to hand a queue to an executor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave, args=(stop, parent), daemon=True).start()

    def report(done: int) -> None:
        if stop.exists():
            raise _StoppedError("interrupted")
        queue.put(done)

    _report = report


def _leave(stop: Path, parent: int) -> None:
    """End a worker that nobody waits for, or that was asked to stop but reports nothing.

    It may be compiling for a minute.
    """
    while not stop.exists() and os.getppid() == parent:
        time.sleep(1.0)
    time.sleep(_GRACE)
    os._exit(1)  # what is half written has a temporary name


def _do(work: Callable[[T, Callable[[int], None]], None], job: T) -> None:
    work(job, _report)
