"""Whose turn it is within a step: those who act first of all, everybody, those who act last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.agents.scalar import ScalarAgent
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.agents.base import Agent
    from simulator.world.protocol import Protocol


class Turn(NamedTuple):
    """A turn of an agent; ``act``: its function, None of one that sees all paths at once."""

    agent: Agent
    act: Any


def block_order(agents: Sequence[Agent], protocol: Protocol) -> list[Turn]:
    """All turns of a step: ``act_first`` of those who have it, ``act`` of all, ``act_last``.

    Each in the agents' order, the last ones the other way round: who stands around somebody who
    stands around a third is outermost on both sides. One that is ``around`` somebody who is there
    has its own turn right before that one's, and ``act_last`` right after it.
    """
    _check_bids(agents, protocol)
    beside = {agent.index: _whom(agent, agents, protocol) for agent in agents}
    _check(agents, beside, protocol)
    free = [agent for agent in agents if beside[agent.index] is None]
    scalar = [one for one in agents if isinstance(one, ScalarAgent)]
    return [
        *(Turn(one, type(one).act_first) for one in scalar if type(one).act_first),
        *(turn for agent in free for turn in _own(agent, agents, beside)),
        *(
            Turn(one, type(one).act_last)
            for one in reversed(scalar)
            if type(one).act_last and one in free
        ),
    ]


def _check(agents: Sequence[Agent], beside: dict[int, int | None], protocol: Protocol) -> None:
    """InputError where agents stand around each other, or one around itself."""
    for agent in agents:
        seen, whom = {agent.index}, beside[agent.index]
        while whom is not None:
            if whom in seen:
                raise InputError(
                    f"{protocol.agents[agent.index].name}.around = {agent.around!r}: goes round to "
                    "itself; must end at an agent that stands around nobody"
                )
            seen.add(whom)
            whom = beside[whom]


def _check_bids(agents: Sequence[Agent], protocol: Protocol) -> None:
    """InputError where one that acts on all paths at once is to be outbid on some."""
    outbid = {one.agent for one in protocol.congestions}
    for agent in agents:
        name = protocol.agents[agent.index].name
        if name in outbid and not isinstance(agent, ScalarAgent):
            raise InputError(
                f"shocks (congestion).agents = {name}: must be another; it acts on all paths at "
                "once, and gas differs between them"
            )


def _whom(agent: Agent, agents: Sequence[Agent], protocol: Protocol) -> int | None:
    """Index of the agent that one stands around; None: nobody who is there."""
    around = agent.around
    named = (one.index for one in agents if protocol.agents[one.index].name == around)
    return next(named, None) if around else None


def _own(agent: Agent, agents: Sequence[Agent], beside: dict[int, int | None]) -> Iterator[Turn]:
    """An agent's own turn, with those around it."""
    around = [one for one in agents if beside[one.index] == agent.index]
    yield from (turn for one in around for turn in _own(one, agents, beside))
    yield Turn(agent, type(agent).act if isinstance(agent, ScalarAgent) else None)
    last = [(one, getattr(type(one), "act_last", None)) for one in reversed(around)]
    yield from (Turn(one, act) for one, act in last if act)
