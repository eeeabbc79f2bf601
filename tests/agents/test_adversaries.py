"""Adversaries pay where they are said to, nowhere else, and in both worlds alike."""

from __future__ import annotations

import numpy as np
import pytest

import simulator
from scripts.adversaries_study import (
    CASES,
    NAMES,
    NOWHERE,
    SCENARIO,
    Case,
    Mean,
    alone,
    damage_of,
    profit_of,
)
from simulator.agents.build import build_agents
from simulator.config import Config, load, resolve, scenarios
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.types import InputError
from simulator.verify import TOLERANCE
from simulator.verify import verify as verify_worlds

PATHS = 40


def _named(case: Case) -> str:
    return f"{case.agent}: {case.title}"


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_each_pays_at_one_end_of_its_sweep_and_not_at_the_other(case: Case) -> None:
    pays, idle = case.profit(case.pays_at, PATHS), case.profit(case.idle_at, PATHS)
    assert pays.value - pays.half > 0.0, pays
    assert idle.value - idle.half <= 0.0, idle
    assert pays.value > idle.value


@pytest.mark.parametrize("name", ["oracle_pusher", "liquidation_hunter"])
def test_at_the_shipped_terms_they_know_that_it_does_not_pay(name: str) -> None:
    assert (profit_of(name, SCENARIO, (), PATHS) == 0.0).all()
    assert (damage_of(name, PATHS) == 0.0).all()


@pytest.mark.parametrize("name", ["oracle_pusher", "liquidation_hunter"])
def test_forced_they_lose(name: str) -> None:
    forced = Mean.of(profit_of(name, SCENARIO, (f"agents.{name}.minimum_profit_usd=-1e9",), PATHS))
    assert forced.value + forced.half < 0.0


@pytest.mark.parametrize("name", ["sandwicher", "flash_borrower"])
def test_those_who_gain_are_bounded_by_the_stated_slippage(name: str) -> None:
    config = load(SCENARIO, list(alone(name)))
    ran = simulator.run(config.model_copy(update={"paths": PATHS}), workers=1, record=1)
    assert config.agents.depositor is not None
    assert config.vault is not None
    most = 0.5 * config.vault.lp_allocation * config.agents.depositor.initial_deposit
    # Deposits come and go: never more than half as much again is placed.
    bound = 1.5 * most * config.vault.max_slippage * ran.paths["recenters"]
    gained = ran.paths[f"{name}_profit"]
    assert gained.mean() > 0.0
    assert (gained <= bound).all()


def test_who_holds_the_line_loses_gas_and_is_never_served() -> None:
    ran = simulator.run(load(SCENARIO, [*alone("withdrawal_griefer"), "paths=8"]), record=1)
    requests = ran.paths["withdrawal_griefer_requests"]
    assert (requests > 0.9 * load(SCENARIO).steps).all()
    assert Mean.of(np.asarray(ran.paths["withdrawal_griefer_profit"])).value < 0.0


def test_a_winner_who_moves_is_worse_off_than_one_who_stands_still() -> None:
    for level in (0.5, 1.0, 3.0):
        moved = NOWHERE.profit(level, 100)
        assert moved.value + moved.half < 0.0, (level, moved)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_off_elsewhere(name: str) -> None:
    for scenario in scenarios():
        there = {slot.name for slot in resolve(load(scenario)).agents}
        assert (name in there) == (scenario == SCENARIO)


@pytest.mark.parametrize("name", ["sandwicher", "flash_borrower"])
def test_who_acts_within_a_block_has_no_latency(name: str) -> None:
    with pytest.raises(InputError, match=rf"agents.{name}.latency_blocks = 1: must be"):
        load(SCENARIO, [f"agents.{name}.latency_blocks=1"])


STEPS = 100
#: What makes it happen within so few steps.
_SOON = {
    "flash_borrower": ("vault.range_half_width_percent=2",),
    "withdrawal_griefer": ("shocks.0.at_hours=8",),
    "adl_gamer": (
        *("shocks.0.at_hours=6", "shocks.1.at_hours=7.5"),
        *("shocks.2.at_hours=7", "shocks.3.at_hours=8"),
    ),
}


def _soon(case: Case) -> Config:
    """Two paths on which it acts within so few steps."""
    swept = [one.format(x=case.pays_at) for one in case.sweep]
    mine = [*alone(case.agent, case.scenario), *case.settings, *swept]
    return load(case.scenario, [*mine, *_SOON.get(case.agent, ()), "paths=2"])


@pytest.mark.parametrize("case", [*CASES, NOWHERE], ids=_named)
def test_each_acts_where_the_worlds_are_compared(case: Case) -> None:
    config = _soon(case)
    market, protocol = draw(config.market, 0, 2).first_steps(STEPS), resolve(config)
    counted = simulate(ModelWorld(protocol, market), build_agents(config, protocol))
    acted = counted["adl_gamer_moves" if case.agent == "adl_gamer" else f"{case.agent}_profit"]
    assert (acted != 0.0).any()


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, NOWHERE], ids=_named)
def test_both_worlds_carry_out_what_pays(case: Case) -> None:
    comparison = verify_worlds(_soon(case), 2, STEPS, workers=1)
    assert comparison.flips == ()
    assert comparison.worst <= TOLERANCE
