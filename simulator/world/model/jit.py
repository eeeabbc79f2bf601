"""How kernels are compiled: cached on disk, without the GIL, IEEE arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from simulator import caches

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


def _compile(function: Callable[..., Any], **options: bool) -> Any:
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _CACHE_DIRECTORY
    try:
        # No fastmath: paths must be bit-identical whatever the batch. The numpy error model spares
        # a branch before every division. Kernels allocate nothing, so reference counting can be
        # off: counting every array of the state at every call took most of the time.
        return numba.njit(
            cache=True,
            nogil=True,
            error_model="numpy",
            no_cfunc_wrapper=True,
            _nrt=False,
            **options,
        )(function)
    finally:
        numba.config.CACHE_DIR = previous


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for Python to call; its plain twin stays at ``.py_func``."""
    return _compile(function)


def inner(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for kernels to call.

    Python cannot call it: taking a whole state apart, array by array, would be most of its code and
    of the time it takes to compile.
    """
    return _compile(function, no_cpython_wrapper=True)


def inlined(function: Callable[..., Any]) -> Any:
    """As :func:`inner`, and always put into its callers.

    A call hands over every array of the state by value, a hundred nanoseconds and more: longer than
    most of what is called takes.
    """
    return _compile(function, no_cpython_wrapper=True, forceinline=True)
