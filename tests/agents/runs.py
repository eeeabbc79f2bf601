"""Runs of the model world that keep every action, for tests of what agents promise."""

from __future__ import annotations

from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.world import actions
from simulator.world.model.world import ModelWorld

PATHS, STEPS = 8, 120


class Log:
    """Observer that keeps every action with its fill, and lets a test look before and after."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str, actions.Action, actions.Fill]] = []

    def advanced(self, step, world) -> None:
        pass

    def acting(self, step, world, agent, action) -> None:
        pass

    def acted(self, step, world, agent, action, fill) -> None:
        name = world.protocol.agents[agent.index].name
        self.entries.append((step, name, action, fill))

    def stepped(self, step, world) -> None:
        pass

    def of(self, name: str, kind: type[actions.Action] = actions.Action):
        return [
            (step, action, fill)
            for step, who, action, fill in self.entries
            if who == name and isinstance(action, kind)
        ]


def run(
    scenario: str = "calm",
    change=lambda market: market,
    observer=None,
    steps: int = STEPS,
    settings: tuple[str, ...] = (),
    terms=lambda protocol: protocol,
):
    """Run a scenario on the model with its market paths changed; returns (world, log, market).

    ``terms`` changes the protocol after the configuration has been checked.
    """
    config = load(scenario, [f"paths={PATHS}", *settings])
    market: MarketPaths = change(draw(config.market, 0, PATHS).first_steps(steps))
    protocol = terms(resolve(config))
    world, log = ModelWorld(protocol, market), Log()
    simulate(world, build_agents(config, protocol), [log, *([observer] if observer else [])])
    return world, log, market
