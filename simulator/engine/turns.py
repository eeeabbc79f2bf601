"""Whose turn it is within a step: those who act first of all, everybody, those who act last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.agents.scalar import ScalarAgent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.agents.base import Agent


class Turn(NamedTuple):
    """A turn of an agent; ``act``: its function, None of one that sees all paths at once."""

    agent: Agent
    act: Any


def block_order(agents: Sequence[Agent]) -> list[Turn]:
    """All turns of a step: ``act_first`` of those who have it, ``act`` of all, ``act_last``.

    Each in the agents' order, the last ones the other way round: who stands around somebody who
    stands around a third is outermost on both sides.
    """
    scalar = [one for one in agents if isinstance(one, ScalarAgent)]
    first = [Turn(one, type(one).act_first) for one in scalar if type(one).act_first]
    last = [Turn(one, type(one).act_last) for one in reversed(scalar) if type(one).act_last]
    own = [Turn(one, type(one).act if isinstance(one, ScalarAgent) else None) for one in agents]
    return [*first, *own, *last]
