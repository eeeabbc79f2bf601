"""The compiled loop, which runs use, against the plain loop that is held against the contracts.

The plain loop asks agents in Python and the model's kernels one order at a time; the compiled one
has agents, door and books in machine code. Both act on the same model: the same decisions are
demanded of them, and the same state at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import Status
from simulator.verify.comparison import Compiled, errors_of
from simulator.verify.transcript import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.agents.base import Agent
    from simulator.engine.compiled import Loop
    from simulator.market.paths import MarketPaths
    from simulator.verify.transcript import Transcript
    from simulator.world.protocol import Protocol

#: One action on one path: step, kind, status. (The prober acts in others' names.)
_Made = tuple[int, str, str]


def compiled(
    plain: Transcript, protocol: Protocol, agents: Sequence[Agent], market: MarketPaths
) -> Compiled:
    """Run agents, who have not acted yet, compiled on the market of a transcript."""
    from simulator.books.hooks import BOOK
    from simulator.engine.compiled import Loop
    from simulator.model.world import ModelWorld

    world = ModelWorld(protocol, market, BOOK, market.paths)
    loop = Loop(world, agents, np.array([0, market.steps]))
    loop.run()
    state = world.observe()
    ended = {name: [*plain.states[name][:-1], getattr(state, name)] for name in VARIABLES}
    errors = errors_of(ended, plain.states)
    of = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
    ours, theirs = _carried_out(loop, protocol, market), _decisions(plain, market.paths)
    apart = [_apart(mine, other) for mine, other in zip(ours, theirs, strict=True)]
    where = [f"path {market.first_path + path}, {text}" for path, text in enumerate(apart) if text]
    return Compiled(errors[of], of, len(where), where[0] if where else "")


def _carried_out(loop: Loop, protocol: Protocol, market: MarketPaths) -> list[list[_Made]]:
    """What was tried on each path of a compiled run, in order."""
    from simulator.books.events import event_names

    columns, names = loop.records.log.columns(), event_names(protocol)
    found: list[list[_Made]] = [[] for _ in range(market.paths)]
    for path, step, kind, status in zip(
        *(columns[name].tolist() for name in ("path", "step", "action", "status")), strict=True
    ):
        made = step, names["action"][kind], names["status"][status]
        found[path - market.first_path].append(made)
    return found


def _decisions(plain: Transcript, paths: int) -> list[list[_Made]]:
    """What was tried on each path of a transcript, in order."""
    found: list[list[_Made]] = [[] for _ in range(paths)]
    for decision, codes in plain.statuses.items():
        kind = decision.action.split()[0]
        for path in np.flatnonzero(codes != Status.NONE).tolist():
            found[path].append((decision.step, kind, Status(int(codes[path])).name))
    return found


def _apart(ours: list[_Made], theirs: list[_Made]) -> str:
    """Where two lists of decisions part, in words; nothing: they are the same."""
    if ours == theirs:
        return ""
    place = next((k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    if place is None:
        place = min(len(ours), len(theirs))
    said = [" ".join(map(str, one[place][1:])) if place < len(one) else "nothing" for one in
            (ours, theirs)]  # fmt: skip
    step = (ours if place < len(ours) else theirs)[place][0]
    return f"step {step}: compiled {said[0]}, plain {said[1]}"
