"""Every built-in agent keeps the laws of ``simulator.testing``, in a scenario where it acts."""

from __future__ import annotations

import numpy as np

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.config.agents import BUILT_IN
from simulator.market.paths import MarketPaths
from simulator.testing.agent import AgentSuite
from simulator.world.protocol import Protocol


class BuiltIn(AgentSuite):
    """The one of a scenario's own agents that is called ``name``."""

    name: str

    def make(self) -> Agent:
        return self.crowd()[2]

    def crowd(self) -> tuple[Protocol, list[Agent], Agent]:
        config = load(self.scenario, list(self.settings))
        protocol = resolve(config)
        agents = build_agents(config, protocol)
        (place,) = (i for i, slot in enumerate(protocol.agents) if slot.name == self.name)
        return protocol, agents, agents[place]


class TestDepositor(BuiltIn):
    name = "depositor"


class TestNoiseTrader(BuiltIn):
    name = "noise_trader"


class TestAmmArbitrageur(BuiltIn):
    name = "amm_arbitrageur"


class TestPerpArbitrageur(BuiltIn):
    name = "perp_arbitrageur"


class TestKeeper(BuiltIn):
    name = "keeper"
    scenario = "hedge-liquidation"


class TestLegArbitrageur(BuiltIn):
    name, scenario = "leg_arbitrageur", "aave-hedge"


class TestLatencyArbitrageur(BuiltIn):
    name, scenario = "latency_arbitrageur", "oracle-lag"


class TestLeveragedLong(BuiltIn):
    name, scenario = "leveraged_long", "liquidation-cascade"


class TestLeveragedShort(BuiltIn):
    name, scenario = "leveraged_short", "liquidation-cascade"


class TestLiquidator(BuiltIn):
    name, scenario = "liquidator", "liquidation-cascade"
    steps = 600


class TestBorrowerLiquidator(BuiltIn):
    name, scenario = "borrower_liquidator", "lending-cascade"
    settings = ("shocks.0.at_hours=1", "shocks.1.at_hours=1")


class TestJitLp(BuiltIn):
    name = "jit_lp"
    settings = ("agents.jit_lp.usdc=5e6", "agents.jit_lp.base=1000")


class TestPassiveLp(BuiltIn):
    name = "passive_lp"
    settings = ("agents.passive_lp.usdc=5e5", "agents.passive_lp.maximum_loss=0.0001")


class TestSandwicher(BuiltIn):
    name, scenario = "sandwicher", "adversaries"


class TestFlashBorrower(BuiltIn):
    """In so narrow a range that a recentring is due every few steps."""

    name, scenario = "flash_borrower", "adversaries"
    settings = (
        *("vault.range_half_width_percent=2", "agents.flash_borrower.minimum_profit_usd=-1e9"),
        *("agents.sandwicher=null", "agents.oracle_pusher=null"),
    )


class TestOraclePusher(BuiltIn):
    name, scenario = "oracle_pusher", "adversaries"
    settings = ("agents.oracle_pusher.minimum_profit_usd=-1e9",)


class TestWithdrawalGriefer(BuiltIn):
    name, scenario = "withdrawal_griefer", "adversaries"


class TestAdlGamer(BuiltIn):
    name, scenario = "adl_gamer", "adversaries"


class TestLiquidationHunter(BuiltIn):
    name, scenario = "liquidation_hunter", "adversaries"
    settings = ("agents.liquidation_hunter.minimum_profit_usd=-1e9",)


class TestRiskManager(BuiltIn):
    name = "risk_manager"
    settings = ("agents.risk_manager.window_hours=24",)
    steps = 96


class TestBreakdownMonitor(BuiltIn):
    """From its 60th step on the base asset moves ten times as much, the other way."""

    name = "breakdown_monitor"
    settings = (
        "agents.breakdown_monitor={window_hours: 24, warmup_hours: 36, false_alarm_hours: 20000}",
        "vault.beta_interval_hours=4",
        "agents.breakdown_monitor.beta_multiple=1",
    )
    steps = 120

    def market(self) -> MarketPaths:
        market = super().market()
        prices = market.index[1]
        moves = np.diff(np.log(prices), axis=0)
        moves[60:] *= -10.0
        prices[1:] = prices[0] * np.exp(np.cumsum(moves, axis=0))
        return market


def test_every_built_in_agent_is_held_to_the_laws() -> None:
    assert {kind.name for kind in BuiltIn.__subclasses__()} == set(BUILT_IN)
