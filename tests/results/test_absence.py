"""Who was not there is named, and nothing else is blamed for what nobody did."""

from __future__ import annotations

from typing import Any

import simulator
from simulator.config import Config, from_mapping, load
from simulator.results.absence import at_spell


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


def test_whose_absence_is_the_market_s_is_not_told() -> None:
    assert told(without("noise_trader"), "agent_absent") == []
