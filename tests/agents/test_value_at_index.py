"""The latency arbitrageur's valuation of the vault, beside the vault's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths
from simulator.model.vault.at_index import value_at_index as of_path
from simulator.model.world import ModelWorld
from simulator.types import Floats
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from tests.scenarios import CHECKED

STEPS = 400


@kernel
def valued(paths: Paths, out: Floats) -> None:
    """By the formula of one path, into ``out`` ``[paths]``, USD."""
    for i in range(out.size):
        out[i] = of_path(at(paths, i))


class Beside:
    """Values the vault at the end of each step."""

    def __init__(self) -> None:
        self.worth: list[Floats] = []
        self.nav: list[Floats] = []

    def advanced(self, step: int, world: World) -> None: ...
    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...
    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None: ...

    def stepped(self, step: int, world: World) -> None:
        assert isinstance(world, ModelWorld)
        valued(world.paths, found := np.empty(world.market.paths))
        self.worth.append(found)
        self.nav.append(world.observe().nav.copy())


@pytest.mark.parametrize("name", CHECKED)
def test_value_at_index_is_nav_where_the_oracle_is_never_late(name: str) -> None:
    # Where flows move prices rounds are posted anew, at the feed's own times.
    config = load(name, ["paths=2", "impact=null", "population={}"])
    protocol, market = resolve(config), draw(config.market, 0, 2)
    market = market.first_steps(min(STEPS, market.steps))
    market = replace(market, index=market.oracle_price)
    beside = Beside()
    simulate(ModelWorld(protocol, market), build_agents(config, protocol), [beside])
    nav = np.array(beside.nav)
    assert nav[-1].min() > 0.0
    np.testing.assert_allclose(np.array(beside.worth), nav, rtol=1e-9, atol=1e-3)


def test_a_late_oracle_shows_another_nav() -> None:
    config = load("oracle-lag", ["paths=2"])
    protocol, market = resolve(config), draw(config.market, 0, 2).first_steps(STEPS)
    beside = Beside()
    simulate(ModelWorld(protocol, market), build_agents(config, protocol), [beside])
    gap = np.array(beside.worth) / np.array(beside.nav) - 1.0
    assert np.abs(gap).max() > 1e-3
