"""How kernels are compiled: cached on disk, without the GIL, IEEE arithmetic."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_SOURCES = sorted(Path(__file__).parent.glob("*.py"))


def _cache_directory() -> str:
    """A cache directory named by the model's whole source.

    Numba invalidates a cached kernel when its own file changes, not when a function it inlines from
    another file does; a stale kernel would then silently compute the old protocol.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:16]
    beside = Path(__file__).parent / "__pycache__"
    if os.access(beside if beside.exists() else beside.parent, os.W_OK):
        return str(beside / f"kernels-{digest}")
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return str(home / "hedgesim" / f"kernels-{digest}")


_CACHE_DIRECTORY = _cache_directory()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` with Numba; its plain twin stays at ``.py_func``.

    No fastmath: paths must be bit-identical whatever the batch. ``error_model="numpy"`` spares the
    branch before every division.
    """
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _CACHE_DIRECTORY
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = previous
