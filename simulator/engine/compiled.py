"""The compiled loop: path by path, step by step, so that a path stays in the nearest cache.

A block of steps is laid out path by path first. Where an agent must see all paths at once (NumPy),
its step is taken apart: what comes before it, it, what comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from simulator.agents.base import Agent, View
from simulator.agents.do import make_do
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import advanced, stepped
from simulator.books.keeper import Books
from simulator.books.recorder import Kept, Records, keep
from simulator.engine.beside import beside
from simulator.engine.counted import counted
from simulator.engine.crew import Crew, path_type
from simulator.engine.door import DOOR, door, enter_all
from simulator.engine.indices import fault
from simulator.engine.latency import delayed, receive
from simulator.engine.loop import take_turn
from simulator.engine.raised import told_of
from simulator.engine.turns import block_order
from simulator.model.batch import path_of
from simulator.model.kernel.jit import call_turn, copy_record, inner, kernel, often
from simulator.model.kernel.record import Path, Paths, Record
from simulator.model.known import forget
from simulator.model.moments import lay_out
from simulator.model.world import begin_step
from simulator.types import InputError
from simulator.world.absence import BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from simulator.model.world import ModelWorld
    from simulator.types import Floats

#: Steps laid out at a time.
BLOCK = 64
_advanced, _stepped, _keep, _receive = advanced, stepped, keep, receive
_begin_step = begin_step


@inner
def _begin(w: Path) -> None:
    """What happens at a step before anybody acts, and that it is noted."""
    _begin_step(w)
    _advanced(w)


@kernel
def _run(paths: Paths, feed: Record, turns: Record, span: Any, kept: Kept) -> None:
    """From place ``span[0], span[1]`` of the block up to place ``span[2], span[3]``: step, turn.

    Turn -1: before the step begins. Whose turn it is stands in ``span[4]``. Moments of the paths
    are those of the last step that has begun.
    """
    paths.known[0].kept = True
    last = span[2] - (span[3] < 0)
    for i in range(paths.states.size):
        for step in range(span[0], span[2] + (span[3] >= 0)):
            w = path_of(paths, i, feed[i, step])
            forget(w)  # this is another path, or another step
            first = span[1] if step == span[0] else -1
            if first < 0:
                _begin(w)
            for k in range(max(first, 0), span[3] if step == span[2] else turns.size):
                turn = turns[k]
                if turn.agent < BITS and (w.now.down >> turn.agent) & 1 == 1:
                    continue
                if turn.outbox != 0:
                    _receive(w, turn.agent, turn.outbox + i * turn.outbox_stride)
                # What came of others' orders is not the agent's to see.
                w.order.amount_in, w.order.amount_out = 0.0, 0.0
                span[4] = k
                call_turn(turn.code, make_do(w, turn.agent), turn.mind + i * turn.stride)
                w.book.engine.outbox = 0
            if step < span[2]:
                _stepped(w)
                _keep(w, kept, i)
        copy_record(paths.moments[i], feed[i, last])  # here it is near; NumPy goes field by field
    paths.known[0].kept = False


_run_often = often(_run)


class Loop:
    """A run of the model with books, a block of steps at a time; ``points``: steps of the fan."""

    def __init__(
        self, world: ModelWorld, agents: Sequence[Agent], points: NDArray[np.int64]
    ) -> None:
        self.world, self.books = world, Books(world)
        self.records = Records(world, points)
        self._agents = agents
        scalar = [agent for agent in agents if isinstance(agent, ScalarAgent)]
        self._drawn = world.drawn()
        self._feed = np.zeros((world.market.paths, BLOCK), world.paths.moments.dtype)
        kind = path_type(world.paths)
        with beside(DOOR, lambda: door(kind)):
            self._crew = Crew.of(scalar, world.paths, world.protocol)
            _run.compile(tuple(map(numba.typeof, self._given((0, 0), (0, 0)))))
        world.tables.record["door"]["submit"] = door(kind)
        # What scalar agents remember [paths], by index.
        self._minds = self._crew.minds
        # Of those who must see all paths at once: after how many of the others' turns each has its.
        order = block_order(agents, world.protocol)
        self._between = [
            (
                sum(turn.act is not None for turn in order[:place]),
                delayed(agent, world.protocol),
            )
            for place, (agent, act) in enumerate(order)
            if act is None
        ]

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
        minds = self._minds
        return counted(
            self.world,
            self._agents,
            lambda agent, name: (
                minds[agent.index][name] if agent.index in minds else getattr(agent, name)
            ),
        )

    def _block(self, first: int, last: int) -> None:
        lay_out(self._drawn, self._feed, np.array([first, last, self.world.market.step_seconds]))
        place, told = (0, -1), 0
        for step in range(last - first):
            for turn, agent in self._between:
                down = self.world.protocol.is_down(agent.index, first + step)
                if not down and agent.due(first + step):
                    place = self._run(place, (step, turn))
                    self.world.put_back(self._feed, told, step + 1, first)
                    told = step + 1
                    self._see_all(first + step, agent)
        self._run(place, (last - first, -1))
        self.world.put_back(self._feed, told, last - first, first)

    def _run(self, begin: tuple[int, int], end: tuple[int, int]) -> tuple[int, int]:
        """What compiled code does from one place of the block, a step and a turn, to another."""
        given = self._given(begin, end)
        *_, span, _ = given
        try:
            with told_of(lambda: self._crew.whose[span[4]] if span[4] >= 0 else None):
                _run_often(*given)
        except InputError:  # it may have come of something it looked at that is not there
            self._refuse_faults()
            raise
        return end

    def _given(self, begin: tuple[int, int], end: tuple[int, int]) -> tuple[Any, ...]:
        span = np.array([*begin, *end, -1])
        return self.world.paths, self._feed, self._crew.turns, span, self.records.kept

    def _see_all(self, step: int, agent: Agent) -> None:
        """The turn of somebody who acts on all paths at once."""
        world = self.world
        world.changed()
        view = View(step, world.market, world.protocol, world)
        take_turn(agent, view, lambda action: world.execute(action, enter_all))

    def _refuse_faults(self) -> None:
        """Raise :class:`InputError` where an agent asked for what cannot be."""
        bad = np.flatnonzero(self.world.paths.books["engine"]["fault"])
        if bad.size:
            book = self.world.paths.books["engine"][bad[0]]
            raise InputError(f"{fault(book, self.world.protocol)} (path {bad[0]})")
