"""Agents are one source: compiled or in plain Python they do the same."""

from __future__ import annotations

import ast
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.agents import do
from simulator.agents.base import View
from simulator.agents.build import add_agents, build_agents
from simulator.agents.plain_do import PlainDo
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.engine.compiled import Loop
from simulator.engine.loop import take_turn
from simulator.market.draw import draw
from simulator.world.model.world import ModelWorld

STEPS = 200


def run_plainly(world: ModelWorld, agents: list[Any]) -> None:
    """One path, agents in block order."""
    own = [copy(agent) for agent in agents]
    seen = [PlainDo(world, agent.index) for agent in agents]
    for step in range(world.market.steps + 1):
        world.advance(step)
        for agent, my, its in zip(agents, own, seen, strict=True):
            its.begin(step)
            if isinstance(agent, ScalarAgent):
                agent.act(its, my)
            elif agent.due(step):
                view = View(step, world.market, world.protocol, world)
                take_turn(step, world, agent, view, [])


@pytest.mark.parametrize(
    ("name", "path"),
    [("aave-hedge", 0), ("hedge-liquidation", 1), ("liquidation-cascade", 0), ("oracle-lag", 0)],
)
def test_compiled_and_in_plain_python_they_do_the_same(name: str, path: int) -> None:
    """Whatever was decided otherwise would show in the state."""
    config = load(name)
    protocol, market = resolve(config), draw(config.market, path, 1).first_steps(STEPS)
    plain, compiled = (ModelWorld(protocol, market, BOOK) for _ in range(2))
    run_plainly(plain, build_agents(config, protocol))
    Loop(compiled, build_agents(config, protocol), np.array([0, STEPS])).run()
    then, now = (np.nan_to_num(world.snapshot()) for world in (plain, compiled))
    assert np.abs(then).max() > 0.0
    np.testing.assert_allclose(now, then, rtol=1e-11, atol=1e-12)


def test_plain_and_compiled_agents_find_the_same_names() -> None:
    tree = ast.parse(Path(do.__file__).read_text(encoding="utf-8"))
    named = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and {ast.unparse(found) for found in node.decorator_list} & {"_seen", "_can"}
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    verbs = [c for c in calls if ast.unparse(c.func) in {"_of_amount", "_of_nothing"}]
    named |= {ast.literal_eval(call.args[0]) for call in verbs} | {"w", "agent"}
    config = load("calm", ["paths=1"])
    world = ModelWorld(resolve(config), draw(config.market, 0, 1))
    plain = {name for name in dir(PlainDo(world, 0)) if not name.startswith("_")}
    assert plain - {"begin"} == named


def test_the_example_of_the_documentation_trades_once_the_price_has_fallen() -> None:
    text = Path("docs/agents.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    given: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec", dont_inherit=True), given)
    agent = given["DipBuyer"]()
    config = load("calm", ["paths=1"])
    protocol, agents = add_agents(resolve(config), [], [agent])
    market = draw(config.market, 0, 1).first_steps(3)
    asset = protocol.clearing.markets[0].asset
    index, start = market.index.copy(), protocol.assets[asset].price
    index[asset, :, 0] = start * np.array([1.0, 0.96, 0.94, 0.93])
    market = replace(market, index=index, oracle_price=index)
    world = ModelWorld(protocol, market)
    mine, bought = PlainDo(world, agent.index), []
    for step in range(market.steps + 1):
        world.advance(step)
        mine.begin(step)
        agent.act(mine, agent)
        bought.append(mine.size(mine.account, 0))
    assert agents == [agent]
    size = 10_000.0 / (0.94 * start)
    np.testing.assert_allclose(bought, [0.0, 0.0, size, size], rtol=1e-12)
