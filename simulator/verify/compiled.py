"""The compiled loop, which runs use, against the plain loop that is held against the contracts.

The plain loop asks agents in Python and the model's kernels one order at a time; the compiled one
has agents, door and books in machine code. Both act on the same model: of every action the same
sender, place, outcome and amounts are demanded of them, and at the end the same state and books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.verify.comparison import TOLERANCE, Compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.agents.base import Agent
    from simulator.books.recorder import Records
    from simulator.engine import Observer
    from simulator.market.paths import MarketPaths
    from simulator.model.world import ModelWorld
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

_DECIDED = ("step", "agent", "action", "account", "market", "status")
_AMOUNTS = ("amount_in", "amount_out")


class Beside:
    """The model in plain Python with its books, and the compiled loop on the same paths.

    Attributes:
        world: the model that the plain loop is to run.
        observers: who keeps its books and writes down what is tried, to watch it.
    """

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        from simulator.books.hooks import BOOK
        from simulator.books.keeper import Books
        from simulator.books.recorder import Records
        from simulator.model.world import ModelWorld

        self.world = ModelWorld(protocol, market, BOOK, market.paths)
        self._records = Records(self.world, np.array([0, market.steps]))
        self.observers: list[Observer] = [Books(self.world), self._records]

    def compiled(self, agents: Sequence[Agent], counted: dict[str, Floats]) -> Compiled:
        """Run agents, who have not acted yet, compiled, and hold it against what was plain.

        ``counted``: what those of one's own counted there (:func:`simulator.engine.simulate`).
        """
        from simulator.books.hooks import BOOK
        from simulator.engine.compiled import Loop
        from simulator.model.world import ModelWorld

        plain, market = self.world, self.world.given
        world = ModelWorld(plain.protocol, market, BOOK, market.paths)
        loop = Loop(world, agents, np.array([0, market.steps]))
        loop.run()
        errors = dict(_errors(plain.paths.states, world.paths.states, "state"))
        errors |= dict(_errors(plain.paths.books, world.paths.books, "books"))
        for name, values in loop.counted().items():
            errors |= dict(_errors(counted[name], values, f"metrics.{name}"))
        of = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
        apart = list(_apart(plain, self._records, loop.records))
        return Compiled(errors[of], of, len(apart), apart[0] if apart else "")


def _errors(plain: Any, compiled: Any, name: str) -> Iterator[tuple[str, float]]:
    """Of each number of records ``[P]``, relative to the largest over paths, which is at least 1.

    What is nothing is nothing in both; NaN is like NaN only.
    """
    if plain.dtype.names:
        for below in plain.dtype.names:
            yield from _errors(plain[below], compiled[below], f"{name}.{below}")
    elif plain.size:
        ours, theirs = plain.astype(np.float64), compiled.astype(np.float64)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        largest = np.max(np.abs(ours), initial=1.0, where=np.isfinite(ours))
        with np.errstate(invalid="ignore"):  # of what is infinite in both
            off: Floats = np.where(same, 0.0, np.abs(ours - theirs) / largest)
        yield name, float(np.max(off))


def _apart(world: ModelWorld, plain: Records, compiled: Records) -> Iterator[str]:
    """Where what was tried parts, in words: of each path on which it does."""
    ours, theirs = compiled.log.columns(), plain.log.columns()
    for path in range(world.market.first_path, world.market.first_path + world.market.paths):
        mine, other = (
            {name: column[log["path"] == path] for name, column in log.items()}
            for log in (ours, theirs)
        )
        place = _first(mine, other)
        if place is not None:
            said = [_said(world.protocol, log, place) for log in (mine, other)]
            yield f"path {path}: compiled {said[0]}; plain {said[1]}"


def _first(ours: dict[str, Any], theirs: dict[str, Any]) -> int | None:
    """The first row in which they are not the same; None: there is none."""
    shared = min(len(ours["step"]), len(theirs["step"]))
    off = np.zeros(shared, np.bool_)
    for name in _DECIDED:
        off |= ours[name][:shared] != theirs[name][:shared]
    for name in _AMOUNTS:
        mine, other = ours[name][:shared], theirs[name][:shared]
        off |= ~(np.abs(mine - other) <= TOLERANCE * np.abs(other))
    if off.any():
        return int(np.argmax(off))
    return None if len(ours["step"]) == len(theirs["step"]) else shared


def _said(protocol: Protocol, log: dict[str, Any], place: int) -> str:
    """A row of what was tried, in words."""
    from simulator.books.events import event_names

    if place >= len(log["step"]):
        return "nothing more"
    row, names = {name: column[place] for name, column in log.items()}, event_names(protocol)
    agent, kind = names["agent"][row["agent"]], names["action"][row["action"]]
    where = "".join(f" {name} {row[name]}" for name in ("account", "market") if row[name] >= 0)
    status = names["status"][row["status"]]
    amounts = f"{row['amount_in']:.10g} for {row['amount_out']:.10g}"
    return f"step {row['step']}, {agent}: {kind}{where} {status} ({amounts})"
