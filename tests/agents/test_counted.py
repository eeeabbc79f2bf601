"""``metrics``: what an agent of one's own counts is a column of the frame of paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.agents.build import add_agents
from simulator.agents.scalar import ScalarAgent
from simulator.config import load, resolve
from simulator.types import InputError
from simulator.world.actions import Swap
from simulator.world.protocol import AgentSlot

CONFIG = load("calm", ["horizon_hours=8", "paths=3"])
STEPS = 9  # that of the setting-up is one


@dataclass
class Buyer(ScalarAgent):
    """Buys each hour, and counts what it got and how often."""

    spends: float = 500.0
    got: float = 0.0
    times: int = 0

    slot = AgentSlot("buyer", 1e6, 0.0, has_account=False)
    metrics = ("got", "times")

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if do.swap(-my.spends) == 1:
            my.got += do.amount_out
            my.times += 1


class Array(Agent):
    """The same over arrays."""

    slot = AgentSlot("array", 1e6, 0.0, has_account=False)
    metrics = ("got", "times")

    def __init__(self) -> None:
        self.got: Any = 0.0
        self.times = 0

    def act(self, view: View) -> Actions:
        nothing = np.zeros(view.market.paths)
        fill = yield Swap(self.index, nothing - 500.0, nothing, nothing)
        self.got = self.got + fill.amount_out
        self.times += 1


def sold(events: pd.DataFrame, name: str) -> list[float]:
    """What a swap gave, by path, added up in order."""
    mine = events[events["agent"] == name]
    return [float(part["amount_out"].sum()) for _, part in mine.groupby("path")]


@pytest.mark.parametrize("agent", [Buyer(), Array()])
def test_what_is_counted_is_a_metric(agent: Agent) -> None:
    assert agent.slot is not None
    name = agent.slot.name
    asked = [f"{name}_times >= {STEPS}", f"{name}_got.max < 0"]
    result = simulator.run(CONFIG, agents=[agent], workers=1, requirements=asked)
    np.testing.assert_allclose(
        result.paths[f"{name}_got"], sold(result.events, name), rtol=1e-12, atol=0.0
    )
    assert result.paths[f"{name}_times"].tolist() == [STEPS] * 3
    assert result.summary["metrics"][f"{name}_times"]["mean"] == STEPS
    assert [gate["holds"] for gate in result.summary["gates"]] == [True, False]


def test_in_plain_python_and_on_the_chain_it_is_the_same() -> None:
    agents = [Buyer(), Array()]
    model = simulator.run(CONFIG, agents=agents, workers=1).paths
    plain = simulator.run(CONFIG, agents=agents, plain=True).paths
    chain = simulator.run(CONFIG, agents=agents, workers=1, world="chain").paths
    for name in ("buyer_got", "buyer_times", "array_got", "array_times"):
        assert model[name].all()
        np.testing.assert_allclose(plain[name], model[name], rtol=1e-12, atol=0.0)
        np.testing.assert_allclose(chain[name], model[name], rtol=1e-9, atol=0.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"metrics": ("gut",)},
            r"Buyer\.metrics = gut: no field of it; allowed: spends, got, times",
        ),
        ({"metrics": ("got", "got")}, r"metrics of buyer = got: buyer_got is a column already"),
        ({"slot": replace(Buyer.slot, name="posted_beta")}, r"posted_beta_got is a column already"),
    ],
)
def test_a_metric_is_a_field_by_a_name_of_its_own(
    changed: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changed.items():
        monkeypatch.setattr(Buyer, name, value)
    with pytest.raises(InputError, match=said):
        simulator.run(CONFIG, agents=[Buyer()], workers=1)


def test_a_metric_has_a_number_for_each_path() -> None:
    class Short(Array):
        def act(self, view: View) -> Actions:
            yield from super().act(view)
            self.got = np.zeros(2) if view.step == view.market.steps else self.got

    with pytest.raises(InputError, match=r"Short\.got, a metric: shape \(2,\); allowed: \(3,\)"):
        simulator.run(CONFIG, agents=[Short()], workers=1)


@pytest.mark.parametrize("latency", [-1, 101, 0.5])
def test_it_waits_no_longer_than_is_allowed(latency: Any) -> None:
    agent = Buyer()
    agent.slot = replace(Buyer.slot, latency_blocks=latency)
    with pytest.raises(InputError, match=r"Buyer\.slot\.latency_blocks = .*must be"):
        add_agents(resolve(CONFIG), [], [agent])
