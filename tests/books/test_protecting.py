"""What a keeper function protects and is paid: the path's formulas against those of all paths."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.base import View
from simulator.config import Config, load
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Paths
from simulator.model.vault import protecting
from simulator.model.world import ModelWorld
from simulator.runner import Plan
from simulator.types import KEPT_REWARDS, USDC_DECIMALS, Floats
from simulator.world.actions import TopUp
from simulator.world.base import World
from tests.books.protected_by_arrays import PROTECTED, earned, reward
from tests.books.watched import VARIED, Watch

_due, _earned, _reward = protecting.due, protecting.earned, protecting.reward


@kernel
def found(paths: Paths, place: int, kind: int, out: Floats) -> None:
    """Protected, earned, paid, ``[3, paths]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        out[0, i] = _due(w)[place]
        out[1, i] = _earned(w, out[0, i])
        out[2, i] = _reward(w, kind, out[0, i])


class _Compared(Watch):
    """Observer that holds both against each other at the end of every step."""

    def __init__(self) -> None:
        self.due = dict.fromkeys(PROTECTED, 0)

    def stepped(self, step: int, world: World) -> None:
        assert isinstance(world, ModelWorld)
        view = View(step, world.market, world.protocol, world)
        price_of_usdc = view.oracle(0).max()
        raw = world.protocol.vault.keeper_reward * 10.0**USDC_DECIMALS
        reward_is_cut = raw != round(raw)
        for kind, protects in PROTECTED.items():
            value = protects(view)
            expected = np.array([value, earned(view, value), reward(view, kind, value)])
            got = np.empty_like(expected)
            found(world.paths, protecting.FUNCTIONS.index(CODE[kind]), CODE[kind], got)
            # A reward is whole micro-USDC on chain, and so many of them are kept idle.
            cut = 1.1e-6 * price_of_usdc
            kept = KEPT_REWARDS * cut if kind is TopUp and reward_is_cut else 1e-9
            np.testing.assert_allclose(got[0], expected[0], rtol=1e-12, atol=kept)
            np.testing.assert_allclose(got[1:], expected[1:], rtol=1e-12, atol=cut)
            assert ((got[0] > 0.0) == (value > 0.0)).all()
            self.due[kind] += int((value > 0.0).sum())


def compared(config: Config) -> _Compared:
    protocol, agents = Plan(config, "model", (), 1).setting()
    watch = _Compared()
    simulate(ModelWorld(protocol, draw(config.market, 0, config.paths)), agents, [watch])
    return watch


@pytest.mark.parametrize(("name", "overrides"), VARIED)
def test_both_find_the_same(name: str, overrides: list[str]) -> None:
    due = compared(load(name, ["paths=4", *overrides])).due
    assert sum(due.values()) > 0, due


@pytest.mark.parametrize("number", range(4))
def test_so_they_do_in_random_scenarios(number: int) -> None:
    compared(random_config(20_261_129, number).model_copy(update={"paths": 4}))
