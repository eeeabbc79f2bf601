"""Agents are one source, compiled or in plain Python; that they do the same: test_conformance."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator.agents import do
from simulator.agents.build import add_agents
from simulator.agents.plain_do import PlainDo
from simulator.config import load, resolve
from simulator.market.draw import draw
from simulator.model.world import ModelWorld


def test_plain_and_compiled_agents_find_the_same_names() -> None:
    rooms = sorted(Path(do.__file__).parent.glob("*.py"))
    trees = [ast.parse(room.read_text(encoding="utf-8")) for room in rooms]
    named = {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and {ast.unparse(found) for found in node.decorator_list} & {"seen", "can"}
    }
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
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
