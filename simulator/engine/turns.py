"""Whose turn it is in a block, and when: block order, and who acts around somebody.

An agent with ``around`` has two turns, one right before and one right after that of the agent of
that name, in place of its own: who sees an order before it is executed and wraps transactions of
its own around it (just-in-time liquidity). Where nobody is called so it has the one turn of its
place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.agents.base import Agent
    from simulator.world.protocol import Protocol


def in_turn(agents: Sequence[Agent], protocol: Protocol) -> list[Agent]:
    """The agents turn by turn; one that acts twice in a block is there twice."""
    names = {protocol.agents[agent.index].name for agent in agents}
    wrapping = [agent for agent in agents if agent.around in names]
    found: list[Agent] = []
    for agent in agents:
        if any(agent is one for one in wrapping):
            continue
        name = protocol.agents[agent.index].name
        mine = [one for one in wrapping if one.around == name]
        # Who comes first before comes last after.
        found += [*mine, agent, *mine[::-1]]
    return found
