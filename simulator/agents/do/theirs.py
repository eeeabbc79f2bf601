"""How code of a user's is compiled: as Python would run it, or not at all.

Dividing by zero raises, where kernels go on with infinity, and so does looking beside an array.
What a field of whole numbers, or of true and false, is given must be one: Numba would cut off the
rest and say nothing. So it would of an index, and of a power of whole numbers below one. Only
verbs change the protocol.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from typing import Any

from numba.core import errors, ir, types
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import AnnotateTypes
from numba.core.types.misc import unliteral

from simulator.model.kernel.jit import OPTIONS
from simulator.model.kernel.linking import SketchCompiler, WholeCompiler

#: What a field is called, what is kept in it, and what may be: by Numba's type.
_KEPT = (
    (types.Boolean, "bool", "true or false", (types.Boolean,)),
    (types.Integer, "int", "a whole number", (types.Integer, types.Boolean)),
)
_GIVEN = " is given "
_MISGIVEN = re.compile(
    r"(?:(?P<where>\S[^\n]* line \d+): )?(?P<what>\w[^\n:]*" + _GIVEN + r"[^\n]*, as it is [a-z]+)"
)

#: What changes the protocol.
_VERBS = "nothing (verbs change the protocol)"


def is_ours(function: Any) -> bool:
    """Whether a function is of this package."""
    return bool(function.__module__.startswith("simulator."))


def misgiven(text: str) -> tuple[str | None, str] | None:
    """Where something is given what would be cut off, if known, and what is wrong with it."""
    # Line by line: names of record types are lines of a hundred thousand characters, at each of
    # which the search would begin anew.
    for line in text.splitlines():
        if _GIVEN in line and (found := _MISGIVEN.search(line)) is not None:
            return found["where"], found["what"]
    return None


@register_pass(mutates_CFG=False, analysis_only=True)
class _CheckFields(AnalysisPass):  # type: ignore[misc]
    """Refuse to write to a field what would be cut off, and to the protocol anything."""

    _name = "check_fields"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        kinds = state.typemap
        protocols = {
            record
            for kind in kinds.values()
            if getattr(kind, "is_do", False)
            for record in _records(kind.path)
        }
        for block in state.func_ir.blocks.values():
            for one in block.find_insts((ir.SetItem, ir.StaticSetItem)):
                _refuse(one.loc, "do.w", "a number", _VERBS, "shared")
            for one in block.find_insts(ir.SetAttr):
                record = kinds[one.target.name]
                if record in protocols:
                    _refuse(one.loc, "do.w", f"a number for {one.attr}", _VERBS, "shared")
                if isinstance(record, types.Record):
                    given = unliteral(kinds[one.value.name])
                    _check(record.typeof(one.attr), given, one)
            for power in (*block.find_exprs("binop"), *block.find_exprs("inplace_binop")):
                if power.fn in (operator.pow, operator.ipow):
                    _check_power(kinds[power.lhs.name], kinds[power.rhs.name], power)
        return False


def refuse_floats(method: str, indices: set[str], given: dict[str, Any]) -> None:
    """Refuse a method of ``do`` a float for an index, by Numba's types."""
    for name in sorted(indices & given.keys()):
        if isinstance(unliteral(given[name]), types.Float):
            raise errors.TypingError(
                f"do.{method} is given a float for {name}; allowed: a whole number, as it is int"
            )


def _refuse(loc: Any, what: str, given: str, allowed: str, kind: str) -> None:
    """In words that :func:`misgiven` finds in what Numba says."""
    raise errors.TypingError(
        f"{loc.filename} line {loc.line}: {what} is given {given}; allowed: {allowed}, "
        f"as it is {kind}"
    )


def _records(kind: Any) -> Iterator[Any]:
    """Types of records in a bundle of them, and inside those."""
    if isinstance(kind, types.containers.BaseTuple):
        for one in kind:
            yield from _records(one)
    elif isinstance(kind, types.Record):
        yield kind
        for name in kind.fields:
            yield from _records(kind.typeof(name))
    elif isinstance(kind, types.Array):
        yield from _records(kind.dtype)


def _check_power(base: Any, exponent: Any, power: Any) -> None:
    """Of whole numbers, which Python makes a float of where the exponent is below zero."""
    whole = all(isinstance(unliteral(one), types.Integer) for one in (base, exponent))
    if whole and getattr(exponent, "literal_value", -1) < 0:
        what, given = "a ** b of whole numbers", "an exponent that may be below zero"
        _refuse(power.loc, what, given, "float(a) ** b", "int")


def _check(kept: Any, given: Any, written: Any) -> None:
    for kind, name, allowed, fitting in _KEPT:
        if isinstance(kept, kind) and not isinstance(given, fitting):
            said = "a float" if isinstance(given, types.Float) else f"one of type {given}"
            _refuse(written.loc, f"my.{written.attr}", said, allowed, name)


def _checking(compiler: Any) -> Any:
    """A compiler that looks at what fields are given."""

    class Compiler(compiler):  # type: ignore[misc]
        def define_pipelines(self) -> list[Any]:
            (manager,) = super().define_pipelines()
            manager.add_pass_after(_CheckFields, AnnotateTypes)
            manager.finalize()
            return [manager]

    return Compiler


#: Of a function that others call, and of one that the loop calls.
AS_PART = {
    **OPTIONS,
    "pipeline_class": _checking(SketchCompiler),
    "no_cpython_wrapper": True,
    "error_model": "python",
    "boundscheck": True,
}
WHOLE = {**AS_PART, "pipeline_class": _checking(WholeCompiler)}
