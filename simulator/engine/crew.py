"""Agents as compiled code is given them: where each lies, and where what it remembers does."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from simulator.agents.compiling import compile_act
from simulator.engine.latency import latency_of, outboxes
from simulator.engine.turns import block_order
from simulator.model.batch import path_of
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.agents.base import Agent
    from simulator.model.kernel.record import Paths
    from simulator.world.protocol import Protocol

_KINDS = {"float": "f8", "int": "i8", "bool": "?"}
#: One agent that is compiled: its index, its code, its first record, and how far the next one is;
#: and the same of where its orders wait, 0: they do not.
TURN = np.dtype(
    [(name, "i8") for name in ("agent", "code", "mind", "stride", "outbox", "outbox_stride")]
)


def path_type(paths: Paths) -> Any:
    """Numba's type of one of the paths."""
    return numba.typeof(path_of.py_func(paths, 0, paths.moments[0]))


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


def _number(agent: Agent, name: str, kind: str) -> Any:
    """A field's value; of an ``int`` or a ``bool`` one that is as it is written."""
    value = getattr(agent, name)
    allowed = {"f": (int, float), "i": (int,), "b": (bool,)}[kind]
    given = value.item() if isinstance(value, np.generic) else value
    if not isinstance(given, allowed) or (kind == "i" and isinstance(given, bool)):
        words = {"f": "a number", "i": "a whole number", "b": "true or false"}[kind]
        raise InputError(f"{type(agent).__name__}.{name} = {value!r}: allowed: {words}")
    return given


@dataclass(frozen=True, eq=False)
class Crew:
    """Compiled agents in block order, and the records they remember things in."""

    turns: Any  # TURN, one each
    whose: list[Agent]  # of each turn
    minds: dict[int, Any]  # by agent's index, [paths]; kept alive while code points to them
    outboxes: dict[int, Any]  # of those with latency, [paths, bytes]; as well

    @staticmethod
    def of(agents: Sequence[Agent], paths: Paths, protocol: Protocol) -> Crew:
        """Compile them for the paths, each turn of theirs."""
        kind, count = path_type(paths), paths.states.size
        minds = {agent.index: _mind(agent, count) for agent in agents}
        boxes = {
            agent.index: outboxes(latency, count)
            for agent in agents
            if (latency := latency_of(protocol, agent))
        }
        order = block_order(agents, protocol)
        turns = np.zeros(len(order), TURN)
        for turn, (agent, act) in zip(turns, order, strict=True):
            mind = minds[agent.index]
            own = type(agent).__module__.startswith("simulator.")
            turn["agent"] = agent.index
            turn["code"] = compile_act(act, kind, numba.typeof(mind[0]), cached=own)
            turn["mind"], turn["stride"] = mind.ctypes.data, mind.dtype.itemsize
            if (box := boxes.get(agent.index)) is not None:
                turn["outbox"], turn["outbox_stride"] = box.ctypes.data, box.strides[0]
        return Crew(turns, [agent for agent, _ in order], minds, boxes)


def _mind(agent: Agent, count: int) -> Any:
    """What it remembers on so many paths, as it is at the start."""
    mind = np.zeros(count, mind_dtype(agent))
    for name in mind.dtype.names or ():
        if name != "nothing":
            mind[name] = _number(agent, name, mind.dtype[name].kind)
    return mind
