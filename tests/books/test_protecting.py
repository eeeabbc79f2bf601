"""What a keeper function protects and is paid: the path's formulas against those of all paths."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.base import Agent, View
from simulator.agents.upkeep import PROTECTED, earned, reward
from simulator.config import Config, load
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.runner import Plan
from simulator.types import Floats
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.model import protecting
from simulator.world.model.batch import at
from simulator.world.model.jit import kernel
from simulator.world.model.orders import CODE
from simulator.world.model.record import Paths
from simulator.world.model.world import ModelWorld

_protected, _earned, _reward = protecting.protected, protecting.earned, protecting.reward


@kernel
def found(paths: Paths, kind: int, out: Floats) -> None:
    """Protected, earned, paid, ``[3, paths]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        out[0, i] = _protected(w, kind)
        out[1, i] = _earned(w, out[0, i])
        out[2, i] = _reward(w, kind, out[0, i])


class _Compared:
    """Observer that holds both against each other at the end of every step."""

    def __init__(self) -> None:
        self.due = dict.fromkeys(PROTECTED, 0)

    def advanced(self, step: int, world: World) -> None: ...

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None: ...

    def stepped(self, step: int, world: World) -> None:
        assert isinstance(world, ModelWorld)
        view = View(step, world.market, world.protocol, world)
        for kind, protects in PROTECTED.items():
            value = protects(view)
            expected = np.array([value, earned(view, value), reward(view, kind, value)])
            got = np.empty_like(expected)
            found(world.paths, CODE[kind], got)
            np.testing.assert_allclose(got[0], expected[0], rtol=1e-12, atol=1e-9)
            # A reward is whole micro-USDC on chain.
            np.testing.assert_allclose(got[1:], expected[1:], rtol=1e-12, atol=1.1e-6)
            assert ((got[0] > 0.0) == (value > 0.0)).all()
            self.due[kind] += int((value > 0.0).sum())


def compared(config: Config) -> _Compared:
    protocol, agents = Plan(config, "model", (), 1).setting()
    watch = _Compared()
    simulate(ModelWorld(protocol, draw(config.market, 0, config.paths)), agents, [watch])
    return watch


SHORT = ["paths=8", "horizon_hours=120"]


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("calm", ["agents.keeper=null"]),
        ("hedge-liquidation", ["horizon_hours=300", "vault.margin_allocation=0.05"]),
        ("liquidation-cascade", ["clearing.margin=isolated", "agents.keeper.minimum_profit_usd=5"]),
        ("aave-hedge", ["agents.keeper.minimum_profit_usd=5"]),
    ],
)
def test_both_find_the_same(name: str, overrides: list[str]) -> None:
    due = compared(load(name, [*SHORT, *overrides])).due
    assert sum(due.values()) > 0, due


@pytest.mark.parametrize("number", range(4))
def test_so_they_do_in_random_scenarios(number: int) -> None:
    compared(random_config(20_261_129, number).model_copy(update={"paths": 4}))
