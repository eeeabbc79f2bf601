"""Latency: what an agent decides at a step is carried out some steps (blocks) later.

An agent with latency k ≥ 1 looks at step t and decides; each of its orders waits, amounts and
limits as decided, and is carried out at its turn of step t + k, before it decides anew, in the
order they were sent. What it is told at once is that nothing was done (``Status.NONE``, amounts 0):
the outcome is not known yet; later it sees it by what it has, and is told nothing. A block is a
step of the run. Quotes are immediate, and say what would be done now. What still waits at the end
of a run is not carried out. Latency 0 is no wait at all. The same in the compiled loop, in plain
Python and on the chain.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.engine.asked import check
from simulator.model.kernel.jit import call_door, inner, record_at
from simulator.model.kernel.record import Path
from simulator.types import InputError
from simulator.world.actions import Fill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

#: Orders of a step that may wait, of one agent on one path.
A_STEP = 64
#: A path's orders of one agent that wait, in a ring: the first of them, how many, room, latency.
HEAD = np.dtype([(name, "i8") for name in ("first", "count", "room", "latency")])
WAITING = np.dtype(
    [
        *((name, "i8") for name in ("due", "kind", "account", "market", "collateral", "leg")),
        *((name, "i8") for name in ("borrower", "seized", "repaid", "position")),
        *((name, "f8") for name in ("amount", "limit", "minimum", "lower", "upper", "usdc")),
    ]
)
_HEAD_SIZE, _ROW_SIZE = HEAD.itemsize, WAITING.itemsize
_head_at, _row_at = record_at(HEAD), record_at(WAITING)


def latency_of(protocol: Protocol, agent: Agent) -> int:
    """Steps that its orders wait."""
    return protocol.agents[agent.index].latency_blocks


def outboxes(latency: int, paths: int) -> NDArray[np.uint8]:
    """Memory for what waits ``[paths, bytes]``: on each path a head and rows behind it."""
    room = A_STEP * latency
    memory = np.zeros((paths, _HEAD_SIZE + room * _ROW_SIZE), np.uint8)
    heads = memory[:, :_HEAD_SIZE].view(HEAD)
    heads["room"], heads["latency"] = room, latency
    return memory


@inner
def send(w: Path) -> bool:
    """Let the path's order wait in the outbox that is open; False: there is no room."""
    outbox, order = w.book.engine.outbox, w.order
    head = _head_at(outbox)
    if head.count == head.room:
        return False
    place = (head.first + head.count) % head.room
    row = _row_at(outbox + _HEAD_SIZE + place * _ROW_SIZE)
    row.due, row.kind = int(w.now.step) + head.latency, order.kind
    row.account, row.market = order.account, order.market
    row.collateral, row.leg = order.collateral, order.leg
    row.borrower, row.seized, row.repaid = order.borrower, order.seized, order.repaid
    row.amount, row.limit, row.minimum = order.amount, order.limit, order.minimum
    row.position, row.usdc = order.position, order.usdc
    row.lower, row.upper = order.lower, order.upper
    head.count += 1
    return True


@inner
def receive(w: Path, agent: int, outbox: int) -> None:
    """Carry out what was sent in time; then the outbox is open for what the agent sends now."""
    head, order = _head_at(outbox), w.order
    while head.count > 0:
        row = _row_at(outbox + _HEAD_SIZE + head.first * _ROW_SIZE)
        if row.due > w.now.step:
            break
        head.count -= 1
        head.first = (head.first + 1) % head.room if head.count > 0 else 0
        order.kind, order.agent, order.quote = row.kind, agent, False
        order.account, order.market = row.account, row.market
        order.collateral, order.leg = row.collateral, row.leg
        order.borrower, order.seized, order.repaid = row.borrower, row.seized, row.repaid
        order.amount, order.limit, order.minimum = row.amount, row.limit, row.minimum
        order.position, order.usdc = row.position, row.usdc
        order.lower, order.upper = row.lower, row.upper
        call_door(w.tables.door.submit, w)
    w.book.engine.outbox = outbox


def too_many(kind: type[Action], who: str) -> str:
    """That more orders wait than there is room for, in the words of an error."""
    return f"{kind.__name__} of {who}: too many orders wait; allowed: {A_STEP} a step, on average"


class Waiting:
    """Actions that wait, in plain Python; of as many as wait in compiled code."""

    def __init__(self, protocol: Protocol, agent: Agent) -> None:
        self._latency, self._protocol = latency_of(protocol, agent), protocol
        self._name = protocol.agents[agent.index].name
        self._sent: deque[tuple[int, Action]] = deque()

    def send(self, step: int, action: Action, paths: int) -> Fill:
        """Let an action wait: nothing is done yet. Its arrays are kept as they are now.

        Raises:
            InputError: it asks for what cannot be, or too many wait.
        """
        check(action, self._protocol)
        if len(self._sent) == A_STEP * self._latency:
            raise InputError(too_many(type(action), self._name))
        kept: Any = {
            field.name: value.copy()
            for field in fields(action)
            if isinstance(value := getattr(action, field.name), np.ndarray)
        }
        self._sent.append((step + self._latency, replace(action, **kept)))
        return Fill.empty(paths)

    def is_due(self, step: int) -> bool:
        """Whether one was sent in time."""
        return bool(self._sent) and self._sent[0][0] <= step

    def next(self) -> Action:
        """The first of them, which waits no more."""
        return self._sent.popleft()[1]


class Delayed(Agent):
    """An agent that sees all paths at once, whose actions wait."""

    def __init__(self, agent: Agent, protocol: Protocol) -> None:
        self.index, self.slot = agent.index, agent.slot
        self.decides, self._waiting = agent, Waiting(protocol, agent)

    def due(self, step: int) -> bool:
        """Where something arrives, too."""
        return self._waiting.is_due(step) or self.decides.due(step)

    def act(self, view: View) -> Actions:
        """What arrives first; then it decides."""
        while self._waiting.is_due(view.step):
            yield self._waiting.next()
        if not self.decides.due(view.step):
            return
        turn, answer = self.decides.act(view), None
        while True:
            try:
                action: Any = turn.send(answer)  # type: ignore[arg-type]  # None begins it
            except StopIteration:
                return
            answer = self._waiting.send(view.step, action, view.market.paths)


def delayed(agent: Agent, protocol: Protocol) -> Agent:
    """An agent that sees all paths at once, with its latency if it has any."""
    return Delayed(agent, protocol) if latency_of(protocol, agent) else agent
