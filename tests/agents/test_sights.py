"""An agent that looks at what is not there is told so, in compiled code as in plain Python."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from simulator.agents import axes
from simulator.agents import do as compiled_do
from simulator.agents.build import add_agents, build_agents
from simulator.agents.plain_do import PlainDo
from simulator.agents.plain_sights import Sights
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.market.draw import draw
from simulator.model.kernel.kinds import DELEVERAGE
from simulator.model.world import ModelWorld
from simulator.types import InputError
from simulator.world.protocol import AgentSlot

STEPS = 2
#: What parameters of sights are indices of; others are amounts.
OF = {name: name for name in axes.AXES if name} | {"number": "collateral"}


class Look(NamedTuple):
    """A sight with an index of nothing in one of its places, the other indices being there."""

    sight: str
    axis: str
    given: tuple[float, ...]
    beside: int


def sights() -> dict[str, list[str]]:
    """What ``do`` shows that takes anything, with the parameters it takes."""
    found = {}
    for name, member in vars(Sights).items():
        if inspect.isfunction(member) and not name.startswith("_") and name != "begin":
            taken = list(inspect.signature(member).parameters)[1:]
            if taken:
                found[name] = taken
    return found


def looks(protocol: Any) -> list[Look]:
    """Every sight at the nearest and at far indices on both sides of what there is.

    Not those that need another index of something there is not: that one would be told of.
    """
    found = []
    for sight, taken in sights().items():
        for place, name in enumerate(taken):
            if name not in OF:
                continue
            others = [one for one in taken if one in OF and one != name]
            if not all(axes.there_are(OF[one], protocol) for one in others):
                continue
            known = axes.there_are(OF[name], protocol)
            first, count = known.start, len(known)
            for index in (first - 1, first + count, -(10**9), 10**9):
                given = [
                    float(axes.there_are(OF[one], protocol).start) if one in OF else 1.0
                    for one in taken
                ]
                given[place] = index
                found.append(Look(sight, OF[name], tuple(given), index))
    return found


def looker(sight: str, taken: list[str]) -> Any:
    """An agent that looks so, at what it has fields for."""
    fields = {f"at{i}": int if one in OF else float for i, one in enumerate(taken)}
    told = ", ".join(f"my.at{i}" for i in range(len(taken)))
    source = f"def act(do, my):\n    do.{sight}({told})\n"
    scope: dict[str, Any] = {"__name__": "looking"}
    exec(compile(source, "looking.py", "exec"), scope)
    kind = type(
        "Looker",
        (ScalarAgent,),
        {
            "__annotations__": dict(fields),
            "__module__": "looking",
            "slot": AgentSlot("mine", 1e6, 10.0, has_account=False, positions=2),
            "act": staticmethod(scope["act"]),
        },
    )
    return dataclass(eq=False)(kind)


@pytest.fixture(scope="module", params=["calm", "aave-hedge", "lending-cascade"])
def stage(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    config = load(request.param, ["paths=1"])
    return config, draw(config.market, 0, 1).first_steps(STEPS)


def refusal(stage: tuple[Any, Any], agent: ScalarAgent, *, plain: bool) -> str:
    """What a run with the agent is refused for; "": it is not."""
    config, market = stage
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), [agent])
    world = ModelWorld(protocol, market, BOOK, 1)
    try:
        if plain:
            simulate(world, agents)
        else:
            Loop(world, agents, np.array([0, STEPS])).run()
    except InputError as error:
        return str(error).removesuffix(" (path 0)")
    return ""


def test_each_sight_has_its_number() -> None:
    indexed = {name for name, taken in sights().items() if OF.keys() & set(taken)}
    assert set(axes.SIGHTS) - {""} == indexed
    for room in Path(compiled_do.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(room.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in indexed:
                asked = {
                    ast.unparse(call.args[1])
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call)
                    and ast.unparse(call.func).startswith(("a_", "an_"))
                }
                numbers = {axes.SIGHTS[getattr(axes, name)] for name in asked}
                assert numbers == {node.name}


@pytest.mark.parametrize("plain", [False, True], ids=["compiled", "plain"])
def test_an_index_of_nothing_is_refused_by_every_sight(
    stage: tuple[Any, Any], *, plain: bool
) -> None:
    mine = looker("index", ["asset"])(at0=0)
    protocol = add_agents(resolve(stage[0]), [], [mine])[0]
    kinds = {sight: looker(sight, taken) for sight, taken in sights().items()}
    asked = looks(protocol)
    assert len(asked) == 4 * (29 if protocol.lending is not None else 25)
    for look in asked:
        values = {
            f"at{i}": int(v) if name in OF else v
            for i, (v, name) in enumerate(zip(look.given, sights()[look.sight], strict=True))
        }
        known = axes.there_are(look.axis, protocol)
        allowed = f"{known[0]} to {known[-1]}" if known else "none, there is none"
        said = refusal(stage, kinds[look.sight](**values), plain=plain)
        wanted = f"do.{look.sight} of mine: {look.axis} = {look.beside}; allowed: {allowed}"
        assert said == wanted


@pytest.mark.parametrize("plain", [False, True], ids=["compiled", "plain"])
def test_the_first_and_the_last_of_all_are_seen(stage: tuple[Any, Any], *, plain: bool) -> None:
    mine = looker("index", ["asset"])(at0=0)
    protocol = add_agents(resolve(stage[0]), [], [mine])[0]
    for sight, taken in sights().items():
        if not OF.keys() & set(taken):
            continue
        for end in (0, -1):
            known = [axes.there_are(OF[one], protocol) if one in OF else [1.0] for one in taken]
            if all(known):
                values = {f"at{i}": one[end] for i, one in enumerate(known)}
                assert refusal(stage, looker(sight, taken)(**values), plain=plain) == ""


def test_an_amount_is_taken_as_it_is_whatever_kind_of_number_came_before() -> None:
    """A whole number first, then parts of one: what is compiled for the first is not for all."""
    config = load("calm", ["paths=1"])
    protocol = resolve(config)
    do = PlainDo(ModelWorld(protocol, draw(config.market, 0, 1).first_steps(1), BOOK), 0)
    one = do.reward(DELEVERAGE, 1)
    assert one > 0.0
    part: Any
    for part in (True, 0.5, np.float32(0.25), 1.5):
        assert do.reward(DELEVERAGE, part) == pytest.approx(float(part) * one, rel=1e-12)
