"""The two worlds agree on every built-in scenario, and the comparison sees it when they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import add_agents, build_agents
from simulator.agents.scalar import ScalarAgent
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.types import Floats, InputError, Status
from simulator.verify import TOLERANCE, Comparison, Decision, Transcript, compare, relative_error
from simulator.verify import verify as verify_worlds
from simulator.verify.comparison import Compiled
from simulator.verify.compiled import Beside
from simulator.verify.transcript import PLACES, describe
from simulator.world import actions
from simulator.world.actions import Liquidate, LiquidateLoan
from simulator.world.protocol import AgentSlot, Protocol
from tests.scenarios import CHECKED

# Long enough for every scenario's shocks; all scenarios, on more paths, are `make campaign`.
PATHS, STEPS = 1, 500


@pytest.mark.slow
@pytest.mark.parametrize("scenario", CHECKED)
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


def plain_beside() -> tuple[Beside, Callable[[], Compiled]]:
    """Two paths of a day in plain Python, and how to run them compiled."""
    config = load("calm", ["paths=2"])
    protocol = resolve(config)
    beside = Beside(protocol, draw(config.market, 4, 2).first_steps(24))
    counted = simulate(beside.world, build_agents(config, protocol), beside.observers)
    return beside, lambda: beside.compiled(build_agents(config, protocol), counted)


def test_the_compiled_loop_does_what_the_plain_one_does() -> None:
    found = plain_beside()[1]()
    assert (found.differing, found.first) == (0, "")
    assert found.worst <= 1e-11


@pytest.mark.parametrize(
    ("column", "other"),
    [("step", 1), ("agent", 1), ("market", 1), ("status", 3), ("amount_out", 1)],
)
def test_an_action_that_the_compiled_loop_makes_otherwise_is_seen(column: str, other: int) -> None:
    beside, compiled = plain_beside()
    rows = [rows for rows in beside._records.log._rows if len(rows)]
    rows[-1][column][-1] += other  # of the last path
    found = compiled()
    assert found.differing == 1
    assert found.first.startswith("path 5: compiled step 24, ")
    said = found.first.removeprefix("path 5: compiled ").split("; plain ")
    assert said[0] != said[1]
    assert not compare(transcript(WALK), transcript(WALK), 0, found).agrees


@dataclass(eq=False)
class Wrapping(ScalarAgent):
    """Counts in whole numbers, which have 64 bits in compiled code."""

    count: int = 1
    metrics = ("count",)
    slot = AgentSlot("wrapping", 0.0, 0.0, has_account=False)

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.count = my.count * 1000


def test_a_metric_of_ones_own_that_is_another_compiled_is_seen() -> None:
    config = load("calm", ["paths=1"])
    market = draw(config.market, 0, 1).first_steps(12)

    def cast() -> tuple[Protocol, list[Agent]]:
        protocol = resolve(config)
        return add_agents(protocol, build_agents(config, protocol), [Wrapping()])

    protocol, agents = cast()
    beside = Beside(protocol, market)
    found = beside.compiled(cast()[1], simulate(beside.world, agents, beside.observers))
    assert (found.of, found.differing) == ("metrics.wrapping_count", 0)
    assert found.worst > TOLERANCE


def test_an_action_that_only_one_of_the_loops_makes_is_seen() -> None:
    beside, compiled = plain_beside()
    log = beside._records.log
    log._rows[-1], log._paths[-1] = log._rows[-1][:-1], log._paths[-1][:-1]
    assert compiled().first.endswith("; plain nothing more")


@pytest.mark.parametrize(
    ("records", "name"), [("states", "state.clearing.skew"), ("books", "books.activity.gas")]
)
def test_what_the_compiled_loop_leaves_otherwise_is_seen(records: str, name: str) -> None:
    beside, compiled = plain_beside()
    _, subject, field = name.split(".")
    getattr(beside.world.paths, records)[subject][field][1] *= 1.001
    found = compiled()
    assert found.of == name
    assert 1e-6 < found.worst < 1e-2
    whole = Compiled.merge([found, replace(found, worst=np.nan, of="x", differing=2, first="y")])
    assert np.isnan(whole.worst)
    assert (whole.of, whole.differing, whole.first) == ("x", 2, "y")
    comparison = compare(transcript(WALK), transcript(WALK), 0, found)
    assert not comparison.agrees
    assert Comparison.merge([comparison, comparison]).compiled == found


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


def test_a_floor_float64_cannot_decide_is_no_disagreement_and_rounding_the_wrong_way_is() -> None:
    """127.999106 and 127.999105 USDC of fees: their number is 127,999,106 to the last bit."""
    fees = np.tile(200.0 + np.arange(200.0)[:, None], 2)
    for steps, by, agrees in ((2, 1e-6, True), (3, 1e-6, False), (1, 2e-6, False)):
        ours = transcript(fees)
        ours.states["fees_usdc"] = list(fees - by * (np.arange(200)[:, None] < steps))
        comparison = compare(ours, transcript(fees), first_path=0)
        assert comparison.agrees is agrees, (steps, by)
        assert agrees or comparison.worst_variable == "fees_usdc"


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
