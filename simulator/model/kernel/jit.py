"""How kernels are compiled: cached on disk, without the GIL, IEEE arithmetic."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from simulator import caches
from simulator.kernel_files import SUFFIX, njit
from simulator.model.kernel.linking import SketchCompiler, WholeCompiler
from simulator.model.kernel.plain import plain
from simulator.types import InputError

_PACKAGE = Path(__file__).parents[2]
# Everything a kernel can have linked in.
_SOURCES = [
    _PACKAGE / "types.py",
    _PACKAGE / "kernel_files.py",
    _PACKAGE / "market" / "kernels.py",  # when a round is due
    *(
        path
        for room in ("protocol", "world", "model", "books", "agents", "engine")
        for path in sorted((_PACKAGE / room).rglob("*.py"))
    ),
]


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
caches.use(Path(_CACHE_DIRECTORY))


def is_cold() -> bool:
    """Whether no kernel of these sources was compiled yet, so that the first run takes a while."""
    return not any(Path(_CACHE_DIRECTORY).rglob(f"*{SUFFIX}"))


def is_kept(compiled: Any) -> bool:
    """Whether a kernel was compiled before, for arguments of some types, and is on disk."""
    module, name = compiled.py_func.__module__.rpartition(".")[2], compiled.py_func.__qualname__
    return any(Path(compiled.stats.cache_path).glob(f"{module}.{name}-*{SUFFIX}"))


# No fastmath: paths must be bit-identical whatever the batch. The numpy error model spares a branch
# before every division. Kernels allocate nothing, so reference counting is off.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for Python to call; its plain twin stays at ``.py_func``."""
    if numba.config.DISABLE_JIT:
        return functools.wraps(function)(lambda *given: function(*map(plain, given)))
    return compiled_whole(function)


def often(compiled: Any) -> Any:
    """A kernel that plain Python calls again and again with the same bundle of paths.

    Numba asks at every call what each array of the bundle is, which takes longer than most such
    kernels do. Here it is asked once for a bundle and the types of what is given besides; arrays
    among that are of numbers, as ``np.empty`` makes them.
    """
    if numba.config.DISABLE_JIT:
        return compiled
    bundle: list[Any] = [None]
    entries: dict[tuple[type, ...], Any] = {}

    @functools.wraps(compiled.py_func)
    def call(paths: Any, *others: Any) -> Any:
        if paths is not bundle[0]:
            entries.clear()
            bundle[0] = paths
        given = tuple(map(type, others))
        if given not in entries:
            kinds = tuple(map(numba.typeof, (paths, *others)))
            compiled.compile(kinds)
            entries[given] = compiled.overloads[kinds].entry_point
        return entries[given](paths, *others)

    return call


def compiled_whole(function: Callable[..., Any], cached: bool = True, **options: bool) -> Any:
    """Compile a function with all it reaches; what is not of this package is not kept on disk."""
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _CACHE_DIRECTORY
    try:
        made = njit(cache=cached, pipeline_class=WholeCompiler, **OPTIONS, **options)
        return made(function)
    finally:
        numba.config.CACHE_DIR = previous


def inner(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for kernels to call; Python cannot."""
    return numba.njit(no_cpython_wrapper=True, pipeline_class=SketchCompiler, **OPTIONS)(function)


def spliced(function: Callable[..., Any]) -> Any:
    """As :func:`inner`, its statements put into its callers: for what gives back records."""
    return numba.njit(no_cpython_wrapper=True, inline="always", **OPTIONS)(function)


def address_of(compiled: Any, *given: Any) -> int:
    """Where the machine code lies of a kernel for arguments of these Numba types.

    Raises:
        InputError: nothing is compiled (NUMBA_DISABLE_JIT).
    """
    if numba.config.DISABLE_JIT:
        raise InputError(
            "NUMBA_DISABLE_JIT = 1: the model's loop is compiled code; allowed: unset, or --plain "
            "(Python: plain=True), which runs agents as plain Python"
        )
    compiled.compile(given)
    made = compiled.overloads[given]
    return int(made.library.get_pointer_to_function(made.fndesc.llvm_func_name))


def _call(context: Any, builder: Any, address: Any, kinds: Any, given: Any) -> Any:
    shape = context.call_conv.get_function_type(types.none, kinds)
    function = builder.inttoptr(address, shape.as_pointer())
    status, _ = context.call_conv.call_function(builder, function, types.none, kinds, given)
    with cgutils.if_unlikely(builder, status.is_error):  # what was raised there is raised here
        context.call_conv.return_status_propagate(builder, status)
    return context.get_dummy_value()


@intrinsic
def call_door(_typing: Any, address: Any, path: Any) -> Any:
    """Call the kernel at an address with a path; it gives nothing back."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _call(context, builder, given[0], signature.args[1:], given[1:])

    return types.void(address, path), emit


@intrinsic
def call_turn(_typing: Any, address: Any, do: Any, mind: Any) -> Any:
    """Call an agent at an address with its ``do`` and the address of its record."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer = builder.inttoptr(given[2], ir.IntType(8).as_pointer())
        kinds = (signature.args[1], types.voidptr)
        return _call(context, builder, given[0], kinds, [given[1], pointer])

    return types.void(address, do, mind), emit


def record_at(dtype: Any) -> Any:
    """A function for kernels: the record of a NumPy type that lies at an address."""
    kind = numba.from_dtype(dtype)

    @intrinsic
    def at_address(_typing: Any, address: Any) -> Any:
        def emit(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            return builder.inttoptr(given[0], context.get_value_type(kind))

        return kind(address), emit

    return at_address


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


def _record_at_plain(dtype: Any) -> Any:
    def at_address(address: int) -> Any:
        memory = (ctypes.c_char * dtype.itemsize).from_address(int(address))
        return plain(np.frombuffer(memory, dtype).reshape(()))

    return at_address


if numba.config.DISABLE_JIT:
    copy_record, record_at = _copy_plain, _record_at_plain
