"""Scalar agents do what those over arrays do: the same actions, in the same order."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.agents import do
from simulator.agents.base import Agent, View
from simulator.agents.build import add_agents, build_agents
from simulator.agents.plain_do import PlainDo
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import Config, load, resolve, scenarios
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.world import actions
from simulator.world.model.orders import CODE
from simulator.world.model.world import ModelWorld

PATHS = 8
PLACES = ["kind", "agent", "account", "market", "collateral", "leg", "status"]
AMOUNTS = ["amount", "limit", "minimum", "amount_in", "amount_out"]
SCALAR = (
    *("noise_trader", "amm_arbitrageur", "leg_arbitrageur", "perp_arbitrageur"),
    *("leveraged_trader", "depositor", "liquidator", "keeper", "latency_arbitrageur"),
)


def scalar(agent: Agent) -> ScalarAgent | None:
    """The same agent as a function of one path; None: it works over arrays."""
    name = type(agent).__module__.rpartition(".")[2]
    if name not in SCALAR:
        return None
    kind = getattr(import_module(f"simulator.agents.{name}"), type(agent).__name__)
    settings = {f.name for f in fields(kind)} & set(vars(agent))
    made = kind(**{name: getattr(agent, name) for name in settings})
    made.index = agent.index
    return made


class Told:
    """The world's orders one after the other, and a row of each that asked for something."""

    def __init__(self, world: ModelWorld) -> None:
        self.world = world
        self.rows: list[tuple[int, ...]] = []
        self.amounts: list[list[float]] = []

    def __call__(self, action: actions.Action) -> actions.Fill:
        fill = self.world.execute(action)
        order = self.world.paths.orders[0]
        if order["kind"] != 0:
            step = int(self.world.paths.moments[0]["step"])
            self.rows.append((step, *(int(order[name]) for name in PLACES)))
            self.amounts.append([float(order[name]) for name in AMOUNTS])
        return fill


def over_arrays(config: Config, market: MarketPaths) -> Told:
    protocol = resolve(config)
    world = ModelWorld(protocol, market)
    told = Told(world)
    agents = build_agents(config, protocol)
    for step in range(market.steps + 1):
        world.advance(step)
        for agent in agents:
            turn(agent, View(step, market, protocol, world), told)
    return told


def turn(agent: Agent, view: View, told: Told) -> None:
    going = agent.act(view)
    try:
        action = next(going)
        while True:
            action = going.send(told(action))
    except StopIteration:
        return


def path_by_path(config: Config, market: MarketPaths) -> Told:
    protocol = resolve(config)
    world = ModelWorld(protocol, market)
    told = Told(world)
    agents = [(agent, scalar(agent)) for agent in build_agents(config, protocol)]
    seen = [PlainDo(world, agent.index, execute=told) for agent, _ in agents]
    for step in range(market.steps + 1):
        world.advance(step)
        for (agent, one), its in zip(agents, seen, strict=True):
            its.begin(step)
            if one is None:
                turn(agent, View(step, market, protocol, world), told)
            else:
                one.act(its, one)
    return told


def assert_same(config: Config, steps: int) -> set[str]:
    """Kinds of action taken."""
    market = draw(config.market, 0, 1)
    market = market.first_steps(min(steps, market.steps))
    old, new = over_arrays(config, market), path_by_path(config, market)
    assert len(old.rows) > market.steps
    for then, now in zip(old.rows, new.rows, strict=False):
        assert then == now
    assert len(old.rows) == len(new.rows)
    np.testing.assert_allclose(new.amounts, old.amounts, rtol=1e-12, atol=0.0)
    kinds = {code: kind.__name__ for kind, code in CODE.items()}
    return {kinds[row[1]] for row in old.rows}


@pytest.mark.parametrize("name", ["aave-hedge", "hedge-liquidation", "oracle-lag"])
def test_the_same_actions_in_plain_python(name: str) -> None:
    assert_same(load(name, ["paths=1"]), steps=120)


def assert_ends_alike(config: Config) -> None:
    """Compiled, on several paths: whatever was decided otherwise would show in the state."""
    protocol, market = resolve(config), draw(config.market, 0, PATHS)
    old, new = (ModelWorld(protocol, market, BOOK) for _ in range(2))
    agents = build_agents(config, protocol)
    simulate(old, agents)
    mixed = [scalar(agent) or agent for agent in build_agents(config, protocol)]
    Loop(new, mixed, np.array([0, market.steps])).run()
    then, now = np.nan_to_num(old.snapshot()), np.nan_to_num(new.snapshot())
    scale = np.abs(then).max(axis=1, keepdims=True)
    assert (np.abs(now - then) <= 1e-12 * scale).all()


@pytest.mark.parametrize("name", scenarios())
def test_every_scenario_ends_alike(name: str) -> None:
    assert_ends_alike(load(name, [f"paths={PATHS}"]))


@pytest.mark.parametrize("number", range(8))
def test_random_ones_end_alike(number: int) -> None:
    assert_ends_alike(random_config(3, number))


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
