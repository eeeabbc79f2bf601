"""Who was not there is named, and nothing else is blamed for what nobody did."""

from __future__ import annotations

from typing import Any

import simulator
from simulator.config import Config, from_mapping, load
from simulator.results.absence import absent, at_spell, stopped


def without(agent: str, **shock: Any) -> Config:
    data = load("calm").model_dump() | {"paths": 6, "horizon_hours": 240.0}
    given = {"kind": "outage", "agents": [agent], "at_hours": 10.0, "duration_hours": 220.0}
    return from_mapping(data | {"shocks": [given | shock]})


def told(config: Config, name: str) -> list[str]:
    found = simulator.run(config, workers=1).summary["diagnosis"]
    return [finding["text"] for finding in found if finding["name"] == name]


def test_a_keeper_that_was_down_is_told_and_no_price_is_blamed() -> None:
    config = without("keeper")
    (text,) = told(config, "agent_absent")
    assert text.startswith("Keeper was down from hour 10 for 220 hours, 92 % of the run (shocks.0")
    assert at_spell(config, 60.0, 100.0) == "the keeper was down from hour 10 (shocks.0, outage)"
    assert at_spell(config, 200.0, 200.0) == ""  # it was back for most of that
    assert at_spell(without("liquidator"), 60.0, 100.0) == ""


def test_a_keeper_that_bid_too_little_is_told() -> None:
    config = without("keeper", kind="congestion", highest_gwei=1e-3)
    (text,) = told(config, "agent_absent")
    assert text.startswith("Keeper bid 0.001 gwei at most from hour 10")
    assert text.endswith("did nothing while gas cost more.")
    # Whether it was outbid when something was due is not known of a path.
    assert at_spell(config, 60.0, 100.0) == ""


def test_whose_absence_is_the_market_s_is_a_note() -> None:
    (finding,) = (one for one in absent(without("noise_trader")))
    assert finding.text.startswith("Noise trader was down from hour 10 for 220 hours")
    assert finding.severity == "note"
    (finding,) = absent(without("keeper"))
    assert finding.severity == "warning"


def test_a_venue_that_stood_still_is_told_and_what_it_kept_whom_from() -> None:
    halt = {"kind": "venue_outage", "at_hours": 10.0, "duration_hours": 300.0}
    data = load("calm").model_dump() | {"paths": 6, "horizon_hours": 240.0}
    chain, perps = (
        from_mapping(data | {"shocks": [halt | {"venue": venue}]}) for venue in ("chain", "perps")
    )
    (text,) = told(chain, "venue_stopped")
    assert text.startswith("The chain halted from hour 10 for 230 hours (shocks.0, venue_outage): ")
    assert "no depositor came or left, not in kind either" in text
    assert at_spell(chain, 60.0, 100.0) == "the chain halted from hour 10 (shocks.0, venue_outage)"
    (text,) = told(perps, "venue_stopped")
    assert "no position could grow" in text
    assert "exits went on" in text
    assert at_spell(perps, 60.0, 100.0) == ""  # keepers could call


def test_half_an_hour_of_a_halt_is_told_and_what_came_afterwards() -> None:
    halt = {"kind": "venue_outage", "venue": "chain", "at_hours": 60.5, "duration_hours": 0.5}
    data = load("calm").model_dump() | {"step_minutes": 30, "horizon_hours": 240.0}
    (found,) = stopped(from_mapping(data | {"shocks": [halt]}))
    assert found.text.startswith("The chain halted from hour 60.5 for 0.5 hours (shocks.0")
    assert found.text.endswith("done at the prices there were afterwards.")


def test_a_halt_to_the_horizon_has_no_afterwards() -> None:
    halt = {"kind": "venue_outage", "venue": "chain", "at_hours": 60.0, "duration_hours": 300.0}
    data = load("calm").model_dump() | {"horizon_hours": 240.0}
    (found,) = stopped(from_mapping(data | {"shocks": [halt]}))
    assert "afterwards" not in found.text


def test_what_was_posted_wrong_is_told() -> None:
    (text,) = told(load("misposted-covariance", ["paths=4"]), "misposted")
    assert text.startswith(
        "The risk manager posted a covariance 8 times what it had found, from hour 96 for 48 hours"
    )


def test_a_bid_above_every_price_of_gas_is_said_to_have_no_effect() -> None:
    """And nobody is said to have been outbid; of two, the one that had some is not told of."""
    config = without("keeper", kind="congestion", highest_gwei=1e5)
    result = simulator.run(config, workers=1)
    assert (result.paths["outbid_time"] == 0.0).all()
    assert told(config, "agent_absent") == []
    (text,) = told(config, "no_effect")
    assert text == (
        "shocks.0 (congestion) has no effect: gas never cost more than its highest_gwei = 100000 "
        "while it lasts, on any path."
    )
    bound = without("keeper", kind="congestion", highest_gwei=1e-3)
    assert (simulator.run(bound, workers=1).paths["outbid_time"] == 1.0).all()
    assert told(bound, "no_effect") == []
