"""Compiled functions kept on disk, and taken from there without what only compiling needs.

Numba keeps a function's machine code together with LLVM's code of all it was made of, and reads
both before it calls anything; it also sets up its compiler first. For the kernels of the model that
is hundreds of megabytes and most of the time a small run takes. Here a function is a file of its
own, LLVM's code is read where something new is compiled against it, and the compiler is set up
where there is something to compile. It subclasses private parts of Numba (0.68).
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding
from numba.core import itanium_mangler
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CR_FIELDS, CompileResult
from numba.core.runtime import _nrt_python, rtsys
from numba.core.serialize import dumps
from numba.np import numpy_support

#: What the file of a compiled function ends with.
SUFFIX = ".kernel"
_DIGEST = hashlib.sha256().digest_size  # bytes at its beginning, of the rest
# Of what is in one.
_VERSION = numba.__version__, hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit``; with ``cache`` kept in a file of this kind."""

    def decorate(function: Callable[..., Any]) -> Any:
        cached = options.get("cache", False) and not numba.config.DISABLE_JIT
        made = numba.njit(**options | {"cache": False})(function)
        if cached:
            made._cache = _Files(function)
        return made

    return decorate


class _Loaded(JITCodeLibrary):  # type: ignore[misc]
    """Machine code from a file; LLVM's code is looked at where another function links it."""

    _shared_module: Any

    def __init__(
        self, codegen: Any, name: str, code: tuple[bytes, bytes], names: frozenset[str]
    ) -> None:
        super().__init__(codegen, name)
        machine, self._bitcode = code
        self._names = names
        self.enable_object_caching()
        self._set_compiled_object(machine)
        self._finalize_final_module()

    def get_pointer_to_function(self, name: str) -> int:
        """Where a function lies; 0: it is not here."""
        return int(self._codegen._engine.get_function_address(name)) if name in self._names else 0

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            self._shared_module = binding.parse_bitcode(self._bitcode)
            self._codegen._engine._load_defined_symbols(self._shared_module)
        return self._shared_module


def _needed(module: Any) -> list[str]:
    """Functions that machine code calls and that must be in the process before it is loaded."""
    return [
        function.name
        for function in module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    ]


def _name_helpers(_context: Any) -> None:
    """Say where the functions of Numba's runtime lie that are written in C."""
    for name, address in _nrt_python.c_helpers.items():
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def _provide(needed: Sequence[str], context: Any) -> None:
    """See to it that they are: of Numba's runtime what is in C, all of it, all of the compiler."""
    # The rest of the runtime is compiled anew in every process, and nearly always linked in here.
    for make in (_name_helpers, rtsys.initialize, type(context).refresh):
        if all(binding.address_of_symbol(name) for name in needed):
            return
        make(context)


class _Parts(CompileResultCacheImpl):  # type: ignore[misc]
    """What of a compiled function is kept."""

    def reduce(self, made: Any) -> Any:
        """Its library, which of the names Python asks for lie there, and what calls it."""
        library, description, environment, signature, *_, reload_init, others = made._reduce()
        asked = (description.llvm_func_name, description.llvm_cpython_wrapper_name)
        names = frozenset(filter(made.codegen._engine.is_symbol_defined, asked))
        needed = _needed(made.library._final_module)
        return needed, library, names, description, environment, signature, reload_init, others

    def rebuild(self, context: Any, parts: Any) -> Any:
        """The function, callable."""
        needed, (name, _, code), names, description, environment, signature, *rest = parts
        reload_init, others = rest
        _provide(needed, context)
        for prepare in reload_init:
            prepare()
        library = _Loaded(context.codegen(), name, code, names)
        entry = context.get_executable(library, description, environment)
        for other in others:
            library.codegen.set_env(other.env_name, other)
        whole = dict.fromkeys(CR_FIELDS) | {
            "typing_context": context.typing_context,
            "target_context": context,
            "entry_point": entry,
            "signature": signature,
            "objectmode": False,
            "lifted": (),
            "fndesc": description,
            "library": library,
            "environment": environment,
            "reload_init": reload_init,
            "referenced_envs": others,
        }
        return CompileResult(**whole)


class _Folder:
    """The files of one function, each for a signature; those of another source are not seen."""

    def __init__(self, folder: str, base: str, stamp: object) -> None:
        self._folder, self._base = Path(folder), base
        self._stamp = _VERSION, stamp

    def _path(self, key: object) -> Path:
        # Names of types say all there is to them.
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._folder / f"{self._base}.{digest}{SUFFIX}"

    def load(self, key: object) -> Any:
        """What is kept for a signature, or None; a file that is not as it was written is none."""
        try:
            data = self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None
        digest, data = data[:_DIGEST], data[_DIGEST:]
        if hashlib.sha256(data).digest() != digest:
            return None
        file = io.BytesIO(data)
        return pickle.load(file) if pickle.load(file) == self._stamp else None

    def save(self, key: object, parts: object) -> None:
        """Keep it; whoever reads meanwhile has the old or the new."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            data = dumps(self._stamp) + dumps(parts)
            temporary.write_bytes(hashlib.sha256(data).digest() + data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@functools.cache
def _sources_beside(source: Path) -> str:
    """A digest of every source that may be linked in: all of the room a file lies in.

    The room is the folder below the outermost package, or where there is none the file's own.
    """
    room = source.parent
    while all((folder / "__init__.py").exists() for folder in (room, room.parent, room.parents[1])):
        room = room.parent
    return _digest_of(room)


@functools.cache
def _digest_of(room: Path) -> str:
    sources = sorted(room.rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


class _Files(FunctionCache):  # type: ignore[misc]
    """Where a function's compiled code is looked for before it is compiled."""

    _impl_class = _Parts

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        source = _sources_beside(Path(function.__code__.co_filename))
        folder = self._impl.locator.get_cache_path()
        self._cache_file = _Folder(folder, self._impl.filename_base, source)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The function for a signature, or None; the compiler is not set up for it."""
        return self._load_overload(signature, context)


@functools.cache
def _record_type(dtype: Any, _aligned: bool) -> Any:
    return _from_struct(dtype)


@functools.cache
def _short(text: str) -> str:
    """Text as part of a name of LLVM's, what is long cut to its digest."""
    escaped = str(_escape(text))
    if len(escaped) <= _LONGEST:
        return escaped
    return f"{escaped[:_LONGEST]}_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


_LONGEST = 100
# Numba makes a record's type anew, field by field, whenever it meets an array of them.
_from_struct = numpy_support.from_struct_dtype
numpy_support.from_struct_dtype = lambda dtype: _record_type(dtype, dtype.isalignedstruct)
# It writes out the types of a function's arguments in its name: for one that takes a path, 33 kB,
# of which a kernel has hundreds. They were nine tenths of its file.
_escape = itanium_mangler._escape_string
itanium_mangler._escape_string = _short
