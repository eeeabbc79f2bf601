"""The plain loop: advance the market, let each agent act on what those before it left, record.

It runs either world. Scalar agents act in plain Python, path by path; what the model does thousands
of paths at a time is :mod:`simulator.engine.compiled`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from simulator.agents.base import View
from simulator.agents.plain_do import PlainDo
from simulator.agents.scalar import ScalarAgent
from simulator.engine.asked import check
from simulator.engine.counted import counted
from simulator.engine.latency import Waiting, delayed, latency_of
from simulator.engine.raised import dividing, told_of
from simulator.engine.turns import block_order
from simulator.types import InputError
from simulator.world.absence import absent, of_agent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.types import Floats
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


#: Of fields that do not take every number: what they are, what they take, what that is to Python.
_KEPT: dict[str, tuple[str, str, tuple[type, ...]]] = {
    "int": ("int", "a whole number", (int, np.integer, np.bool_)),
    "bool": ("bool", "true or false", (bool, np.bool_)),
}


class _Seat:
    """A scalar agent in plain Python: on each path its own ``do`` and its own memory."""

    def __init__(
        self,
        world: World,
        agent: ScalarAgent,
        observers: Sequence[Observer],
        bits: NDArray[np.int64],
    ) -> None:
        self._agent, self._world, self._observers = agent, world, observers
        self._step = 0
        self._away = of_agent(bits, agent.index)  # [T + 1, P], or fewer that stand for all
        self._kept = {
            one.name: _KEPT[kind]
            for one in fields(agent)  # type: ignore[arg-type]  # agents are dataclasses
            if (kind := getattr(one.type, "__name__", one.type)) in _KEPT
        }
        self._waiting = Waiting(world.protocol, agent)  # of the path that acts now
        execute = self._send if latency_of(world.protocol, agent) else self._execute
        self._on = [
            (
                PlainDo(world, agent.index, path, execute),
                copy.copy(agent),
                Waiting(world.protocol, agent),
            )
            for path in range(world.market.paths)
        ]

    @property
    def minds(self) -> list[ScalarAgent]:
        """What it remembers, path by path."""
        return [my for _, my, _ in self._on]

    def _execute(self, action: Action) -> Fill:
        check(action, self._world.protocol)
        return carry_out(self._step, self._world, self._agent, action, self._observers)

    def _send(self, action: Action) -> Fill:
        return self._waiting.send(self._step, action, self._world.market.paths)

    def turn(self, act: Callable[[Any, Any], None]) -> Callable[[int], None]:
        """One of its turns, by its function."""
        return lambda step: self._act(act, step)

    def _act(self, act: Callable[[Any, Any], None], step: int) -> None:
        """One turn on every path, one after the other: what arrives, then what it decides."""
        self._step = step
        away = self._away[step % len(self._away)]
        for path, (do, my, waiting) in enumerate(self._on):
            if away[path % len(away)]:
                continue
            self._waiting = waiting
            while waiting.is_due(step):
                self._execute(waiting.next())
            do.begin(step)
            with told_of(lambda: self._agent), dividing(self._agent):
                act(do, my)
            self._check_fields(my)

    def _check_fields(self, my: ScalarAgent) -> None:
        """Refuse in a field what is of another kind: compiled code would cut it off."""
        for name, (kind, allowed, fitting) in self._kept.items():
            value = getattr(my, name)
            if not isinstance(value, fitting):
                raise InputError(
                    f"{type(my).__name__}.{name} = {value!r}; allowed: {allowed}, as it is {kind}"
                )


def simulate(
    world: World, agents: Sequence[Agent], observers: Sequence[Observer] = ()
) -> dict[str, Floats]:
    """Run ``world`` over all steps of its market paths.

    Agents act in the given order (block order), each on the state left by those before it. What
    those of one's own counted is given back, by column (:mod:`simulator.engine.counted`).
    """
    bits = absent(world.market, world.protocol)
    scalar = [agent for agent in agents if isinstance(agent, ScalarAgent)]
    seats = {agent.index: _Seat(world, agent, observers, bits) for agent in scalar}
    turns = [
        _turn_of(world, agent, observers) if act is None else seats[agent.index].turn(act)
        for agent, act in block_order(agents, world.protocol)
    ]
    for step in range(world.market.steps + 1):
        world.advance(step)
        for observer in observers:
            observer.advanced(step, world)
        for act in turns:
            act(step)
        for observer in observers:
            observer.stepped(step, world)

    def remembers(agent: Agent, name: str) -> Any:
        if agent.index in seats:
            return [getattr(my, name) for my in seats[agent.index].minds]
        return getattr(agent, name)

    return counted(world, agents, remembers)


def _turn_of(world: World, agent: Agent, observers: Sequence[Observer]) -> Callable[[int], None]:
    """The turn of an agent that sees all paths at once."""
    agent = delayed(agent, world.protocol)

    def act(step: int) -> None:
        if not world.protocol.is_down(agent.index, step) and agent.due(step):
            view = View(step, world.market, world.protocol, world)
            take_turn(agent, view, lambda one: carry_out(step, world, agent, one, observers))

    return act


def carry_out(
    step: int, world: World, agent: Agent, action: Action, observers: Sequence[Observer]
) -> Fill:
    """One action, in front of the observers."""
    for observer in observers:
        observer.acting(step, world, agent, action)
    fill = world.execute(action)
    for observer in observers:
        observer.acted(step, world, agent, action, fill)
    return fill


def take_turn(agent: Agent, view: View, execute: Callable[[Action], Fill]) -> None:
    """One agent acts on all paths at once; ``execute`` carries out what it asks for."""
    turn, fill = agent.act(view), None
    while True:
        try:
            with told_of(lambda: getattr(agent, "decides", agent)):
                action = turn.send(fill)  # type: ignore[arg-type]  # None begins it
        except StopIteration:
            return
        fill = execute(action)
