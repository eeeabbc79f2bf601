"""Numba's type of a ``do``, and how it is given attributes and methods."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from numba.core import cgutils, types
from numba.extending import (
    intrinsic,
    make_attribute_wrapper,
    models,
    overload_attribute,
    overload_method,
    register_jitable,
    register_model,
)

from simulator.agents.do.theirs import AS_PART, is_ours, refuse_floats
from simulator.model.kernel.jit import OPTIONS
from simulator.model.kernel.linking import SketchCompiler

#: How what only agents call is compiled.
_SKETCH = {"pipeline_class": SketchCompiler, "no_cpython_wrapper": True, **OPTIONS}


class DoType(types.Type):
    """Numba's type of a ``do``: a path and the index of who acts."""

    is_do = True

    def __init__(self, path: Any) -> None:
        self.path = path
        super().__init__(f"Do({path})")


@register_model(DoType)
class _DoModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: DoType) -> None:
        super().__init__(manager, kind, [("w", kind.path), ("agent", types.int64)])


make_attribute_wrapper(DoType, "w", "w")
make_attribute_wrapper(DoType, "agent", "agent")


@intrinsic
def make_do(_typing: Any, w: Any, agent: Any) -> Any:
    """The ``do`` of an agent on a path."""
    kind = DoType(w)

    def emit(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        made = cgutils.create_struct_proxy(kind)(context, builder)
        made.w, made.agent = given
        return made._getvalue()

    return kind(w, types.int64), emit


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that agents call, of ``do`` and whatever else: compiled with them, or plain."""
    function.is_part = True  # type: ignore[attr-defined]  # a worker's copy is told by it
    return register_jitable(**(_SKETCH if is_ours(function) else AS_PART))(function)


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    """What Numba asks for the body of an attribute or a method, with the same parameters."""
    return functools.wraps(function)(lambda *_types, **_named: function)


def seen(function: Callable[..., Any]) -> None:
    """An attribute of ``do``."""
    overload_attribute(DoType, function.__name__, jit_options=_SKETCH)(_same(function))


def can(function: Callable[..., Any]) -> None:
    """A method of ``do``; what is said to be ``int`` of its parameters is an index."""
    takes = inspect.signature(function)
    indices = {one.name for one in takes.parameters.values() if one.annotation == "int"}

    @functools.wraps(function)
    def choose(*kinds: Any, **named: Any) -> Callable[..., Any]:
        refuse_floats(function.__name__, indices, takes.bind(*kinds, **named).arguments)
        return function

    overload_method(DoType, function.__name__, jit_options=_SKETCH)(choose)
