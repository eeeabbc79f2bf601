"""Market processes: one module per kind of the ``process:`` section.

Every module has ``add(settings, index, compensators, first_path, paths)``. ``index`` ``[A, T + 1,
P]`` holds each step's jump in the log price on entry and the log price relative to the start on
return; ``compensators`` ``[A]`` are what jumps add to the drift of the price, per year, to be taken
off.
Where returns have an exponential moment (normal shocks, given the past) the expected price grows at
the configured drift; a Student-t has none, and −σ²/2 is taken as for a normal.

Draws come from streams keyed by asset and path, and no kernel mixes paths, so path i is the same to
the bit whatever the chunk; ``gbm``, ``t``, ``dcc``, ``egarch`` and ``regime`` share their normals.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.config.process import AnyProcess
    from simulator.types import Floats


class Process(Protocol):
    """What a module of this package is."""

    def add(
        self,
        settings: MarketSettings,
        index: Floats,
        compensators: Floats,
        first_path: int,
        paths: int,
    ) -> None:
        """Turn the jumps in ``index`` into log prices, in place."""


def of(process: AnyProcess) -> Process:
    """The module that draws a process; imported when first used."""
    return import_module(f"{__name__}.{_MODULES[process.kind]}")


_MODULES = {
    "gbm": "gbm",
    "t": "student",
    "dcc": "dcc",
    "egarch": "egarch",
    "regime": "regime",
    "bootstrap": "bootstrap",
    "factor": "factor",
}
