"""The compiled loop one agent's turn at a time, in front of observers: thousands of paths at once.

An observer is told of a scalar agent's turn before it (``acting``) and of the swap it ended with
(``acted``); what agents over arrays do it sees action by action. No refusal passes, of anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from simulator.agents.base import Agent, View
from simulator.agents.scalar import ScalarAgent
from simulator.engine.compiled import Loop, _run
from simulator.engine.crew import TURN, Crew
from simulator.engine.loop import carry_out, take_turn
from simulator.model.kernel.kinds import CODE
from simulator.model.moments import lay_out
from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world.actions import Action, Fill, Swap

NOBODY = np.zeros(0, TURN)


def watch(world: ModelWorld, agents: Sequence[Agent], observers: Sequence[Any]) -> None:
    """Run a world that keeps books over all steps."""
    loop = Loop(world, agents, np.array([world.market.steps]))
    crews = {
        a: Crew.of([a], world.paths, world.protocol) for a in agents if isinstance(a, ScalarAgent)
    }
    feed = np.zeros((world.market.paths, 1), world.paths.moments.dtype)

    def call(turns: Any, *span: int) -> None:
        _run(world.paths, feed, turns, np.array(span), loop.records.kept)
        world.changed()

    for step in range(world.market.steps + 1):
        lay_out(loop._drawn, feed, np.array([step, step + 1, world.market.step_seconds]))
        world.paths.moments[:] = feed[:, 0]
        call(NOBODY, 0, -1, 0, 0)
        for observer in observers:
            observer.advanced(step, world)
        for agent in agents:
            if agent in crews:
                world.paths.orders["kind"] = 0
                for observer in observers:
                    observer.acting(step, world, agent, Action(agent.index))
                call(crews[agent].turns, 0, 0, 0, 1)
                _tell_of_swaps(step, world, agent, observers)
            elif agent.due(step):
                view = View(step, world.market, world.protocol, world)
                told = [loop.books, *observers]
                take_turn(agent, view, partial(_carry_out, step, world, agent, told))
        call(NOBODY, 0, 0, 1, -1)
        for observer in observers:
            observer.stepped(step, world)
    refused = world.paths.books["activity"]["refused"].sum(axis=0)
    assert not refused.any(), {Status(code).name for code in np.flatnonzero(refused)}


def _carry_out(
    step: int, world: ModelWorld, agent: Agent, told: Sequence[Any], action: Action
) -> Fill:
    return carry_out(step, world, agent, action, told)


def _tell_of_swaps(step: int, world: ModelWorld, agent: Agent, observers: Sequence[Any]) -> None:
    order = world.paths.orders
    swapped = order["kind"] == CODE[Swap]
    if not swapped.any():
        return
    amount, limit, minimum = (
        np.where(swapped, order[name], 0.0) for name in ("amount", "limit", "minimum")
    )
    fill = Fill(
        np.where(swapped, order["status"], 0).astype(np.int8),
        np.where(swapped, order["amount_in"], 0.0),
        np.where(swapped, order["amount_out"], 0.0),
    )
    for observer in observers:
        observer.acted(step, world, agent, Swap(agent.index, amount, limit, minimum), fill)
