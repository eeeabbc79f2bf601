"""Agents as compiled code has them: what is wrong with one is said, and what changed is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle
import numpy as np
import pytest

from simulator.agents import compiling
from simulator.agents.build import add_agents, build_agents
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.types import InputError
from simulator.world.protocol import AgentSlot

STEPS = 4
SIZE = 100.0
SLOT = AgentSlot("mine", 1e6, 10.0, has_account=False)


def run(agent: ScalarAgent, scenario: str = "calm") -> ModelWorld:
    config = load(scenario, ["paths=1"])
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), [agent])
    world = ModelWorld(protocol, draw(config.market, 0, 1).first_steps(STEPS), BOOK, 1)
    Loop(world, agents, np.array([0, STEPS])).run()
    return world


def spent(world: ModelWorld) -> float:
    """USDC gone from the agent's wallet."""
    return round(1e6 - float(world.observe().wallet_usdc[-1, 0]), 6)


@dataclass(eq=False)
class Wrong(ScalarAgent):
    """Asks for one thing that cannot be."""

    case: int

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if my.case == 0:
            do.trade(0, 1.0, 0.0)
        elif my.case == 1:
            do.swap(1.0, 0.0, 0.0, 0)
        elif my.case == 2:
            do.swap(np.nan)
        elif my.case == 3:
            do.swap(1.0, np.inf)
        elif my.case == 4:
            do.liquidate_loan(-1, 1.0)
        elif my.case == 5:
            do.trade(99, 0.0, 0.0)  # of nothing: no action


