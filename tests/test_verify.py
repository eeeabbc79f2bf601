"""The two worlds agree on every built-in scenario, and the comparison sees it when they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.config import load, resolve, scenarios
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.types import Floats, InputError, Status
from simulator.verify import TOLERANCE, Comparison, Decision, Transcript, compare, relative_error
from simulator.verify import verify as verify_worlds
from simulator.verify.comparison import Compiled
from simulator.verify.compiled import compiled
from simulator.verify.transcript import PLACES, describe
from simulator.world import actions
from simulator.world.actions import Liquidate, LiquidateLoan

# Long enough for every scenario's shocks; the full 20 paths × 500 steps are `make campaign`.
PATHS, STEPS = 1, 500


@pytest.mark.slow
@pytest.mark.parametrize("scenario", list(scenarios()))
def test_model_and_contracts_agree(scenario: str) -> None:
    comparison = verify_worlds(load(scenario), PATHS, STEPS, workers=1)
    assert comparison.flips == ()
    assert comparison.worst <= TOLERANCE
    assert comparison.statuses["OK"] > STEPS


def test_a_basket_of_usdc_alone_is_compared_too() -> None:
    """The schema's own default, which no built-in scenario has."""
    alone = load("calm", ["clearing.collaterals={USDC: {haircut: 0.0, cap: 1.0e+9}}"])
    comparison = verify_worlds(alone, 1, 6, workers=1)
    assert comparison.agrees
    assert comparison.compiled is not None
    assert comparison.compiled.worst <= 1e-11
    assert comparison.statuses["OK"] > 6


@pytest.fixture(scope="module")
def plain() -> tuple[Transcript, Callable[[Transcript], Compiled]]:
    """What plain Python makes of two paths, and how to hold the compiled loop against that."""
    config = load("calm", ["paths=2"])
    market = draw(config.market, 4, 2).first_steps(30)
    protocol, found = resolve(config), Transcript()
    simulate(ModelWorld(protocol, market), build_agents(config, protocol), [found])
    return found, lambda one: compiled(one, protocol, build_agents(config, protocol), market)


Plain = tuple[Transcript, "Callable[[Transcript], Compiled]"]


def test_the_compiled_loop_does_what_the_plain_one_does(plain: Plain) -> None:
    found, beside = plain
    same = beside(found)
    assert (same.differing, same.first) == (0, "")
    assert same.worst <= 1e-11


def test_where_the_compiled_loop_decides_otherwise_is_said(plain: Plain) -> None:
    found, beside = plain
    swap = next(d for d, codes in found.statuses.items() if codes[1] and d.action == "Swap")
    codes = found.statuses[swap].copy()
    codes[1] = Status.SLIPPAGE
    changed = Transcript()
    changed.states, changed.statuses = found.states, {**found.statuses, swap: codes}
    other = beside(changed)
    assert other.differing == 1
    assert other.first == f"path 5, step {swap.step}: compiled Swap OK, plain Swap SLIPPAGE"
    gone = Transcript()
    gone.states = found.states
    gone.statuses = {d: codes for d, codes in found.statuses.items() if d.step < 30}
    assert beside(gone).differing == 2
    assert "plain nothing" in beside(gone).first


def test_a_state_that_the_compiled_loop_leaves_otherwise_is_seen(plain: Plain) -> None:
    found, beside = plain
    changed = Transcript()
    changed.statuses, changed.states = found.statuses, dict(found.states)
    changed.states["skew"] = [*found.states["skew"][:-1], 1.001 * found.states["skew"][-1]]
    other = beside(changed)
    assert other.of == "skew"
    assert 1e-6 < other.worst < 1e-2
    whole = Compiled.merge([beside(found), other])
    assert (whole.of, whole.worst) == ("skew", other.worst)
    comparison = compare(found, found, 4, whole)
    assert not comparison.agrees
    assert Comparison.merge([comparison, comparison]).compiled == replace(whole, differing=0)


