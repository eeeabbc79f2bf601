"""What code looks at outside itself: variables of its module, modules of the user's, imports."""

from __future__ import annotations

import dis
import hashlib
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
#: Ways to code that no reading of the instructions finds.
_MADE_UP = frozenset({"eval", "exec"})
_IMPORTERS = frozenset({"__import__", "import_module"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Unseen:
    """Stands for something that cannot be looked at; ``what`` says it in a few words."""

    def __init__(self, what: str) -> None:
        self.what = what


def by(function: FunctionType) -> dict[str, Any]:
    """What a function, and those written in it, take from outside, by name; sorted.

    Of a module of the user's only the attributes that the instructions name; where it is used in
    any other way (handed on, ``getattr``), and where it is imported inside the function, the module
    itself stands there, which counts with all its variables.
    """
    found = _found(function.__code__, function.__globals__)
    return {name: found[name] for name in sorted(found)}


def variables(module: ModuleType) -> dict[str, Any]:
    """A module's variables by name, sorted, without those that Python keeps there."""
    return _without_dunders(vars(module))


def _without_dunders(known: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted(name for name in known if not (name.startswith("__") and name.endswith("__")))
    return {name: known[name] for name in names}


def _found(code: CodeType, known: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    steps = list(dis.get_instructions(code))
    for place, step in enumerate(steps):
        name = step.argval
        if step.opname in _GLOBALS and name in known:
            name, value = _along(name, known[name], steps[place + 1 :])
            found[name] = value
        elif step.opname in _GLOBALS and name in _MADE_UP:
            found[name] = Unseen(f"code that it makes up by {name}")
        elif step.opname in _GLOBALS and name == "globals":
            found["globals()"] = _without_dunders(known)
        elif step.opname == "IMPORT_NAME":
            level, names = (before.argval for before in steps[place - 2 : place])
            found |= _imported(name, level, names or (), known)
        if step.opname in _GLOBALS | _ATTRIBUTES and step.argval in _IMPORTERS:
            found |= _named(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _found(constant, known)
    return found


def _along(name: str, value: Any, steps: Iterable[dis.Instruction]) -> tuple[str, Any]:
    """Follow attributes of modules: of ``pkg.sub.size()`` the function, not all of ``pkg``."""
    for step in steps:
        of_a_module = isinstance(value, ModuleType) and not is_library(value.__name__)
        if step.opname not in _ATTRIBUTES or not of_a_module or not hasattr(value, step.argval):
            break
        name, value = f"{name}.{step.argval}", getattr(value, step.argval)
    return name, value


def _imported(name: str, level: int, names: Iterable[str], known: dict[str, Any]) -> dict[str, Any]:
    """What an ``import`` inside a function gives; importing it now, as the first call would."""
    if level == 0 and is_library(name):
        return {}
    try:
        module = __import__(name, known, None, tuple(names), level)
    except Exception as error:  # a user's module may raise anything; its import will say it again
        return {f"import {name}": type(error).__name__}
    if not names:
        return {f"import {name}": module}
    return {f"import {name}.{below}": getattr(module, below, None) for below in names}


def _named(code: CodeType) -> dict[str, Any]:
    """Modules that code imports by a name in it; what it computes instead nobody can see."""
    found: dict[str, Any] = {}
    for text in code.co_consts:
        named = isinstance(text, str) and text.replace(".", "").isidentifier()
        if named and _origin(text.partition(".")[0]) is not None:
            found |= {f"import {text}": text} | _imported(text, 0, (), {})
    return found or {"import": Unseen("a module that it imports by a name it computes")}


def of_code(code: CodeType) -> str:
    """Digest of what is executed, wherever in a file it is written."""
    constants = [
        of_code(constant)
        if isinstance(constant, CodeType)
        else repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)
        for constant in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
    return hashlib.sha256(repr((code.co_code, constants, names)).encode()).hexdigest()


def is_of_a_library(value: type | FunctionType) -> bool:
    """Whether a name is enough: what it stands for changes with an installation only."""
    module = sys.modules.get(value.__module__ or "")
    found: Any = module
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    # Code that is executed without a module's name says it is of `builtins`.
    return found is value and module is not None and is_library(module.__name__)


def is_of_a_user(kind: type) -> bool:
    """Whether a class is the user's; of Python's own some cannot be found by their names."""
    return not (_is_pythons(kind.__module__) or is_of_a_library(kind))


def _is_pythons(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


@cache
def is_library(name: str) -> bool:
    """Whether a module is Python's, this package's or an installed one's, imported yet or not."""
    top = name.partition(".")[0]
    if top == "__main__":  # in a worker it is a file of the library that began it
        return False
    if _is_pythons(name) or top == "simulator":
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or _origin(top)
    return file is not None and not _INSTALLED.isdisjoint(Path(file).resolve().parts)


def _origin(top: str) -> str | None:
    """File, or folder, that a module of the first level would be imported from."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: imported, and without a specification
        return None
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or ()), None)
