"""Agents as compiled code is given them: where each lies, and where what it remembers does."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from simulator.agents.do import compile_act
from simulator.model.kernel.record import Path
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.agents.base import Agent
    from simulator.model.kernel.record import Paths

_KINDS = {"float": "f8", "int": "i8", "bool": "?"}
#: One agent that is compiled: its index, its code, its first record, and how far the next one is.
TURN = np.dtype([("agent", "i8"), ("code", "i8"), ("mind", "i8"), ("stride", "i8")])


def path_type(paths: Paths) -> Any:
    """Numba's type of one of the paths."""
    return numba.typeof(
        Path(
            paths.tables[0],
            paths.states[0],
            paths.moments[0],
            paths.saved[0],
            paths.saved[1],
            paths.orders[0],
            paths.books[0],
            paths.logs[0],
        )
    )


def mind_dtype(agent: Agent) -> np.dtype[Any]:
    """The record of an agent: its settings and what it remembers, field by field."""
    found = []
    for field in fields(agent):  # type: ignore[arg-type]
        kind = getattr(field.type, "__name__", str(field.type))
        if kind not in _KINDS:
            raise InputError(
                f"{type(agent).__name__}.{field.name}: {kind}; allowed: {', '.join(_KINDS)}"
            )
        found.append((field.name, _KINDS[kind]))
    return np.dtype(found or [("nothing", "f8")], align=True)


@dataclass(frozen=True, eq=False)
class Crew:
    """Compiled agents in block order, and the records they remember things in."""

    turns: Any  # TURN, one each
    minds: list[Any]  # by agent, [paths]; kept alive while code points to them

    @staticmethod
    def of(agents: Sequence[Agent], paths: Paths) -> Crew:
        """Compile them for the paths."""
        kind, count = path_type(paths), paths.states.size
        turns, minds = np.zeros(len(agents), TURN), []
        for turn, agent in zip(turns, agents, strict=True):
            mind = np.zeros(count, mind_dtype(agent))
            for name in mind.dtype.names or ():
                if name != "nothing":
                    mind[name] = getattr(agent, name)
            minds.append(mind)
            own = type(agent).__module__.startswith("simulator.")
            turn["agent"] = agent.index
            turn["code"], _ = compile_act(type(agent).act, kind, numba.typeof(mind[0]), own)
            turn["mind"], turn["stride"] = mind.ctypes.data, mind.dtype.itemsize
        return Crew(turns, minds)
