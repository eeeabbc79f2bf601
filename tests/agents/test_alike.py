"""Compiled and in plain Python a user's agent ends at the same moment, for the same reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Actions, Agent, View
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
from simulator.world.actions import Trade
from simulator.world.protocol import AgentSlot

STEPS, LATENCY = 4, 2
CONFIG = load("calm", ["paths=1"])
MARKET = draw(CONFIG.market, 0, 1).first_steps(STEPS)
SLOT = AgentSlot("mine", 1e6, 10.0, has_account=True, margin=(1e4,))


def told(agents: list[Agent], *, plain: bool, steps: int = STEPS) -> str:
    """What a run with them is refused for; "": it is not."""
    protocol = resolve(CONFIG)
    protocol, crowd = add_agents(protocol, build_agents(CONFIG, protocol), agents)
    world = ModelWorld(protocol, MARKET.first_steps(steps), BOOK, 1)
    try:
        if plain:
            simulate(world, crowd)
        else:
            Loop(world, crowd, np.array([0, steps])).run()
    except InputError as error:
        return str(error)
    return ""


@dataclass(eq=False)
class Bystander(ScalarAgent):
    """Somebody else's, that does nothing wrong."""

    slot = AgentSlot("bystander", 0.0, 0.0, has_account=False)

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.swap(0.0)


@dataclass(eq=False)
class Keeping(ScalarAgent):
    """Puts things into fields that have no room for them, or that have."""

    count: int = 0
    flag: bool = False
    share: float = 0.0

    slot = SLOT


def float_to_int(do: Any, my: Any) -> None:
    my.count += 0.5


def whole_float_to_int(do: Any, my: Any) -> None:
    my.count = do.seconds / 3_600.0


def float_to_bool(do: Any, my: Any) -> None:
    my.flag = 0.25


def int_to_bool(do: Any, my: Any) -> None:
    my.flag = do.step + 2


@part
def _halve(my: Any) -> None:
    my.count = my.count / 2


def in_a_part(do: Any, my: Any) -> None:
    _halve(my)


def in_a_branch(do: Any, my: Any) -> None:
    amount = 1
    if do.index(1) > 0.0:
        amount = 0.5  # type: ignore[assignment]
    my.count = amount


def fitting(do: Any, my: Any) -> None:
    my.count = do.step
    my.count += do.step > 2
    my.count = do.step // 2 + round(do.index(1))
    my.flag = do.index(1) > 0.0
    my.flag = my.flag and do.step == 1
    my.share = do.step
    my.share = my.flag


def of(act: Callable[..., None], kind: type[ScalarAgent] = Keeping) -> Any:
    """An agent that acts so."""
    made = type("Mine", (kind,), {"act": staticmethod(act), "__module__": __name__})
    return made()


@pytest.mark.parametrize(
    ("act", "field", "said"),
    [
        (float_to_int, "count", "allowed: a whole number, as it is int"),
        (whole_float_to_int, "count", "allowed: a whole number, as it is int"),
        (in_a_part, "count", "allowed: a whole number, as it is int"),
        (in_a_branch, "count", "allowed: a whole number, as it is int"),
        (float_to_bool, "flag", "allowed: true or false, as it is bool"),
        (int_to_bool, "flag", "allowed: true or false, as it is bool"),
    ],
)
def test_a_field_is_given_what_it_can_hold(act: Any, field: str, said: str) -> None:
    compiled = told([of(act)], plain=False)
    assert f"my.{field} is given " in compiled
    assert compiled.endswith(said)
    assert f"{__file__} line " in compiled
    assert "\n" not in compiled
    plain = told([of(act)], plain=True)
    assert plain.startswith(f"Mine.{field} = ")
    assert plain.endswith(said)


@pytest.mark.parametrize("plain", [False, True])
def test_what_fits_is_kept(*, plain: bool) -> None:
    assert told([of(fitting)], plain=plain) == ""


def by_zero(do: Any, my: Any) -> None:
    my.share = 1.0 / my.share


def by_zero_of_a_sight(do: Any, my: Any) -> None:
    my.share = do.index(1) / do.size(do.account, 0)


def by_zero_of_numpy(do: Any, my: Any) -> None:
    my.share = 1.0 / np.sqrt(do.size(do.account, 0))


def nothing_by_nothing(do: Any, my: Any) -> None:
    my.share = do.size(do.account, 0) / do.size(do.account, 0)


