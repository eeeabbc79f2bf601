"""How kernels are compiled: cached on disk, without the GIL, IEEE arithmetic."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from simulator import caches
from simulator.world.model.linking import SketchCompiler, WholeCompiler
from simulator.world.model.plain import plain

_PACKAGE = Path(__file__).parents[2]
# Everything a kernel can have inlined; types.py holds the status codes.
_SOURCES = [_PACKAGE / "types.py", *sorted(Path(__file__).parent.glob("*.py"))]


def _cache_directory() -> str:
    """A cache directory named by the whole source kernels are made of.

    Numba invalidates a cached kernel when its own file changes, not when a function it inlines from
    another file does; a stale kernel would then silently compute the old protocol. It lies where
    NUMBA_CACHE_DIR says, if that says anything, as all that Numba caches.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:16]
    home = Path(__file__).parent / "__pycache__"
    if numba.config.CACHE_DIR:
        home = Path(numba.config.CACHE_DIR)
    elif not caches.writable(home):
        home = caches.directory()
    return str(home / f"kernels-{digest}")


_CACHE_DIRECTORY = _cache_directory()


def is_cold() -> bool:
    """Whether no kernel of these sources was compiled yet, so that the first run takes a while."""
    return not any(Path(_CACHE_DIRECTORY).rglob("*.nbi"))


# No fastmath: paths must be bit-identical whatever the batch. The numpy error model spares a branch
# before every division. Kernels allocate nothing, so reference counting is off.
_OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for Python to call; its plain twin stays at ``.py_func``."""
    if numba.config.DISABLE_JIT:
        return functools.wraps(function)(lambda *given: function(*map(plain, given)))
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _CACHE_DIRECTORY
    try:
        return numba.njit(cache=True, pipeline_class=WholeCompiler, **_OPTIONS)(function)
    finally:
        numba.config.CACHE_DIR = previous


def inner(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for kernels to call; Python cannot."""
    return numba.njit(no_cpython_wrapper=True, pipeline_class=SketchCompiler, **_OPTIONS)(function)


@intrinsic
def copy_record(_typing: Any, target: Any, source: Any) -> Any:
    """Copy one record over another of the same type, as memory.

    ``array[0] = record`` would do so field by field, on which LLVM spends seconds.
    """
    if not isinstance(target, types.Record) or target != source:
        return None

    def emit(context: Any, builder: Any, _signature: Any, records: Any) -> Any:
        size = ir.Constant(ir.IntType(64), target.size)
        cgutils.raw_memcpy(builder, records[0], records[1], size, 1)
        return context.get_dummy_value()

    return types.void(target, source), emit


def _copy_plain(target: Any, source: Any) -> None:
    target.copy(source)


if numba.config.DISABLE_JIT:
    copy_record = _copy_plain
