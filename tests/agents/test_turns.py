"""An agent may act before everybody and after everybody in a step, in every loop alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import add_agents, build_agents
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.engine.turns import block_order
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.testing.agent import AgentSuite
from simulator.types import InputError
from simulator.world.protocol import AgentSlot
from tests.agents.runs import Log

STEPS, PATHS = 24, 2


@dataclass(eq=False)
class Around(ScalarAgent):
    """Buys base before everybody and sells it after everybody; what it saw at each turn."""

    amount: float = 1000.0
    bought: float = 0.0
    before: float = 0.0  # pool's price at its first turn, summed over steps
    own: float = 0.0
    after: float = 0.0

    metrics = ("before", "own", "after")
    slot = AgentSlot("around", usdc=1e6, base=0.0, has_account=False)

    @staticmethod
    def act_first(do: Any, my: Any) -> None:
        my.before += do.pool_price
        do.swap(-my.amount)
        my.bought = do.amount_out

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.own += do.pool_price

    @staticmethod
    def act_last(do: Any, my: Any) -> None:
        do.swap(my.bought)
        my.after += do.pool_price


@dataclass(eq=False)
class Inside(Around):
    """The same, of another name: it comes after the first, so it stands inside."""

    slot = AgentSlot("inside", usdc=1e6, base=0.0, has_account=False)


@dataclass(eq=False)
class Usual(ScalarAgent):
    """One with a single turn."""

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        """Nothing."""


class Vectorised(Agent):
    """One that sees all paths."""

    def act(self, view: Any) -> Any:
        """Nothing."""
        return iter(())


class TestAround(AgentSuite):
    steps = STEPS

    def make(self) -> Agent:
        return Around()


def test_those_who_stand_around_are_nested() -> None:
    outer, seer, inner, usual = Around(), Vectorised(), Inside(), Usual()
    agents = (outer, seer, inner, usual)
    for index, agent in enumerate(agents):
        agent.index = index
    order = block_order(agents, resolve(load("calm")))
    assert [turn.agent for turn in order] == [outer, inner, outer, seer, inner, usual, inner, outer]
    assert [turn.act for turn in order] == [
        *(Around.act_first, Inside.act_first),
        *(Around.act, None, Inside.act, Usual.act),
        *(Inside.act_last, Around.act_last),
    ]


def test_one_around_one_around_a_third_is_there_and_a_round_of_them_is_refused() -> None:
    protocol = resolve(load("calm"))
    names = [slot.name for slot in protocol.agents]
    usual, inner, outer = Usual(), Inside(), Around()
    for agent, name in ((usual, "keeper"), (inner, "noise_trader"), (outer, "depositor")):
        agent.index = names.index(name)
    type(inner).around, type(outer).around = "keeper", "noise_trader"
    try:
        order = block_order((usual, inner, outer), protocol)
        own = [turn.agent for turn in order if turn.act in (Around.act, Inside.act, Usual.act)]
        assert own == [outer, inner, usual]
        assert [turn.agent for turn in order].count(outer) == 3
        type(inner).around = "depositor"
        with pytest.raises(InputError, match="around = 'depositor': goes round to itself"):
            block_order((usual, inner, outer), protocol)
    finally:
        type(inner).around = type(outer).around = ""


@pytest.fixture(scope="module")
def outcome() -> tuple[Log, dict[str, Any], dict[str, Any]]:
    """Actions of the plain loop, and what both loops counted."""
    config = load("calm", [f"paths={PATHS}"])
    market = draw(config.market, 0, PATHS).first_steps(STEPS)
    log, found = Log(), []
    for compiled in (False, True):
        protocol = resolve(config)
        protocol, agents = add_agents(protocol, build_agents(config, protocol), [Around()])
        world = ModelWorld(protocol, market, BOOK)
        if compiled:
            loop = Loop(world, agents, np.array([0, STEPS]))
            loop.run()
            found.append(loop.counted())
        else:
            found.append(simulate(world, agents, [log]))
    return log, found[0], found[1]


def test_it_acts_first_and_last_of_all(outcome: tuple[Log, Any, Any]) -> None:
    log = outcome[0]
    for step in range(STEPS + 1):
        names = [name for at, name, *_ in log.entries if at == step]
        assert len(names) > 2
        # Each of its two swaps is carried out on every path in turn.
        assert set(names[:PATHS]) == set(names[-PATHS:]) == {"around"}
        assert "around" not in names[PATHS:-PATHS]


def test_both_loops_count_the_same(outcome: tuple[Log, Any, Any]) -> None:
    _, plain, compiled = outcome
    own = {"around_before", "around_own", "around_after"}
    assert plain.keys() == compiled.keys() >= own
    for name, values in plain.items():
        np.testing.assert_allclose(compiled[name], values, rtol=1e-12)
        assert name not in own or (values > 0.0).all()


def test_others_act_between_its_turns(outcome: tuple[Log, Any, Any]) -> None:
    """At its own turn the pool is where the arbitrageur and the noise have left it."""
    _, plain, _ = outcome
    assert (plain["around_before"] != plain["around_own"]).all()
    assert (plain["around_own"] != plain["around_after"]).all()