def whole_by_zero(do: Any, my: Any) -> None:
    my.count = do.step // my.count


def rest_by_zero(do: Any, my: Any) -> None:
    my.count = (do.step + 1) % my.count


def ints_by_zero(do: Any, my: Any) -> None:
    my.share = do.step / my.count


@part
def _inverse(value: float) -> float:
    return 1.0 / value


def by_zero_in_a_part(do: Any, my: Any) -> None:
    my.share = _inverse(my.share)


DIVIDING = [
    *(by_zero, by_zero_of_a_sight, by_zero_of_numpy, nothing_by_nothing),
    *(whole_by_zero, rest_by_zero, ints_by_zero, by_zero_in_a_part),
]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("act", DIVIDING)
def test_dividing_by_zero_is_told_of_who_did(act: Any, *, plain: bool) -> None:
    said = told([Bystander(), of(act), of_name(Bystander(), "last")], plain=plain)
    assert said.startswith("agent Mine: ")
    assert "ZeroDivisionError: " in said


def of_name(agent: Agent, name: str) -> Agent:
    agent.slot = AgentSlot(name, 0.0, 0.0, has_account=False)
    return agent


def beside_a_table(do: Any, my: Any) -> None:
    my.count = do.w.tables.clearing.asset[10**6]


@pytest.mark.parametrize("plain", [False, True])
def test_beside_a_table_there_is_nothing(*, plain: bool) -> None:
    said = told([Bystander(), of(beside_a_table)], plain=plain)
    assert said.startswith("agent Mine: ")
    assert "IndexError: index " in said


def infinite_logarithm(do: Any, my: Any) -> None:
    with_zero = np.exp(-np.inf) * do.step
    my.share = np.exp(np.log(with_zero + 1.0)) / 2.0


@pytest.mark.parametrize("plain", [False, True])
def test_what_is_not_by_zero_is_done(*, plain: bool) -> None:
    assert told([of(infinite_logarithm)], plain=plain) == ""


def by_what_is_not_there(do: Any, my: Any) -> None:
    my.share = 1.0 / (0.0 * do.skew(99))


@pytest.mark.parametrize("plain", [False, True])
def test_what_came_of_looking_beside_is_told_as_that(*, plain: bool) -> None:
    said = told([of(by_what_is_not_there)], plain=plain)
    assert said.startswith("do.skew of mine: market = 99; allowed: 0 to 1")


def logarithm(do: Any, my: Any) -> None:
    my.share = math.log(my.share)


def root(do: Any, my: Any) -> None:
    my.share = math.sqrt(my.share - 1.0)


@pytest.mark.parametrize("act", [logarithm, root])
def test_what_the_documentation_says_of_logarithms_and_roots(act: Any) -> None:
    assert told([of(act)], plain=False) == ""
    assert "ValueError: math domain error" in told([of(act)], plain=True)


def wrong_market(do: Any, my: Any) -> None:
    do.trade(9, 1.0, 0.0)


def wrong_account(do: Any, my: Any) -> None:
    do.liquidate(-1, 0)


def wrong_collateral(do: Any, my: Any) -> None:
    do.post_margin(77, 1.0)


def wrong_leg(do: Any, my: Any) -> None:
    do.liquidate_loan(0, 1.0)


def no_amount(do: Any, my: Any) -> None:
    do.swap(np.nan)


def no_limit(do: Any, my: Any) -> None:
    do.trade(0, 1.0, np.inf)


WRONG = [wrong_market, wrong_account, wrong_collateral, wrong_leg, no_amount, no_limit]


@pytest.mark.parametrize("latency", [0, LATENCY])
@pytest.mark.parametrize("act", WRONG)
def test_an_order_that_cannot_be_ends_the_run_as_it_is_sent(act: Any, latency: int) -> None:
    """Within fewer steps than it would wait."""

    def sent(*, plain: bool) -> str:
        agent = of(act)
        agent.slot = AgentSlot("mine", 1e6, 10.0, True, (1e4,), latency_blocks=latency)
        return told([agent], plain=plain, steps=LATENCY - 1).removesuffix(" (path 0)")

    assert sent(plain=True) == sent(plain=False) != ""


