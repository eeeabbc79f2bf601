"""Compiling on two cores: what takes longest is compiled by a process of its own, for the cache.

Numba compiles one function at a time. The door, with every verb and every book behind it, is more
than half of all that a first run compiles.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from simulator.model.kernel.jit import is_kept


@contextmanager
def beside(kernel: Any, compile_it: Callable[[], object]) -> Iterator[None]:
    """Compile a kernel elsewhere meanwhile, if none of it is on disk; at the end wait for it.

    Nothing depends on it: what was not compiled there is compiled where it is called.
    """
    if is_kept(kernel) or not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        yield
        return
    child = os.fork()
    if child == 0:
        try:
            gc.disable()  # a tenth of the time; all of its memory is given back when it ends
            compile_it()
        finally:
            os._exit(0)  # no buffer of the parent's is written twice, no exit hook runs
    try:
        yield
    finally:
        # Whoever began us may have it that nobody is told of children that end.
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