@dataclass(eq=False)
class Trader(ScalarAgent):
    """As the other, with an account."""

    case: int

    slot = AgentSlot("mine", 1e6, 10.0, has_account=True, margin=(1e4,))

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if my.case == 0:
            do.trade(2, 1.0, 0.0)
        elif my.case == 1:
            do.trade(-1, 1.0, 0.0, quote=True)
        elif my.case == 2:
            do.post_margin(7, 1.0)
        elif my.case == 3:
            do.liquidate(-1, 0)
        elif my.case == 4:
            do.liquidate(0, 9)
        elif my.case == 5:
            do.liquidate_pledge(1_000)
        elif my.case == 6:
            do.liquidate_collateral(0, 0, 1.0)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (Wrong(0), r"Trade of mine: it has no margin account; allowed: "),
        (Wrong(1), r"Swap of mine: leg = 0; allowed: none"),
        (Wrong(2), r"Swap of mine: an amount or limit that is not finite; allowed: finite \(path"),
        (Wrong(3), r"Swap of mine: an amount or limit that is not finite"),
        (Wrong(4), r"LiquidateLoan of mine: leg = -1; allowed: none"),
        (Trader(0), r"Trade of mine: market = 2; allowed: 0 to 1"),
        (Trader(1), r"Trade of mine: market = -1; allowed: 0 to 1"),
        (Trader(2), r"PostMargin of mine: collateral = 7; allowed: 0 to \d"),
        (Trader(3), r"Liquidate of mine: account = -1; allowed: 0 to \d"),
        (Trader(4), r"Liquidate of mine: market = 9; allowed: 0 to 1"),
        (Trader(5), r"LiquidatePledge of mine: account = 1000; allowed: 0 to \d"),
        (Trader(6), r"LiquidateCollateral of mine: collateral = 0; allowed: 1 to \d"),
    ],
)
def test_an_order_of_what_is_not_there_ends_the_run(agent: ScalarAgent, said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(agent)


def test_an_order_of_nothing_is_none() -> None:
    assert spent(run(Wrong(5))) == 0.0


@part
def checked(amount: float) -> float:
    if amount > 2.0 * SIZE:
        raise ValueError("more than I may spend")
    return amount


@dataclass(eq=False)
class Buyer(ScalarAgent):
    """Buys more at each step, within limits."""

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.swap(-checked(SIZE * do.step))


def test_what_an_agent_raises_is_told_as_its_own() -> None:
    with pytest.raises(InputError, match=r"agent Buyer: .*line \d+: ValueError: more than I"):
        run(Buyer())


@dataclass(eq=False)
class Misspelt(ScalarAgent):
    """Knows no such verb."""

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.trad(0, 1.0)


@dataclass(eq=False)
class Undeclared(ScalarAgent):
    """Remembers what it has no field for."""

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.count = 1.0


@dataclass(eq=False)
class Listing(ScalarAgent):
    """Allocates."""

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        amounts = [1.0, do.step]
        do.swap(-amounts[1])


@pytest.mark.parametrize(
    ("agent", "said"),
    [(Misspelt(), "'?trad'?"), (Undeclared(), "'count' is no field"), (Listing(), "NRT required")],
)
def test_what_cannot_be_compiled_is_said_in_a_line_with_its_place(agent: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        run(agent)
    text = str(raised.value)
    assert "test_compiling.py" in text
    assert type(agent).__name__ in text
    assert "\n" not in text
    assert len(text) < 500


@dataclass(eq=False)
class Regular(ScalarAgent):
    """Buys for the same, whatever that is now."""

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.swap(-once())


@part
def once() -> float:
    return SIZE


def test_a_variable_that_changed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spent(run(Regular())) == (STEPS + 1) * 100.0
    made = len(compiling._MADE)
    run(Regular())
    assert len(compiling._MADE) == made
    monkeypatch.setattr(sys.modules[__name__], "SIZE", 7.0)
    assert spent(run(Regular())) == (STEPS + 1) * 7.0


HELPERS = """
import numba
from simulator.agents.do import part
SIZE = 100.0

@part
def of_a_part():
    return SIZE

@numba.njit
def of_numbas():
    return SIZE

@numba.njit
def again(times):
    return SIZE if times == 0 else again(times - 1)

@part
def below():
    return of_a_part() + 0.0 * of_numbas()
"""
MINE = """
import helpers
from simulator.agents.do import part

@part
def mine():
    return helpers.of_a_part()

"""
ACTS = {
    "a part of a module": ("import helpers", "helpers.of_a_part()"),
    "a variable of a module": ("import helpers", "helpers.SIZE"),
    "a function of Numba's": ("from helpers import of_numbas", "of_numbas()"),
    "one of a module": ("import helpers", "helpers.of_numbas()"),
    "one that calls itself": ("import helpers", "helpers.again(3)"),
    "a part below a part": ("import helpers", "helpers.below()"),
    "a part of a module in a package": ("import outer.helpers", "outer.helpers.of_a_part()"),
    "a part that calls through a module": (
        MINE,
        "mine()",
    ),
    "two parts that do, each another": (
        f"{MINE}@part\ndef other():\n    return helpers.below()",
        "0.5 * mine() + 0.5 * other()",
    ),
}


@pytest.mark.parametrize("called", ACTS)
def test_a_variable_of_a_helper_module_that_changed_is_seen(
    called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers, outer = ModuleType("helpers"), ModuleType("outer")
    exec(HELPERS, vars(helpers))
    vars(outer)["helpers"], vars(helpers)["outer"] = helpers, outer  # they know each other
    for module in (helpers, outer):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "outer.helpers", helpers)
    begin, amount = ACTS[called]
    scope: dict[str, Any] = {"__name__": "mine"}
    exec(f"{begin}\ndef act(do, my):\n    do.swap(-({amount}))\n", scope)

    def anew() -> ScalarAgent:
        held = {"act": staticmethod(scope["act"]), "slot": SLOT}
        kind: Any = dataclass(eq=False)(type("Mine", (ScalarAgent,), held))
        made: ScalarAgent = kind()
        return made

    for size in (100.0, 7.0, 100.0):
        monkeypatch.setattr(helpers, "SIZE", size)
        assert spent(run(anew())) == (STEPS + 1) * size


def test_a_copy_that_says_the_same_is_compiled_once() -> None:
    """A worker is sent one with each chunk; parts in it were never decorated there."""
    copies: list[FunctionType] = [cloudpickle.loads(_by_value(Regular.act)) for _ in range(2)]
    assert len({id(copy) for copy in (*copies, Regular.act)}) == 3
    assert len({compiling.source_of(act) for act in (*copies, Regular.act)}) == 1
    known = copies[0].__globals__["once"]
    assert known is not once
    assert known.is_part


def _by_value(function: Any) -> bytes:
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(function))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def test_a_part_that_nobody_decorated_here_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SIZE", 11.0)  # so that nothing is compiled yet
    agent = Regular()
    copy = cloudpickle.loads(_by_value(Regular.act))
    monkeypatch.setattr(Regular, "act", staticmethod(copy))
    assert spent(run(agent)) == (STEPS + 1) * 11.0


@dataclass(eq=False)
class Counted(ScalarAgent):
    number: int = 2
    share: float = 0.5
    often: bool = False

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if my.often:
            do.swap(-my.number * my.share)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"number": 2.5}, r"Counted\.number = 2\.5: allowed: a whole number"),
        ({"number": True}, r"Counted\.number = True: allowed: a whole number"),
        ({"often": 1}, r"Counted\.often = 1: allowed: true or false"),
        ({"share": "x"}, r"Counted\.share = 'x': allowed: a number"),
    ],
)
def test_fields_hold_what_they_say(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(Counted(**given))


def test_fields_of_numpy_are_numbers() -> None:
    agent = Counted(number=np.int64(3), share=np.float64(2.0), often=np.True_)  # type: ignore[arg-type]
    assert spent(run(agent)) == (STEPS + 1) * 6.0


def test_a_scalar_agent_says_in_act_when_it_acts() -> None:
    with pytest.raises(InputError, match=r"Rare\.due: .*do\.step in act"):
        type("Rare", (ScalarAgent,), {"due": lambda self, step: step == 3})


def test_without_compiled_code_it_is_said_what_to_do() -> None:
    script = (
        "from simulator.engine.door import door\n"
        "from simulator.types import InputError\n"
        "try:\n    door(None)\nexcept InputError as error:\n    print(error)\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.startswith("NUMBA_DISABLE_JIT = 1: ")
    assert "--plain" in made.stdout


@dataclass(eq=False)
class Halves(ScalarAgent):
    """Counts halves where there is room for whole numbers."""

    count: int = 0

    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.count += 0.5


def test_a_float_in_a_field_of_int_is_refused_in_plain_python() -> None:
    config, agent = load("calm", ["paths=1"]), Halves()
    protocol, agents = add_agents(resolve(config), [], [agent])
    world = ModelWorld(protocol, draw(config.market, 0, 1).first_steps(2))
    with pytest.raises(InputError, match=r"Halves\.count = 0\.5; allowed: a whole number"):
        simulate(world, agents)
