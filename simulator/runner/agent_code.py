"""What a user's agent is made of, as a digest: attributes, classes, what its code looks at."""

from __future__ import annotations

import builtins
import dis
import hashlib
import io
import pickle
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.agents.base import Agent

_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


def digest(agent: Agent) -> str | None:
    """SHA-256 (hex) of an agent's attributes and code.

    Code is that of its classes and of every function of the user's they call by name, with the
    global variables these name; libraries, and this package, count by name alone. None where
    something of it cannot be pickled: then nobody can tell two such agents apart.
    """
    # Its place among the agents is set when the run is put together.
    state = {name: value for name, value in vars(agent).items() if name != "index"}
    written = io.BytesIO()
    try:
        _Reader(written).dump((type(agent), state))
    except Exception:  # pickling runs the user's code, which may raise anything
        return None
    return hashlib.sha256(written.getvalue()).hexdigest()


def modules(agent: Agent) -> list[ModuleType]:
    """The user's modules its classes are written in."""
    names = {kind.__module__ for kind in type(agent).__mro__ if not _is_of_a_library(kind)}
    return [sys.modules[name] for name in sorted(names) if name in sys.modules]


class _Reader(pickle.Pickler):
    """Writes what pickle would name, functions and classes of the user's, by what they hold."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self._read: dict[int, Any] = {}  # held, so that no other object takes its place

    def reducer_override(self, value: Any) -> Any:
        what: Any = NotImplemented
        if isinstance(value, ModuleType):
            what = value.__name__
        elif isinstance(value, CodeType):
            what = _of_code(value)
        elif isinstance(value, property):
            what = value.fget, value.fset, value.fdel
        elif isinstance(value, staticmethod | classmethod):
            what = type(value).__name__, value.__func__
        elif isinstance(value, type | FunctionType) and not _is_of_a_library(value):
            what = f"{value.__module__}.{value.__qualname__}", self._once(value)
        elif isinstance(plain := _undecorated(value), FunctionType):
            what = type(value).__qualname__, plain
        return what if what is NotImplemented else (_written, (what,))

    def _once(self, value: type | FunctionType) -> Any:
        """What it holds; nothing the second time, for it may hold itself."""
        if id(value) in self._read:
            return None
        self._read[id(value)] = value
        return _of_class(value) if isinstance(value, type) else _of_function(value)


def _written(*what: Any) -> tuple[Any, ...]:
    """Stands where unpickling would make the object again, which nobody does."""
    return what


def _undecorated(value: Any) -> Any:
    """The function that Numba compiles or functools caches; what these remember is no state."""
    if not callable(value) or isinstance(value, type | FunctionType):
        return None
    return getattr(value, "py_func", getattr(value, "__wrapped__", None))


def _of_class(kind: type) -> tuple[Any, ...]:
    attributes = {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") or isinstance(value, FunctionType)
    }
    # What abc keeps of a class has no contents of its own.
    return kind.__bases__, {n: v for n, v in sorted(attributes.items()) if n != "_abc_impl"}


def _of_function(function: FunctionType) -> tuple[Any, ...]:
    """Its code, and what that finds in its module, in modules of the user's and around it."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    code, known = function.__code__, function.__globals__
    used = {name: known[name] for name in _loaded(code, _GLOBALS) if name in known}
    for name, module in list(used.items()):
        if isinstance(module, ModuleType) and not _is_library(module.__name__):
            below = [other for other in _loaded(code, _ATTRIBUTES) if hasattr(module, other)]
            used |= {f"{name}.{other}": getattr(module, other) for other in below}
    return code, function.__defaults__, function.__kwdefaults__, cells, used


def _loaded(code: CodeType, by: frozenset[str]) -> list[str]:
    """Names that a function, or one written in it, loads by one of these instructions; sorted."""
    names = {str(found.argval) for found in dis.get_instructions(code) if found.opname in by}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= set(_loaded(constant, by))
    return sorted(names)


def _of_code(code: CodeType) -> str:
    """Digest of what is executed, wherever in a file it is written."""
    constants = [
        _of_code(constant)
        if isinstance(constant, CodeType)
        else repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)
        for constant in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
    return hashlib.sha256(repr((code.co_code, constants, names)).encode()).hexdigest()


def _is_of_a_library(value: type | FunctionType) -> bool:
    """Whether a name is enough: what it stands for changes with an installation only."""
    module = sys.modules.get(value.__module__ or "")
    found: Any = module
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    # Code that is executed without a module's name says it is of `builtins`.
    return found is value and module is not None and _is_library(module.__name__)


@cache
def _is_library(name: str) -> bool:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("simulator", builtins.__name__):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    installed = {Path(sysconfig.get_path(place)).resolve() for place in ("purelib", "platlib")}
    return file is not None and any(Path(file).resolve().is_relative_to(at) for at in installed)
