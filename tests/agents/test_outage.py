"""Agents that are down do nothing, in every loop and world; nothing drawn is another for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.agents.build import add_agents, build_agents
from simulator.config import Config, from_mapping, load, resolve
from simulator.engine.turns import block_order
from simulator.market.draw import draw
from simulator.runner import fingerprint
from simulator.types import GWEI, InputError
from simulator.verify import verify_paths
from simulator.world.absence import absent, of_agent
from simulator.world.protocol import AgentSlot


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


def away(config: Config, name: str) -> np.ndarray[Any, Any]:
    """Where an agent does nothing, ``[T + 1, P]`` or ``[T + 1, 1]``."""
    protocol, path = resolve(config), draw(config.market, 0, config.paths)
    index = [slot.name for slot in protocol.agents].index(name)
    return of_agent(absent(path, protocol), index)


def test_who_is_down_is_so_in_the_window_and_nobody_else() -> None:
    config = down("keeper")
    assert np.flatnonzero(away(config, "keeper")[:, 0]).tolist() == list(range(20, 45))
    assert not away(config, "depositor").any()


def test_an_outage_is_of_all_that_a_name_calls() -> None:
    trader = {"usdc": 0.0, "margin": {"USDC": 1e5}, "leverage": 3.0, "cohorts": 3}
    agents = down("keeper").model_dump()["agents"] | {"leveraged_long": trader}
    config = down("leveraged_long", agents=agents)
    names = resolve(config).cohorts["leveraged_long"]
    assert len(names) == 3
    assert all(away(config, name)[20:45].all() for name in names)


# ------------------------------------------------------------------------------------- congestion


def congested(*agents: str, gwei: float = 0.2, **changes: Any) -> Config:
    """Gas strays from 0.2 gwei; the agents pay no more than ``gwei`` from hour 10 to 50."""
    shock = {"kind": "congestion", "agents": agents, "highest_gwei": gwei}
    shocks = [{**shock, "at_hours": 10.0, "duration_hours": 40.0}]
    return down(**({"shocks": shocks} | changes))


def test_who_is_outbid_is_so_where_gas_is_dearer() -> None:
    config = congested("keeper", gwei=0.2)
    path, native = draw(config.market, 0, config.paths), config.gas.native_asset
    assert native is not None
    gwei = path.gas_usd / path.index[config.symbols.index(native)] / GWEI
    window = np.zeros((path.steps + 1, 1), np.bool_)
    window[10:50] = True
    found = away(config, "keeper")
    np.testing.assert_array_equal(found, (gwei > 0.2) & window)
    assert found.any()
    assert not found[10:50].all()


@pytest.mark.parametrize("plain", [False, True])
def test_who_bids_too_little_acts_when_gas_costs_what_it_pays(plain: bool) -> None:
    config = congested("noise_trader")
    market = draw(config.market, 0, config.paths)
    native = market.index[config.symbols.index("ETH")]
    dear = market.gas_usd > 0.2e-9 * native
    dear[:10] = dear[50:] = False
    assert 0.2 < dear[10:50].mean() < 0.8
    assert (dear.any(axis=1) & ~dear.all(axis=1)).any()  # not on every path at once

    def traded(config: Config, *, plain: bool = False) -> np.ndarray[Any, Any]:
        events = simulator.run(config, workers=1, plain=plain).events
        events = events[events["agent"] == "noise_trader"]
        done = np.zeros_like(dear)
        done[events["step"], events["path"]] = True
        return done

    with_it, without = traded(config, plain=plain), traded(congested(shocks=[]))
    assert not (with_it & dear).any()
    # What it trades is drawn: it trades at every other moment at which it would have.
    np.testing.assert_array_equal(with_it, without & ~dear)


def test_what_was_sent_with_latency_waits_until_gas_is_paid() -> None:
    data = congested("noise_trader").model_dump()
    data["agents"]["noise_trader"]["latency_blocks"] = 1
    config = from_mapping(data)
    market = draw(config.market, 0, config.paths)
    dear = market.gas_usd > 0.2e-9 * market.index[config.symbols.index("ETH")]
    dear[:10] = dear[50:] = False
    events = simulator.run(config, workers=1).events
    events = events[events["agent"] == "noise_trader"]
    assert len(events)
    assert not dear[events["step"], events["path"]].any()


def test_a_keeper_that_bids_too_little_leaves_the_vault_alone_in_both_worlds() -> None:
    config = congested("keeper", "noise_trader", gwei=0.15)
    assert verify_paths(config, 0, 2, 60).agrees
    assert (
        simulator.run(config, workers=1).paths["final_nav"]
        != simulator.run(congested(shocks=[]), workers=1).paths["final_nav"]
    ).all()


def test_who_acts_on_all_paths_at_once_cannot_be_outbid_on_some() -> None:
    with pytest.raises(ValueError, match=r"\(congestion\)\.agents = risk_manager: must be another"):
        congested("risk_manager")
    with pytest.raises(ValueError, match=r"\(congestion\)\.agents = nobody: must be one of"):
        congested("nobody")


def test_who_opens_at_the_first_step_is_not_outbid_then() -> None:
    kind = {"kind": "congestion", "highest_gwei": 1.0}
    shock = kind | {"agents": ["depositor"], "at_hours": 0.0, "duration_hours": 3.0}
    with pytest.raises(ValueError, match="at_hours = 0: must be above 0; depositor opens at"):
        down(shocks=[shock])


def test_an_agent_of_ones_own_over_arrays_cannot_be_outbid_on_some_paths() -> None:
    class Whole(Agent):
        slot = AgentSlot("whole", 1_000.0, 0.0, has_account=False)

        def act(self, view: View) -> Actions:
            yield from ()

    config = congested("noise_trader")
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), [Whole()])
    named = replace(protocol.congestions[0], agent="whole")
    with pytest.raises(InputError, match="whole: must be another; it acts on all paths at once"):
        block_order(agents, replace(protocol, congestions=(named,)))


def test_beyond_as_many_agents_as_there_are_bits_nobody_is_absent() -> None:
    """The 65th agent was silenced by an outage of the first."""
    bits = np.array([[1 << 0], [1 << 62]])
    assert of_agent(bits, 0).tolist() == [[True], [False]]
    assert of_agent(bits, 62).tolist() == [[False], [True]]
    assert not of_agent(bits, 63).any()
    assert not of_agent(bits, 64).any()
