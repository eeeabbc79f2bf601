"""How compiled functions become machine code: once, as a whole, where Python calls them.

Numba finishes every function by itself: it links in what the function calls, optimises that and
emits machine code, which for one that only kernels call is thrown away. Here such a function stops
as a sketch, LLVM's intermediate code; the kernel links the sketches it reaches and optimises once.
That halves the time compilation takes. It subclasses private parts of Numba (0.68).
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import AnnotateTypes


class _NoEnvironment:
    """A code generator for what has no memory yet: a function's environment is not put anywhere.

    It is needed only to raise or to print, which sketches do not.
    """

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def set_env(self, name: str, env: Any) -> None:
        """Nowhere to put it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)


class Sketch(JITCodeLibrary):  # type: ignore[misc]
    """A function that is typed and lowered, and neither optimised nor made machine code."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Leave it as it is."""
        self._raise_if_finalized()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """None: it has no address."""
        return 0

    @property
    def codegen(self) -> Any:
        """The code generator, without environments."""
        return _NoEnvironment(self._codegen)


class Whole(JITCodeLibrary):  # type: ignore[misc]
    """A kernel, with all that it reaches through sketches."""

    def finalize(self) -> None:
        """Link every sketch, then optimise and emit machine code."""
        reached: dict[Any, None] = {}
        _reach(self, reached)
        # Callers first: LLVM links a function meant for inlining only where something refers to it.
        self._linking_libraries = list(reached)[::-1]
        self._own = {one.name for one in self._final_module.functions if not one.is_declaration}
        super().finalize()

    def _optimize_final_module(self) -> None:
        """Close the kernel: what it reaches is its own copy, which no other object can stand for.

        Numba names a function by its place in the order of this process's definitions. In objects
        that two processes compiled, two functions made in one place of the source (by a factory)
        can bear one name, and the loader takes the first for both.
        """
        for one in self._final_module.functions:
            if not one.is_declaration and one.name not in self._own:
                one.linkage = "internal"
        super()._optimize_final_module()


def _reach(library: Any, reached: dict[Any, None]) -> None:
    """Every library below, callees first."""
    for other in library._linking_libraries:
        if other not in reached:
            if isinstance(other, Sketch):
                _reach(other, reached)
            reached[other] = None


def _compiler(library: type[JITCodeLibrary]) -> type[CompilerBase]:
    """Numba's own compiler, but for the kind of library a function is put into."""

    @register_pass(mutates_CFG=False, analysis_only=True)
    class Choose(AnalysisPass):  # type: ignore[misc]
        _name = f"into_{library.__name__.lower()}"

        def __init__(self) -> None:
            AnalysisPass.__init__(self)

        def run_pass(self, state: Any) -> bool:
            codegen = state.targetctx.codegen()
            state.library = library(codegen, state.func_id.func_qualname)
            state.library.enable_object_caching()
            return False

    class Compiler(CompilerBase):  # type: ignore[misc]
        def define_pipelines(self) -> list[Any]:
            manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
            manager.add_pass_after(Choose, AnnotateTypes)
            manager.finalize()
            return [manager]

    return Compiler


SketchCompiler, WholeCompiler = _compiler(Sketch), _compiler(Whole)
