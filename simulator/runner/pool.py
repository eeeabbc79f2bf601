"""Worker processes that need nothing of the caller's script, and whose death is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simulator.types import MachineError

if TYPE_CHECKING:
    from concurrent.futures import Executor


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
