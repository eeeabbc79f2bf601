"""A venue stands still: nobody acts on a chain that halts, and real pauses refuse what they do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import simulator
from simulator.config import Config, from_mapping, load, resolve
from simulator.market.draw import draw
from simulator.runner import fingerprint
from simulator.types import InputError, Status
from simulator.verify import verify_paths
from simulator.world.absence import BITS, absent
from simulator.world.actions import Action, Deposit, PostMargin, Redeem, Trade
from simulator.world.protocol import HALTED, AgentSlot
from tests.lending.both import ONE, Both, config_of, market

FIRST, END = 20, 45


def outage(venue: str, **changes: Any) -> Config:
    data = load("correlation-breakdown").model_dump() | {"horizon_hours": 60.0, "paths": 4}
    shock = {"kind": "venue_outage", "venue": venue, "at_hours": 20.0, "duration_hours": 25.0}
    return from_mapping(data | {"shocks": [shock]} | changes)


def calm() -> Config:
    return from_mapping(outage("chain").model_dump() | {"shocks": []})


# ------------------------------------------------------------------------------------------- chain


@pytest.mark.parametrize("plain", [False, True])
def test_while_the_chain_halts_nobody_acts_and_no_round_is_posted(plain: bool) -> None:
    config = outage("chain")
    steps = simulator.run(config, workers=1, plain=plain).events["step"]
    before = simulator.run(calm(), workers=1).events["step"]
    assert not steps.between(FIRST, END - 1).any()
    assert before.between(FIRST, END - 1).any()
    assert (steps == END).any()
    times = draw(config.market, 0, 4).oracle_time
    assert (times[:, FIRST:END] == times[:, FIRST - 1 : FIRST]).all()
    assert (times[:, END] == END * 3600.0).any()


def test_who_sees_all_paths_at_once_is_halted_too() -> None:
    protocol = resolve(outage("chain"))
    assert {protocol.is_down(0, step) for step in range(FIRST, END)} == {True}
    assert not protocol.is_down(0, FIRST - 1)
    assert not protocol.is_down(0, END)


def test_prices_are_those_of_a_chain_that_runs() -> None:
    halted, runs = (draw(one.market, 0, 2) for one in (outage("chain"), calm()))
    np.testing.assert_array_equal(halted.index, runs.index)
    assert (halted.oracle_time != runs.oracle_time).any()


def test_more_agents_than_there_are_bits_cannot_be_halted() -> None:
    config = outage("chain")
    protocol, path = resolve(config), draw(config.market, 0, 1)
    slot = AgentSlot("other", usdc=0.0, base=0.0, has_account=False)
    agents = (*protocol.agents, *([slot] * BITS))[:BITS]
    assert absent(path, replace(protocol, agents=agents))[FIRST].item() == 2**BITS - 1
    with pytest.raises(InputError, match=r"venue = chain: 64 agents; allowed: at most 63"):
        absent(path, replace(protocol, agents=(*agents, slot)))


# -------------------------------------------------------------------------------------------- perps


def test_a_paused_perp_venue_refuses_what_adds_to_a_position_and_nothing_else() -> None:
    lending = market({"one": {"collateral": {"ETH": 1.0}, "debt": {"USDC": 1.0}, "health": 5.0}})
    data = config_of(lending).model_dump(mode="json")
    minutes = data["step_minutes"]
    pause = {"kind": "venue_outage", "venue": "perps"}
    window = {"at_hours": 2 * minutes / 60, "duration_hours": minutes / 60}
    both = Both(from_mapping(data | {"shocks": [pause | window]}), {}, {}, {})
    slots = [slot.name for slot in both.protocol.agents]
    trader, depositor = slots.index("noise_trader"), slots.index("depositor")

    def status(action: Action) -> Status:
        ours, theirs = (Status(int(w.execute(action).status[0])) for w in both.worlds)
        assert ours is theirs
        both.agree()
        return theirs

    def order(size: float) -> Status:
        limit = 1e9 if size > 0.0 else 0.0
        return status(Trade(trader, 0, ONE * size, ONE * limit))

    both.advance()
    assert order(2.0) is Status.OK
    assert status(Deposit(depositor, ONE * 1e5)) is Status.OK
    both.advance()
    assert order(0.1) is Status.PAUSED
    assert order(-3.0) is Status.PAUSED  # smaller, but on the other side
    assert order(-0.5) is Status.OK
    assert status(PostMargin(trader, 0, ONE * 10.0)) is Status.OK
    assert status(PostMargin(trader, 0, ONE * -10.0)) is Status.OK
    assert status(Redeem(depositor, ONE * 1e4)) is Status.OK
    assert order(-1.5) is Status.OK
    both.advance()
    assert order(0.1) is Status.OK


def test_a_pause_is_of_its_venue_in_its_window() -> None:
    bits = {venue: resolve(outage(venue)).halted for venue in ("chain", "perps")}
    paused = [step for step in range(61) if bits["perps"](step)]
    assert paused == list(range(FIRST, END))
    assert {bits["perps"](step) for step in paused} == {HALTED["perps"]}
    assert not any(bits["chain"](step) for step in range(61))  # nobody calls, so nobody is refused


def test_a_pause_draws_nothing_and_makes_another_run() -> None:
    assert outage("perps").market.digest() == calm().market.digest()
    digests = {fingerprint.of_protocol(c, "model", (), 1) for c in (calm(), outage("perps"))}
    assert len(digests) == 2


@pytest.mark.parametrize("venue", ["chain", "perps"])
def test_both_worlds_have_it(venue: str) -> None:
    comparison = verify_paths(outage(venue), 0, 1, 60)
    assert comparison.agrees


# --------------------------------------------------------------------------------------------- aave


def test_of_a_paused_aave_nobody_liquidates_a_borrower() -> None:
    borrower = {"collateral": {"ETH": 100.0}, "debt": {"USDC": 1.0}, "health": 1.1}
    data = config_of(market({"one": borrower})).model_dump(mode="json")
    minutes = data["step_minutes"]
    pause = {"kind": "venue_outage", "venue": "aave"}
    window = {"at_hours": minutes / 60, "duration_hours": minutes / 60}
    both = Both(from_mapping(data | {"shocks": [pause | window]}), {"ETH": 0.88}, {})
    both.advance()
    assert both.liquidate(0, 1, 0) == (Status.PAUSED, 0.0, 0.0)
    assert both.liquidate(0, 2, 2) == (Status.PAUSED, 0.0, 0.0)  # before anything else is asked
    both.advance()
    status, paid, _ = both.liquidate(0, 1, 0)
    # Half of what was owed of 200,000 USD in ETH, at a threshold of 0.8.
    assert status is Status.OK
    assert paid == pytest.approx(0.5 * 160_000.0 / 1.1)


def test_what_was_not_liquidated_in_time_is_owed_for_ever() -> None:
    """The liquidator, who asks first what it would get, is there at the step the pause ends."""
    crash = "{kind: crash, assets: [ETH, BTC, SOL], size: -0.4, at_hours: 2, ramp_hours: 1}"
    pause = "{kind: venue_outage, venue: aave, at_hours: 2, duration_hours: 3}"
    short = ("horizon_hours=8", "paths=4")
    runs, paused = (
        simulator.run(load("lending-cascade", [*short, f"shocks=[{shocks}]"]), workers=1)
        for shocks in (crash, f"{crash}, {pause}")
    )
    events = paused.events
    done = events[(events["action"] == "LiquidateBorrower") & (events["status"] == "OK")]
    assert set(done["hours"]) == {5.0}
    assert (runs.paths["bad_loans"] == 0.0).all()
    assert (paused.paths["bad_loans"] > 1e6).all()


# ------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("venue", "shock", "said"),
    [
        ("chain", {"at_hours": 0.0}, r"shocks\.0 \(venue_outage\)\.at_hours = 0: must be above 0"),
        ("aave", {}, r"venue = aave: must be another, or lending given"),
        ("pool", {}, r"shocks\.0\.venue = 'pool': must be one of chain, perps, aave"),
    ],
)
def test_what_cannot_stand_still_is_refused(venue: str, shock: dict[str, Any], said: str) -> None:
    given = outage("chain").model_dump()["shocks"][0] | {"venue": venue} | shock
    with pytest.raises(ValueError, match=said):
        outage("chain", shocks=[given])


def test_aave_is_not_paused_under_the_vaults_own_legs() -> None:
    data = load("aave-hedge").model_dump()
    shock = {"kind": "venue_outage", "venue": "aave", "at_hours": 2.0, "duration_hours": 5.0}
    with pytest.raises(ValueError, match=r"must be another where the vault borrows there"):
        from_mapping(data | {"shocks": [shock]})


def test_windows_of_one_venue_do_not_overlap() -> None:
    first = outage("chain").model_dump()["shocks"][0]
    with pytest.raises(ValueError, match=r"shocks\.1 .*at_hours = 44: must not overlap another"):
        outage("chain", shocks=[first, first | {"at_hours": 44.0}])
    apart = outage("chain", shocks=[first, first | {"at_hours": 45.0, "duration_hours": 5.0}])
    assert len(resolve(apart).halts) == 2


def test_no_round_is_posted_on_a_halted_chain_whatever_stands_after_it_among_the_shocks() -> None:
    halt = {"kind": "venue_outage", "venue": "chain", "at_hours": 20.0, "duration_hours": 10.0}
    wrong = {"kind": "oracle_outlier", "asset": "ETH", "at_hours": 25.0, "factor": 1.3}
    data = load("calm").model_dump()
    one, other = (
        draw(from_mapping(data | {"shocks": shocks}).market, 0, 2)
        for shocks in ([halt, wrong], [wrong, halt])
    )
    np.testing.assert_array_equal(one.oracle_price, other.oracle_price)
    np.testing.assert_array_equal(one.oracle_time, other.oracle_time)


def test_a_window_whose_begin_float64_has_a_hair_late_begins_with_its_step() -> None:
    shock = {"kind": "venue_outage", "venue": "perps", "at_hours": 9.0 + 1e-10}
    data = load("calm").model_dump() | {"shocks": [shock | {"duration_hours": 0.5}]}
    (halt,) = resolve(from_mapping(data)).halts
    minutes = data["step_minutes"]
    assert (halt.first, halt.end) == (9 * 60 // minutes, 9 * 60 // minutes + max(1, 30 // minutes))
