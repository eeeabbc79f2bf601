"""Runs of the model world that keep every action, for tests of what agents promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.engine import Observer, simulate
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.model.world import ModelWorld
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.protocol import Protocol

PATHS, STEPS = 8, 120
A = TypeVar("A", bound=Action)


class Log:
    """Observer that keeps every action with its fill, and lets a test look before and after."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str, Action, Fill]] = []

    def advanced(self, step: int, world: World) -> None:
        pass

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        pass

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        name = world.protocol.agents[agent.index].name
        self.entries.append((step, name, action, fill))

    def stepped(self, step: int, world: World) -> None:
        pass

    def of(self, name: str, kind: type[A]) -> list[tuple[int, A, Fill]]:
        """(step, action, fill) of an agent's actions of a kind."""
        return [
            (step, action, fill)
            for step, who, action, fill in self.entries
            if who == name and isinstance(action, kind)
        ]


Ran = tuple[ModelWorld, Log, MarketPaths]


def run(
    scenario: str = "calm",
    change: Callable[[MarketPaths], MarketPaths] = lambda market: market,
    observer: Observer | None = None,
    steps: int = STEPS,
    settings: tuple[str, ...] = (),
    terms: Callable[[Protocol], Protocol] = lambda protocol: protocol,
) -> Ran:
    """Run a scenario on the model with its market paths changed; returns (world, log, market).

    ``terms`` changes the protocol after the configuration has been checked.
    """
    config = load(scenario, [f"paths={PATHS}", *settings])
    market = change(draw(config.market, 0, PATHS).first_steps(steps))
    protocol = terms(resolve(config))
    world, log = ModelWorld(protocol, market), Log()
    simulate(world, build_agents(config, protocol), [log, *([observer] if observer else [])])
    return world, log, market