class Everywhere(Agent):
    """Of all paths at once; trades where there is no market."""

    slot = AgentSlot("mine", 1e6, 10.0, True, (1e4,), latency_blocks=LATENCY)

    def act(self, view: View) -> Actions:
        yield Trade(self.index, 9, np.ones(view.market.paths), view.index(1))


@pytest.mark.parametrize("plain", [False, True])
def test_that_of_an_agent_over_arrays_too(*, plain: bool) -> None:
    said = told([Everywhere()], plain=plain, steps=LATENCY - 1)
    assert said == "Trade of mine: market = 9; allowed: 0 to 1"


@dataclass(eq=False)
class Indexing(ScalarAgent):
    """Its arithmetic says 0.05, 0.1, … for a market; ``market`` is 0."""

    market: float = 0.0
    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.trade(do.step * 0.05, 0.1, 1e9)


@dataclass(eq=False)
class Looking(Indexing):
    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.swap(-do.size(do.account, my.market))


@pytest.mark.parametrize("kind", [Indexing, Looking])
@pytest.mark.parametrize("plain", [True, False])
def test_a_float_is_no_index(kind: type[ScalarAgent], plain: bool) -> None:
    found = told([kind()], plain=plain)
    assert "market" in found
    assert found.endswith("allowed: a whole number, as it is int")


@dataclass(eq=False)
class Writing(ScalarAgent):
    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.w.state.vault.idle_usdc = 1e12


@dataclass(eq=False)
class WritingInto(Writing):
    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.w.state.wallet.token[do.agent, 0] += 1e12


@dataclass(eq=False)
class WritingByAPart(Writing):
    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        grant(do)


@part
def grant(do: Any) -> None:
    do.w.tables.clearing.liquidation_penalty = 0.5


@pytest.mark.parametrize("kind", [Writing, WritingInto, WritingByAPart])
def test_only_verbs_change_the_protocol(kind: type[ScalarAgent]) -> None:
    found = told([kind()], plain=False)
    assert "verbs change the protocol" in found
    assert "test_alike.py line " in found


@dataclass(eq=False)
class Power(ScalarAgent):
    """In Python a whole number to a power below zero is a fraction."""

    total: float = 0.0
    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.total += (do.step + 1) ** -1


@dataclass(eq=False)
class Powers(Power):
    """All that is the same in both."""

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.total += (do.step + 1) ** 2 + 2.0**-do.step + float(do.step + 1) ** -1


def test_a_power_of_whole_numbers_that_compiled_code_would_cut_off_is_refused() -> None:
    assert "float(a) ** b" in told([Power()], plain=False)
    assert told([Powers()], plain=False) == told([Powers()], plain=True) == ""


@dataclass(eq=False)
class Late(Agent):
    """Over arrays, with latency: what it raises is still its own."""

    slot = AgentSlot("late", 0.0, 0.0, has_account=False, latency_blocks=1)

    def act(self, view: View) -> Actions:
        yield from ()
        raise ValueError("mine")


@pytest.mark.parametrize("plain", [True, False])
def test_what_an_agent_with_latency_raises_is_told_as_its_own(plain: bool) -> None:
    assert "agent Late: " in told([Late()], plain=plain)
    assert "ValueError: mine" in told([Late()], plain=plain)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"usdc": -5.0}, "slot.usdc = -5.0: must be finite, 0 or more"),
        ({"base": math.nan}, "slot.base = nan: must be finite, 0 or more"),
        ({"usdc": "5"}, "slot.usdc = '5': must be a number"),
        ({"margin": (-5.0,)}, "slot.margin[0] = -5.0: must be finite, 0 or more"),
        ({"margin": 5.0}, "slot.margin = 5.0: must be a tuple"),
        ({"margin": (1.0,) * 9}, "must have at most"),
        ({"hedge": (1.0,)}, "must have at most 0 amounts"),
        ({"has_account": False}, "must be () without has_account"),
    ],
)
def test_a_wallet_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    one = Bystander()
    one.slot = replace(SLOT, **changes)
    with pytest.raises(InputError, match=re.escape(said)):
        told([one], plain=False)


class NoDataclass(ScalarAgent):
    slot = SLOT

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        do.swap(0.0)


def test_a_scalar_agent_that_is_no_dataclass_is_told_what_to_write() -> None:
    with pytest.raises(InputError, match=r"must be a dataclass: @dataclass\(eq=False\)"):
        told([NoDataclass()], plain=False)