def transcript(values: Floats, status: Status = Status.OK) -> Transcript:
    """Every state variable follows ``values`` ``[time, paths]``; one action each step."""
    made = Transcript()
    for name in made.states:
        made.states[name] = list(values)
    for step in range(len(values)):
        codes = np.full(values.shape[1], status, np.int8)
        made.statuses[Decision(step, "keeper", "Rebalance", 1)] = codes
    return made


def test_what_an_action_is_names_all_that_is_not_an_amount() -> None:
    """Liquidations of two loans are two decisions, not one that occurs twice."""
    assert describe(LiquidateLoan(3, 1, np.ones(2))) == "LiquidateLoan leg 1"
    assert describe(Liquidate(3, 0, 2, np.ones(2, np.bool_))) == "Liquidate account 0 market 2"
    for kind in actions.ACTIONS:
        whole = {f.name for f in fields(kind) if str(f.type).startswith("int")}
        assert whole <= {"actor", *PLACES}, kind


WALK = np.abs(1.0 + np.arange(12.0).reshape(6, 2))


def test_a_transcript_agrees_with_itself() -> None:
    comparison = compare(transcript(WALK), transcript(WALK), first_path=0)
    assert comparison.agrees
    assert comparison.statuses == {"OK": 12}


def test_the_error_is_relative_to_the_largest_magnitude_on_the_path() -> None:
    ours = WALK.copy()
    ours[2, 1] += 1e-6 * WALK[:, 1].max()
    comparison = compare(transcript(ours), transcript(WALK), first_path=0)
    assert comparison.max_relative_error["nav"] == pytest.approx(1e-6, rel=1e-6)
    assert not comparison.agrees


def test_a_variable_that_stays_zero_has_no_error() -> None:
    assert relative_error(np.zeros((3, 2)), np.zeros((3, 2))) == 0.0


def test_what_rounding_leaves_of_a_covered_debt_is_no_disagreement_and_a_raw_unit_is() -> None:
    for left, agrees in ((1e-12, True), (1e-6, False)):
        ours, theirs = transcript(WALK), transcript(WALK)
        ours.states["maker_drawn"] = list(np.zeros_like(WALK))
        theirs.states["maker_drawn"] = list(np.full_like(WALK, left))
        assert compare(ours, theirs, first_path=0).agrees == agrees


def test_a_nan_in_either_world_never_agrees() -> None:
    ours = transcript(WALK)
    ours.states["skew"][3] = np.array([np.nan, 1.0])
    broken = compare(ours, transcript(WALK), first_path=0)
    assert not broken.agrees
    whole = compare(transcript(WALK), transcript(WALK), first_path=0)
    assert not Comparison.merge([whole, broken]).agrees


@pytest.mark.parametrize("other", [Status.SLIPPAGE, Status.NONE])
def test_another_status_is_a_flip_on_its_path(other: Status) -> None:
    ours, theirs = transcript(WALK), transcript(WALK)
    decision = Decision(4, "keeper", "Rebalance", 1)
    ours.statuses[decision][1] = other
    (flip,) = compare(ours, theirs, first_path=10).flips
    assert (flip.path, flip.decision) == (11, decision)
    assert (flip.model, flip.chain) == (other.name, "OK")


def test_an_action_only_one_world_saw_is_a_flip() -> None:
    ours, theirs = transcript(WALK), transcript(WALK)
    extra = Decision(1, "liquidator", "Liquidate account 0 market 0", 1)
    theirs.statuses[extra] = np.array([0, 1], np.int8)
    (flip,) = compare(ours, theirs, first_path=0).flips
    assert (flip.path, flip.model, flip.chain) == (1, "NONE", "OK")


def test_merging_keeps_the_worst_of_each() -> None:
    whole = compare(transcript(WALK), transcript(WALK), first_path=0)
    worse = replace(whole, max_relative_error={**whole.max_relative_error, "nav": 1e-3})
    merged = Comparison.merge([whole, worse])
    assert merged.paths == 4
    assert merged.max_relative_error["nav"] == 1e-3
    assert merged.statuses == {"OK": 24}


def test_more_steps_than_the_horizon_are_refused() -> None:
    config = load("calm")
    with pytest.raises(InputError, match=rf"steps = {config.steps + 1}: must be 1 to"):
        verify_worlds(config, 1, config.steps + 1)
