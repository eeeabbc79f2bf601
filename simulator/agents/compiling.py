"""Agents made machine code, once for each source: that of ``act``, its parts, what they look at."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from simulator.agents.do import DoType, part
from simulator.agents.do.theirs import WHOLE, is_ours, misgiven
from simulator.model.kernel.jit import address_of, compiled_whole
from simulator.types import InputError

#: By source, Numba types and whether it is kept on disk: where it lies, and what must be kept.
_MADE: dict[tuple[Any, ...], tuple[int, Any]] = {}
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), np.generic)


def compile_act(act: Callable[..., Any], path: Any, mind: Any, *, cached: bool) -> int:
    """Where an agent's ``act`` lies, compiled for paths and a record of Numba types.

    Compiled anew where the source is another, or a variable that it uses: in a notebook a cell is
    run again; in a worker each chunk brings functions of its own that say the same.
    """
    key = (source_of(act), path, mind, cached)
    if key not in _MADE:
        if is_ours(act):
            made = compiled_whole(act, cached, no_cpython_wrapper=True)
        else:
            made = numba.njit(**WHOLE)(_Copies().of(act))
        try:
            _MADE[key] = address_of(made, DoType(path), mind), made
        except (NumbaError, KeyError, TypeError, RuntimeError) as error:
            if is_ours(act):
                raise
            raise InputError(_cannot(act, error)) from error
    return _MADE[key][0]


def _cannot(act: Any, error: Exception) -> str:
    """Why an agent cannot be compiled, in a line: what Numba says is pages long."""
    text = str(error)
    where = re.search(r'File "([^"]+)", line (\d+)', text)
    at = f"{where[1]} line {where[2]}" if where else act.__code__.co_filename
    if (found := misgiven(text)) is not None:
        return f"{act.__qualname__} ({found[0] or at}): {found[1]}"
    if isinstance(error, KeyError):
        why = f"{text} is no field of it"
    else:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("Failed in", "During", "File"))]
        why = re.sub(r"\b(of type )?Do\(.*", "of `do`", said[0] if said else text)[:200]
    return f"{act.__qualname__} ({at}) cannot be compiled: {why}; --plain runs it as it is"


class _Copies:
    """Copies of functions and of the parts that they reach, which Numba has not seen yet.

    What it compiled of a part once, or of a function that it decorates, it never compiles again,
    whatever the variables are now; and in a worker a part is a function that was not decorated
    there. A module through which such a function is called is copied, too.
    """

    def __init__(self) -> None:
        self._made: dict[int, FunctionType] = {}
        self._scopes: dict[int, dict[str, Any]] = {}
        self._jitted: dict[int, Any] = {}
        self._modules: dict[int, ModuleType] = {}
        self._open: set[int] = set()  # modules that are being looked through

    def of(self, function: Any) -> FunctionType:
        """A function's copy, the same each time."""
        if id(function) in self._made:
            return self._made[id(function)]
        around = function.__globals__
        scope = self._scopes.setdefault(id(around), dict(around))
        cells = tuple(CellType() for _ in function.__closure__ or ())
        made = FunctionType(
            function.__code__, scope, function.__name__, function.__defaults__, cells
        )
        made.__kwdefaults__ = function.__kwdefaults__
        self._made[id(function)] = made
        names = set(_names(function.__code__))
        for name in names & around.keys():
            scope[name] = self._instead(around[name], names)
        for cell, full in zip(cells, function.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self._instead(full.cell_contents, names)
            except ValueError:  # nothing is in it yet
                continue
        return made

    def _instead(self, value: Any, names: set[str]) -> Any:
        """The copy of a part of somebody else's, where one is reached; else the value itself."""
        if isinstance(value, ModuleType):
            return self._module(value, names)
        if isinstance(value, Dispatcher):
            return value if _is_a_librarys(value.py_func) else self._jit(value)
        if not getattr(value, "is_part", False) or is_ours(value):
            return value
        known = id(value) in self._made
        copy = self.of(value)
        return copy if known else part(copy)

    def _module(self, module: ModuleType, names: set[str]) -> ModuleType:
        """A module's copy, the same each time, where it has anything else by these names."""
        held = vars(module)
        if id(module) not in self._open:
            self._open.add(id(module))
            for name in names & held.keys():
                instead = self._instead(held[name], names)
                if instead is not held[name]:
                    if id(module) not in self._modules:
                        self._modules[id(module)] = copied = ModuleType(module.__name__)
                        vars(copied).update(held)
                    setattr(self._modules[id(module)], name, instead)
            self._open.remove(id(module))
        return self._modules.get(id(module), module)

    def _jit(self, compiled: Any) -> Any:
        """The copy of a function that Numba decorates; it may call itself."""
        plain = compiled.py_func
        copy = self.of(plain)
        if id(plain) not in self._jitted:
            self._jitted[id(plain)] = numba.jit(**compiled.targetoptions)(copy)
        return self._jitted[id(plain)]


def _is_a_librarys(function: Any) -> bool:
    parts = Path(function.__code__.co_filename).parts
    return is_ours(function) or not {"site-packages", "dist-packages"}.isdisjoint(parts)


def source_of(function: Any) -> str:
    """Digest of a function's code, of what it calls and of the variables it uses."""
    digest = hashlib.sha256()
    _write(digest.update, function, set())
    return digest.hexdigest()


def _write(write: Callable[[bytes], None], value: Any, seen: set[int]) -> None:
    value = getattr(value, "py_func", value)
    if isinstance(value, FunctionType):
        write(f"{value.__module__}.{value.__qualname__}".encode())
        if id(value) in seen or is_ours(value):
            return
        seen.add(id(value))
        _write_code(write, value.__code__)
        looked_at = _looked_at(value)
        for name in sorted(looked_at):
            write(name.encode())
            _write(write, looked_at[name], seen)
        _write(write, value.__defaults__, seen)
    elif isinstance(value, tuple | list):
        write(f"{type(value)} {len(value)} {getattr(value, '_fields', '')}".encode())
        for item in value:
            _write(write, item, seen)
    elif isinstance(value, np.ndarray):
        write(f"{value.dtype} {value.shape}".encode() + value.tobytes())
    elif isinstance(value, _CONSTANTS):
        write(f"{type(value)} {value!r}".encode())
    else:  # a class or a module; what is kept in _MADE keeps it, so that no other has its place
        write(f"{getattr(value, '__name__', '')} {id(value)}".encode())


def _write_code(write: Callable[[bytes], None], code: CodeType) -> None:
    write(code.co_code + repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _write_code(write, constant)
        else:
            write(f"{type(constant)} {constant!r}".encode())


def _looked_at(function: Any) -> dict[str, Any]:
    """Variables of its module and of those around it that a function names, and of modules."""
    names = set(_names(function.__code__))
    found = {name: value for name, value in function.__globals__.items() if name in names}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # nothing is in it yet
            continue
    modules, seen = [one for one in found.items() if isinstance(one[1], ModuleType)], set()
    while modules:
        path, module = modules.pop()
        if id(module) not in seen:
            seen.add(id(module))
            below = {f"{path}.{name}": vars(module)[name] for name in names & vars(module).keys()}
            found |= below
            modules += [one for one in below.items() if isinstance(one[1], ModuleType)]
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
