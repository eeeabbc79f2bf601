"""What an agent over arrays is shown of the market ends where it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from simulator.agents.base import Actions, Agent, View
from simulator.agents.build import add_agents, build_agents
from simulator.books.hooks import BOOK
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.market.draw import draw
from simulator.market.past import Past
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.model.world import ModelWorld
from simulator.types import Floats
from simulator.world.base import World
from simulator.world.protocol import AgentSlot, Protocol

CONFIG = load("calm", ["horizon_hours=8"])
MARKET = draw(CONFIG.market, 0, 3)


class Looker(Agent):
    """Keeps what it was shown."""

    slot = AgentSlot("looker", 0.0, 0.0, has_account=False)

    def __init__(self) -> None:
        self.shown: list[tuple[int, Past]] = []

    def act(self, view: View) -> Actions:
        self.shown.append((view.step, view.market))
        yield from ()


def shown(*, compiled: bool) -> list[tuple[int, Past]]:
    protocol = resolve(CONFIG)
    protocol, agents = add_agents(protocol, build_agents(CONFIG, protocol), [Looker()])
    agents, world = copy.deepcopy(agents), ModelWorld(protocol, MARKET, BOOK)
    if compiled:
        Loop(world, agents, np.array([0, MARKET.steps])).run()
    else:
        simulate(world, agents)
    looker = agents[-1]
    assert isinstance(looker, Looker)
    return looker.shown


@pytest.mark.parametrize("compiled", [True, False])
def test_in_either_loop_every_array_ends_at_the_step_of_the_view(*, compiled: bool) -> None:
    seen = shown(compiled=compiled)
    assert [step for step, _ in seen] == list(range(MARKET.steps + 1))
    for step, market in seen:
        for name in (*STACKED, *SINGLE):
            found = getattr(market, name)
            assert found.shape[-2] == step + 1
            assert np.array_equal(found, getattr(MARKET, name)[..., : step + 1, :])
            with pytest.raises(IndexError):
                found[..., step + 1, :]


def test_it_is_a_window_and_no_copy_and_nobody_writes_through_it() -> None:
    market = Past(MARKET, 3)
    for name in (*STACKED, *SINGLE):
        found = getattr(market, name)
        assert np.shares_memory(found, getattr(MARKET, name)) or not found.size
        assert getattr(market, name) is found
        with pytest.raises(ValueError, match="read-only"):
            found[..., 0, :] = 1.0
        assert getattr(MARKET, name).flags.writeable


def test_what_else_is_known_of_a_market_is_known() -> None:
    market = Past(MARKET, 3)
    for name in ("assets", "step_seconds", "first_path", "steps", "paths"):
        assert getattr(market, name) == getattr(MARKET, name)
    of_both = {"steps", "paths"} | {field.name for field in fields(MarketPaths)} - {"key"}
    assert set(Past.__annotations__) == of_both
    with pytest.raises(AttributeError, match="nothing of a market; there are: assets, "):
        market.chunk  # type: ignore[attr-defined]  # noqa: B018


class Writer(Agent):
    """Tries to change what it is shown, in place, and keeps what it saw."""

    slot = AgentSlot("writer", 0.0, 0.0, has_account=False)

    def __init__(self) -> None:
        self.kept: list[Floats] = []
        self.then: list[Floats] = []

    def act(self, view: View) -> Actions:
        for shown in (view.index(1), view.oracle(1), view.state.sqrt_price, view.state.cash):
            with pytest.raises(ValueError, match="read-only"):
                np.multiply(shown, 0.5, out=shown)
        self.kept += [view.state.sqrt_price, view.state.size]
        self.then += [kept.copy() for kept in self.kept[-2:]]
        yield from ()


@pytest.mark.parametrize("kind", [ModelWorld, ChainWorld])
def test_what_it_is_shown_is_nobodys_to_change_and_stays_what_it_was(
    kind: Callable[[Protocol, MarketPaths], World],
) -> None:
    market = MARKET.chunk(0, 1).first_steps(5)
    protocol = resolve(CONFIG)
    protocol, agents = add_agents(protocol, build_agents(CONFIG, protocol), [Writer()])
    world = kind(protocol, market)
    simulate(world, agents)
    world.close()
    writer = agents[-1]
    assert isinstance(writer, Writer)
    assert len(writer.kept) == 12
    assert not np.array_equal(writer.kept[0], writer.kept[-2])
    for kept, then in zip(writer.kept, writer.then, strict=True):
        np.testing.assert_array_equal(kept, then)
