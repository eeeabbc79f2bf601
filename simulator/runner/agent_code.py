"""What a user's agent is made of, as a digest: its state, its classes, what its code looks at."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from abc import ABC
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, Generic, Protocol

import numpy as np

from simulator.runner import looked_at
from simulator.runner.looked_at import Unseen

if TYPE_CHECKING:
    from simulator.agents.base import Agent

#: Frames while reading; what one thing holds in another takes about seven of them.
_DEEP = 20_000
#: Values that are equal wherever they are: whether two are one object is not the agent's.
_VALUES = (str, bytes, tuple, np.dtype, CodeType)
#: Bases that keep nothing in an object.
_EMPTY: tuple[Any, ...] = (object, ABC, Generic, Protocol)


@dataclass(frozen=True)
class Reading:
    """What was read of an agent.

    Attributes:
        digest: SHA-256 (hex) of all that could be seen; the same in every process.
        unseen: what could not, in a few words each. Of two agents that have something of the kind
            nobody can tell whether they are the same.
        caches: ``cache_clear`` of the functions that :mod:`functools` caches for it.
    """

    digest: str
    unseen: tuple[str, ...]
    caches: tuple[Callable[[], None], ...]


def read(agent: Agent) -> Reading:
    """Read an agent's attributes, slots among them, and its code.

    Code is that of its classes and of every function of the user's they call, with the variables
    these look at, in modules of the user's (:func:`simulator.runner.looked_at.by`). Libraries, and
    this package, count by name alone. What files and environment hold is not read.
    """
    reader = _Reader()
    try:
        with _deeply():
            reader.dump(_held(agent))
    except RecursionError:
        reader.unseen.append("what it holds, nested too deeply")
    digest = hashlib.sha256(reader.written.getvalue()).hexdigest()
    return Reading(digest, tuple(dict.fromkeys(reader.unseen)), tuple(reader.caches))


def digest(agent: Agent) -> str | None:
    """SHA-256 (hex) of an agent; None where something of it cannot be seen."""
    reading = read(agent)
    return None if reading.unseen else reading.digest


def modules(agent: Agent) -> list[ModuleType]:
    """The user's modules its classes are written in."""
    kinds = type(agent).__mro__
    names = {kind.__module__ for kind in kinds if not looked_at.is_of_a_library(kind)}
    return [sys.modules[name] for name in sorted(names) if name in sys.modules]


@contextmanager
def _deeply() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Reader(pickle._Pickler):
    """Writes what pickle would name, functions, classes and modules of the user's, by content.

    The pickler that is written in Python: only that one lets values be told by what they are. In
    another process equal texts are not one object where they are here.
    """

    def __init__(self) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, protocol=5)
        self.unseen: list[str] = []
        self.caches: list[Callable[[], None]] = []

    def memoize(self, obj: Any) -> None:
        if not isinstance(obj, _VALUES):
            super().memoize(obj)  # type: ignore[misc]  # typeshed has none

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        try:
            super().save(obj, save_persistent_id)  # type: ignore[misc]  # typeshed has none
        except RecursionError:
            raise
        except Exception:  # pickling runs the user's code, which may raise anything
            kind = type(obj).__qualname__
            self.unseen.append(f"a {kind} that it holds")
            super().save(f"unseen {kind}")  # type: ignore[misc]

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Unseen):
            self.unseen.append(value.what)
            return _written, (value.what,)
        what = self._content(value)
        # As state, which pickle writes after it has noted the object: it may hold itself.
        return what if what is NotImplemented else (_written, what[:1], what[1:])

    def _content(self, value: Any) -> Any:
        """Name, and what it holds; NotImplemented where pickle writes just that."""
        what: Any = NotImplemented
        if isinstance(value, ModuleType):
            kept = () if looked_at.is_library(value.__name__) else looked_at.variables(value)
            what = value.__name__, kept
        elif isinstance(value, CodeType):
            what = (looked_at.of_code(value),)
        elif isinstance(value, np.dtype):
            what = (repr(value),)
        elif type(value) in (set, frozenset):
            what = type(value).__name__, sorted(value, key=repr)
        elif isinstance(value, property):
            what = "property", value.fget, value.fset, value.fdel
        elif isinstance(value, cached_property):
            what = "cached_property", value.func
        elif isinstance(value, staticmethod | classmethod):
            what = type(value).__name__, value.__func__
        elif isinstance(value, type | FunctionType):
            if not looked_at.is_of_a_library(value):
                of = _of_class(value) if isinstance(value, type) else _of_function(value)
                what = f"{value.__module__}.{value.__qualname__}", of
        elif looked_at.is_of_a_user(type(value)):
            what = type(value).__qualname__, *_held(value)
        elif (plain := _undecorated(value)) is not None:
            if hasattr(value, "cache_clear") and not looked_at.is_of_a_library(plain):
                self.caches.append(value.cache_clear)
            what = type(value).__qualname__, plain
        return what


def _written(*what: Any) -> tuple[Any, ...]:
    """Stands where unpickling would make the object again, which nobody does."""
    return what


def _undecorated(value: Any) -> FunctionType | None:
    """The function that Numba compiles or functools caches; what these remember is no state."""
    if not callable(value):
        return None
    plain = getattr(value, "py_func", getattr(value, "__wrapped__", None))
    return plain if isinstance(plain, FunctionType) else None


def _held(value: Any) -> tuple[Any, ...]:
    """All that an object of a user's class holds: its state, and what pickle is given beside it.

    An agent gives its place away there; so only one with a base of others', which may keep
    something of its own, is asked.
    """
    from simulator.agents.base import Agent

    given = [kind for kind in type(value).__mro__ if looked_at.is_of_a_library(kind)]
    known = all(kind in _EMPTY or kind.__module__.startswith("simulator.") for kind in given)
    if isinstance(value, Agent) and known:
        return type(value), _state(value)
    return type(value), _state(value), value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


def _state(value: Any) -> dict[str, Any]:
    """Attributes and slots by name, whatever the class gives to pickle.

    Of an agent not its place among the agents, which is set when the run is put together.
    """
    from simulator.agents.base import Agent

    held = dict(getattr(value, "__dict__", {}))
    for kind in reversed(type(value).__mro__):
        for name, member in vars(kind).items():
            if isinstance(member, MemberDescriptorType):
                try:
                    held[f"{kind.__qualname__}.{name}"] = member.__get__(value)
                except AttributeError:
                    continue  # nothing is in it
    if isinstance(value, Agent):
        held.pop("index", None)
    return held


def _of_class(kind: type) -> tuple[Any, ...]:
    attributes = {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") or isinstance(value, FunctionType | classmethod | staticmethod)
    }
    # What abc keeps of a class has no contents of its own.
    kept = {n: v for n, v in sorted(attributes.items()) if n != "_abc_impl"}
    return type(kind), kind.__bases__, kept


def _of_function(function: FunctionType) -> tuple[Any, ...]:
    """Its code, what that looks at, and what is kept around it and with it."""
    return (
        function.__code__,
        function.__defaults__,
        function.__kwdefaults__,
        [_in_cell(cell) for cell in function.__closure__ or ()],
        vars(function),
        looked_at.by(function),
    )


def _in_cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return "empty"
