"""The compiled loop: path by path, step by step, so that a path stays in the nearest cache.

A block of steps is laid out path by path first. Where an agent must see all paths at once (NumPy),
its step is taken apart: what comes before it, it, what comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import Agent, View
from simulator.agents.do import make_do
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import advanced, stepped
from simulator.books.keeper import Books
from simulator.books.recorder import Kept, Records, keep
from simulator.engine.counted import counted
from simulator.engine.crew import TURN, Crew, path_type
from simulator.engine.door import door
from simulator.engine.indices import fault
from simulator.engine.latency import delayed, receive
from simulator.engine.loop import take_turn
from simulator.model.kernel.jit import call_turn, inner, kernel
from simulator.model.kernel.record import Path, Paths, Record
from simulator.model.moments import drawn_of, lay_out
from simulator.model.pools.uniswap_v3.pool import set_depth
from simulator.model.venues.perps.covariance import arrive
from simulator.model.venues.perps.depth import set_skew_scale
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from simulator.model.world import ModelWorld
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

#: Steps laid out at a time.
BLOCK = 64
_advanced, _stepped, _keep, _receive = advanced, stepped, keep, receive


@inner
def _begin(w: Path) -> None:
    """What happens at a step before anybody acts."""
    set_depth(w.tables.pool, w.state.pool, w.now.pool_depth)
    set_skew_scale(w)
    arrive(w)
    _advanced(w)


@kernel
def _run(paths: Paths, feed: Record, turns: Record, span: Any, kept: Kept) -> None:
    """Steps ``span[0]`` … ``span[1] − 1`` of the block.

    ``span[2]``, ``span[3]``: whether they begin and end here, or somebody acts before or after.
    """
    for i in range(paths.states.size):
        for step in range(span[0], span[1]):
            w = Path(
                paths.tables[0],
                paths.states[i],
                feed[i, step],
                paths.saved[0],
                paths.saved[1],
                paths.orders[i],
                paths.books[i],
                paths.logs[min(i, paths.logs.size - 1)],
            )
            if span[2] != 0:
                _begin(w)
            for k in range(turns.size):
                turn = turns[k]
                if turn.outbox != 0:
                    _receive(w, turn.agent, turn.outbox + i * turn.outbox_stride)
                call_turn(turn.code, make_do(w, turn.agent), turn.mind + i * turn.stride)
                w.book.engine.outbox = 0
            if span[3] != 0:
                _stepped(w)
                _keep(w, kept, i)


class Segments:
    """Agents in block order, cut where one must see all paths at once."""

    def __init__(self, agents: Sequence[Agent], paths: Paths, protocol: Protocol) -> None:
        self.parts: list[Crew | Agent] = []
        run: list[Agent] = []
        for agent in agents:
            if isinstance(agent, ScalarAgent):
                run.append(agent)
                continue
            if run:
                self.parts.append(Crew.of(run, paths, protocol))
            run = []
            self.parts.append(delayed(agent, protocol))
        if run:
            self.parts.append(Crew.of(run, paths, protocol))
        self.all = [part for part in self.parts if isinstance(part, Crew)]
        scalar = [agent.index for agent in agents if isinstance(agent, ScalarAgent)]
        of_each = [mind for crew in self.all for mind in crew.minds]
        #: What scalar agents remember ``[paths]``, by index.
        self.minds: dict[int, Any] = dict(zip(scalar, of_each, strict=True))
        self.whole = np.concatenate([crew.turns for crew in self.all] or [np.zeros(0, TURN)])

    def due(self, step: int) -> bool:
        """Whether somebody who sees all paths at once acts at a step."""
        return any(isinstance(part, Agent) and part.due(step) for part in self.parts)


class Loop:
    """A run of the model with books, a block of steps at a time; ``points``: steps of the fan."""

    def __init__(
        self, world: ModelWorld, agents: Sequence[Agent], points: NDArray[np.int64]
    ) -> None:
        self.world, self.books = world, Books(world)
        self.records = Records(world, points)
        self._agents, self._segments = agents, Segments(agents, world.paths, world.protocol)
        world.tables.record["door"]["submit"] = door(path_type(world.paths))
        self._drawn = drawn_of(world.market)
        self._feed = np.zeros((world.market.paths, BLOCK), world.paths.moments.dtype)

    def run(self, report: Callable[[int], None] | None = None) -> None:
        """All steps; ``report`` is told of path-steps done."""
        last = self.world.market.steps + 1
        for first in range(0, last, BLOCK):
            self._block(first, min(first + BLOCK, last))
            self.records.take()
            self._refuse_faults()
            if report is not None:
                report(self.world.market.paths * (min(first + BLOCK, last) - max(first, 1)))

    def counted(self) -> dict[str, Floats]:
        """What agents of one's own counted, by column."""
        minds = self._segments.minds
        return counted(
            self.world,
            self._agents,
            lambda agent, name: (
                minds[agent.index][name] if agent.index in minds else getattr(agent, name)
            ),
        )

    def _block(self, first: int, last: int) -> None:
        lay_out(self._drawn, self._feed, np.array([first, last, self.world.market.step_seconds]))
        since = first
        for step in range(first, last):
            if self._segments.due(step):
                self._many(since - first, step - first)
                self._one(step, step - first)
                since = step + 1
        self._many(since - first, last - first)
        self.world.paths.moments[:] = self._feed[:, last - first - 1]

    def _many(self, begin: int, end: int) -> None:
        """Steps of the block on which compiled agents act alone."""
        if begin < end:
            self._call(self._segments.whole, begin, end, (1, 1))

    def _one(self, step: int, place: int) -> None:
        """A step on which somebody acts who sees all paths at once."""
        world, nobody = self.world, np.zeros(0, TURN)
        world.paths.moments[:] = self._feed[:, place]
        self._call(nobody, place, place + 1, (1, 0))
        view = View(step, world.market, world.protocol, world)
        for part in self._segments.parts:
            if isinstance(part, Crew):
                self._call(part.turns, place, place + 1, (0, 0))
            elif part.due(step):
                world.changed()
                take_turn(step, world, part, view, [self.books])
        self._call(nobody, place, place + 1, (0, 1))

    def _call(self, turns: Any, begin: int, end: int, ends: tuple[int, int]) -> None:
        _run(self.world.paths, self._feed, turns, np.array([begin, end, *ends]), self.records.kept)

    def _refuse_faults(self) -> None:
        """Raise :class:`InputError` where an agent asked for what cannot be."""
        bad = np.flatnonzero(self.world.paths.books["engine"]["fault"])
        if bad.size:
            book = self.world.paths.books["engine"][bad[0]]
            raise InputError(f"{fault(book, self.world.protocol)} (path {bad[0]})")
