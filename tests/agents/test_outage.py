"""Agents that are down do nothing, in every loop and world; nothing drawn is another for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulator
from simulator.config import Config, from_mapping, load, resolve
from simulator.market.draw import draw
from simulator.runner import fingerprint
from simulator.verify import verify_paths


def down(*agents: str, **changes: Any) -> Config:
    data = load("correlation-breakdown").model_dump() | {"horizon_hours": 60.0, "paths": 4}
    data["agents"]["risk_manager"] |= {"window_hours": 4.0, "every_hours": 5.0}
    shock = {"kind": "outage", "agents": agents, "at_hours": 20.0, "duration_hours": 25.0}
    return from_mapping(data | {"shocks": [shock]} | changes)


def acted(config: Config, agent: str, *, plain: bool = False) -> np.ndarray[Any, Any]:
    events = simulator.run(config, workers=1, plain=plain).events
    return np.unique(events.loc[events["agent"] == agent, "step"])


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("agent", ["amm_arbitrageur", "keeper", "risk_manager"])
def test_who_is_down_does_nothing_and_comes_back(agent: str, plain: bool) -> None:
    config = down(agent)
    steps = acted(config, agent, plain=plain)
    assert not ((steps >= 20) & (steps < 45)).any()
    assert (steps >= 45).any()
    before = acted(from_mapping(config.model_dump() | {"shocks": []}), agent)
    assert ((before >= 20) & (before < 45)).any()
    assert steps[steps < 20].tolist() == before[before < 20].tolist()


def test_nothing_drawn_goes_by_it_and_a_run_is_another() -> None:
    calm = from_mapping(down("keeper").model_dump() | {"shocks": []})
    assert down("keeper").market.digest() == calm.market.digest()
    np.testing.assert_array_equal(
        draw(down("keeper").market, 0, 2).index, draw(calm.market, 0, 2).index
    )
    digests = {fingerprint.of_protocol(c, "model", (), 1) for c in (calm, down("keeper"))}
    assert len(digests) == 2


def test_both_worlds_have_it() -> None:
    comparison = verify_paths(down("keeper", "noise_trader", "risk_manager"), 0, 1, 60)
    assert comparison.agrees


def test_who_is_not_there_cannot_be_down() -> None:
    with pytest.raises(ValueError, match=r"shocks\.0 \(outage\)\.agents = nobody: must be one of"):
        down("nobody")
    assert resolve(down("keeper")).outages == (("keeper", 20, 45),)
