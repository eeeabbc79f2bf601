"""How code of a user's is compiled: as Python would run it, or not at all.

Dividing by zero raises, where kernels go on with infinity, and so does looking beside an array.
What a field of whole numbers, or of true and false, is given must be one: Numba would cut off the
rest and say nothing.
"""

from __future__ import annotations

import re
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
_MISGIVEN = re.compile(
    r"(?P<where>\S[^\n]* line \d+): (?P<what>my\.\w+ is given [^\n]*, as it is \w+)"
)


def is_ours(function: Any) -> bool:
    """Whether a function is of this package."""
    return bool(function.__module__.startswith("simulator."))


def misgiven(text: str) -> tuple[str, str] | None:
    """Where a field is given what it cannot hold, and what is wrong; of what Numba says."""
    found = _MISGIVEN.search(text)
    return None if found is None else (found["where"], found["what"])


@register_pass(mutates_CFG=False, analysis_only=True)
class _CheckFields(AnalysisPass):  # type: ignore[misc]
    """Refuse to write to a field of a record what would be cut off."""

    _name = "check_fields"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        for block in state.func_ir.blocks.values():
            for one in block.find_insts(ir.SetAttr):
                record = state.typemap[one.target.name]
                if isinstance(record, types.Record):
                    given = unliteral(state.typemap[one.value.name])
                    _check(record.typeof(one.attr), given, one)
        return False


def _check(kept: Any, given: Any, written: Any) -> None:
    for kind, name, allowed, fitting in _KEPT:
        if isinstance(kept, kind) and not isinstance(given, fitting):
            said = "a float" if isinstance(given, types.Float) else f"one of type {given}"
            raise errors.TypingError(
                f"{written.loc.filename} line {written.loc.line}: my.{written.attr} is given "
                f"{said}; allowed: {allowed}, as it is {name}"
            )


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
