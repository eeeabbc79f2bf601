"""What happened in a run: the state after every step, the status of every action."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.protocol.state.table import SHOWN

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Codes, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

#: The name of the one among the agents that is none of the scenario's (:mod:`.prober`).
PROBER = "prober"
#: Fields of actions that say where, not how much.
PLACES = ("account", "market", "collateral", "leg", "borrower", "seized", "repaid", "position")
VARIABLES = tuple(SHOWN)


@dataclass(frozen=True)
class Decision:
    """Names one action of a run apart from its amounts."""

    step: int
    agent: str
    action: str
    occurrence: int


class Transcript:
    """Observer that keeps the state after every step and the status of every action."""

    def __init__(self) -> None:
        self.states: dict[str, list[Floats]] = {name: [] for name in VARIABLES}
        self.statuses: dict[Decision, Codes] = {}
        self._seen: Counter[tuple[str, str]] = Counter()

    def advanced(self, step: int, world: World) -> None:
        """A new step: actions are counted from one again."""
        self._seen.clear()

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note before an action."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Note the status, path by path."""
        name, what = world.protocol.agents[agent.index].name, describe(action)
        self._seen[name, what] += 1
        self.statuses[Decision(step, name, what, self._seen[name, what])] = fill.status.copy()

    def stepped(self, step: int, world: World) -> None:
        """Copy the state."""
        state = world.reported()
        for name in VARIABLES:
            self.states[name].append(np.array(getattr(state, name)))


def describe(action: Action) -> str:
    """What an action is apart from its amounts, for example ``Trade market 1``."""
    where = [
        f"{key} {getattr(action, key)}" for key in PLACES if getattr(action, key, None) is not None
    ]
    return " ".join([type(action).__name__, *where])
