"""The loop: advance the market, let each agent act on what those before it left, record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from simulator.agents.base import View

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World


class Observer(Protocol):
    """Watches a run; never changes the world. Called in this order within each step."""

    def advanced(self, step: int, world: World) -> None:
        """The market moved to ``step``; no agent has acted yet."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """An agent is about to act."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """An action was carried out, or refused, path by path."""

    def stepped(self, step: int, world: World) -> None:
        """Every agent has acted."""


def simulate(world: World, agents: Sequence[Agent], observers: Sequence[Observer] = ()) -> None:
    """Run ``world`` over all steps of its market paths.

    Agents act in the given order (block order), each on the state left by those before it.
    """
    for step in range(world.market.steps + 1):
        world.advance(step)
        for observer in observers:
            observer.advanced(step, world)
        view = View(step, world.market, world.protocol, world)
        for agent in agents:
            take_turn(step, world, agent, view, observers)
        for observer in observers:
            observer.stepped(step, world)


def take_turn(
    step: int, world: World, agent: Agent, view: View, observers: Sequence[Observer]
) -> None:
    """One agent acts on all paths at once, in front of the observers."""
    turn = agent.act(view)
    try:
        action = next(turn)
        while True:
            for observer in observers:
                observer.acting(step, world, agent, action)
            fill = world.execute(action)
            for observer in observers:
                observer.acted(step, world, agent, action, fill)
            action = turn.send(fill)
    except StopIteration:
        return
