"""Who acts, with what money. A section left out or null: that agent is not there.

But for the risk manager beside a keeper: without hedge ratios nothing is hedged, so where it is
left out (not null) the first ones are posted, once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from simulator.config.section import Section, Symbol
from simulator.world.protocol import MOST_LATENCY

Tokens = Annotated[float, Field(ge=0, le=1e15)]
Latency = Annotated[int, Field(ge=0, le=MOST_LATENCY)]
AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
MINIMUM_PROFIT = "expected profit after gas below which it does not act, USD"
LATENCY = "steps (blocks) between what it sees and its orders being carried out (number)"


class Actor(Section):
    """Base of all agents."""

    latency_blocks: Latency = Field(default=0, description=LATENCY)
    usdc: Tokens = Field(default=100_000.0, description="wallet at the start, USDC")


class Keeper(Actor):
    """Calls the vault's permissionless functions for their reward."""

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
    settlement_gas_usd: float = Field(
        default=50.0,
        ge=0,
        le=1e9,
        description="most it spends on gas to settle the withdrawal queue, which pays nothing, USD",
    )


class RiskManager(Actor):
    """Estimates hedge ratios from past index returns and posts them."""

    window_hours: float = Field(
        default=168.0, gt=0, le=1e5, description="returns used for the estimate, hours"
    )
    every_hours: float = Field(default=24.0, gt=0, le=1e5, description="time between posts, hours")
    estimator: Literal["rolling", "fixed"] = Field(
        default="rolling",
        description="rolling: sample covariance of the window; fixed: the first ratios for ever",
    )
    posts_covariance: bool = Field(
        default=False,
        description="whether it also posts the window's covariance for portfolio margin",
    )


class ControlLimits(Section):
    """Limits of the breakdown monitor's charts, as found on a record."""

    residual: float = Field(
        gt=0, le=1e6, description="of the CUSUM of the hedged return, standard deviations"
    )
    correlation: float = Field(
        gt=0, le=1e6, description="of Fisher's z of the rolling correlation, standard deviations"
    )
    drift: float = Field(
        gt=0, le=1e6, description="of the mean product of hedged return and hedge (pure number)"
    )
    found_for: dict[str, float] = Field(
        default_factory=dict,
        description="settings of the monitor, hours, that they were found for and go with alone",
    )


class BreakdownMonitor(Actor):
    """Watches the hedge with detectors of known false-alarm rate, and answers their alarms."""

    false_alarm_hours: float = Field(
        default=2_160.0,
        gt=0,
        le=1e6,
        description="mean time between false alarms of each detector, hours, at least 4 windows: "
        "on the recorded returns before a replay, elsewhere if returns were normal",
    )
    limits: ControlLimits | None = Field(
        default=None,
        description="limits of the charts; null: found on the record before a replay (what "
        "`run --prices` writes here), elsewhere those of normal returns",
    )
    window_hours: float = Field(
        default=48.0, gt=0, le=1e4, description="window of the rolling correlation, hours"
    )
    warmup_hours: float = Field(
        default=48.0, gt=0, le=1e4, description="time that only sets the scale of returns, hours"
    )
    half_life_hours: float = Field(
        default=48.0, gt=0, le=1e5, description="half-life of that scale, hours"
    )
    memory_hours: float = Field(
        default=480.0,
        gt=0,
        le=1e5,
        description="half-life of the correlation that the window is compared with, hours",
    )
    answers: tuple[Literal["residual", "breakdown", "convergence", "drift", "basis"], ...] = Field(
        default=("residual", "breakdown", "convergence", "drift", "basis"),
        min_length=1,
        description="alarms that it answers",
    )
    hold_hours: float = Field(
        default=72.0, gt=0, le=1e5, description="how long it answers after an alarm, hours"
    )
    refit_hours: float = Field(
        default=24.0, gt=0, le=1e5, description="returns its betas are estimated on, hours"
    )
    every_hours: float = Field(
        default=12.0, gt=0, le=1e5, description="time between posts while it answers, hours"
    )
    beta_multiple: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="factor on those betas; 0: unwind the hedge; null: betas are left alone, for "
        "what each answer was worth depends on what broke (docs/breakdown-monitor.md)",
    )
    covariance_multiple: float = Field(
        default=4.0,
        ge=1,
        le=100,
        description="factor on the covariance it posts where margin nets risk; 4 doubles margin",
    )


class AmmArbitrageur(Actor):
    """Swaps the pool back to the index price when that pays."""

    usdc: Tokens = Field(default=50e6, description="wallet at the start, USDC")
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)


class LegArbitrageur(Actor):
    """Swaps the pools of the hedge assets borrowed on Aave back to the index price."""

    usdc: Tokens = Field(default=50e6, description="wallet at the start, USDC")
    assets: dict[Symbol, Tokens] = Field(
        default_factory=dict, description="wallet at the start by hedge asset, whole tokens"
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)


class MarginTrader(Actor):
    """Base of agents with a margin account."""

    margin: dict[Symbol, Tokens] = Field(
        default_factory=dict, description="collateral posted at the start, whole tokens by asset"
    )


class PerpArbitrageur(MarginTrader):
    """Trades perps against the skew when the basis exceeds its threshold."""

    maximum_inventory_usd: float = Field(
        default=5e6, gt=0, le=1e13, description="largest position per market, USD"
    )
    entry_basis: float = Field(
        default=0.002,
        ge=0,
        lt=1,
        description="premium plus expected funding, beyond fees, from which it trades, fraction",
    )
    carry_hours: float = Field(
        default=24.0,
        ge=0,
        le=10_000,
        description="time over which it counts on the present funding rate, hours",
    )


class NoiseTrader(MarginTrader):
    """Trades for reasons of its own: what ``flow.orders`` draws."""

    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    maximum_slippage: float = Field(
        default=0.02, gt=0, lt=1, description="worst price accepted, fraction of the spot or mark"
    )


class Liquidator(MarginTrader):
    """Liquidates accounts below maintenance margin when the penalty share pays for gas."""

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)


class LeveragedTrader(MarginTrader):
    """A directional bet with borrowed money, opened once and held until it is liquidated."""

    market: Symbol | None = Field(default=None, description="its market (null: the first)")
    leverage: float = Field(
        default=8.0, gt=0, le=1_000, description="notional over margin at the start (pure number)"
    )
    maximum_slippage: float = Field(
        default=0.05, gt=0, lt=1, description="worst price accepted, fraction of the index"
    )


class LatencyArbitrageur(Actor):
    """Deposits when the oracle undervalues the vault's shares, redeems when it overvalues them."""

    minimum_gap: float = Field(
        default=0.001,
        ge=0,
        lt=1,
        description="gap between a share's value at the index and its price from which it acts, "
        "fraction",
    )


class Depositor(Actor):
    """All depositors: deposit at the start, flow as ``flow.deposits`` draws, run in a shock."""

    usdc: Tokens = Field(default=10e6, description="wallet at the start, USDC")
    initial_deposit: float = Field(
        default=2e6, gt=0, le=1e15, description="deposit at step 0, USDC"
    )
    exit_in_kind: bool = Field(
        default=False,
        description="whether they leave with a slice of everything while the oracle is stale",
    )


class CustomAgent(Section):
    """An agent of one's own, written in a Python file, which is run (docs/agents.md)."""

    file: str = Field(
        min_length=1, description="Python file it is written in, relative to this one (text)"
    )
    agent: str | None = Field(
        default=None, description="its class (text); null: the only one written in the file"
    )
    usdc: Tokens | None = Field(
        default=None, description="wallet at the start, USDC; null: as its class says, or none"
    )
    base: Tokens | None = Field(
        default=None,
        description="wallet at the start, whole base tokens; null: as its class says, or none",
    )
    margin: dict[Symbol, Tokens] | None = Field(
        default=None,
        description="collateral posted at the start, whole tokens by asset; null: as its class "
        "says, or no margin account",
    )
    latency_blocks: Latency | None = Field(
        default=None, description=f"{LATENCY}; null: as its class says, or none"
    )
    parameters: dict[str, bool | int | float] = Field(
        default_factory=dict, description="its parameters by name: numbers, true or false"
    )


class Agents(Section):
    """The agents; in which order they act: ``AGENT_KINDS``."""

    depositor: Depositor | None = Field(
        default=None, description="deposits into and redeems from the vault"
    )
    noise_trader: NoiseTrader | None = Field(
        default=None, description="uninformed flow in pool and perps"
    )
    leveraged_long: LeveragedTrader | None = Field(
        default=None, description="holds a leveraged long position"
    )
    leveraged_short: LeveragedTrader | None = Field(
        default=None, description="holds a leveraged short position"
    )
    amm_arbitrageur: AmmArbitrageur | None = Field(
        default=None, description="keeps the pool at the index"
    )
    leg_arbitrageur: LegArbitrageur | None = Field(
        default=None, description="keeps the pools of hedge assets borrowed on Aave at the index"
    )
    perp_arbitrageur: PerpArbitrageur | None = Field(
        default=None, description="keeps the marks at the index"
    )
    latency_arbitrageur: LatencyArbitrageur | None = Field(
        default=None, description="trades the vault's shares against the oracle's lag"
    )
    risk_manager: RiskManager | None = Field(
        default=None,
        description="posts hedge ratios; left out beside a keeper: the first ones, for ever; null: "
        "nobody does, and nothing is hedged",
    )
    breakdown_monitor: BreakdownMonitor | None = Field(
        default=None, description="answers a hedge that breaks down"
    )
    liquidator: Liquidator | None = Field(default=None, description="liquidates for the penalty")
    keeper: Keeper | None = Field(
        default=None, description="calls the vault's maintenance functions"
    )
    custom: dict[AgentName, CustomAgent] = Field(
        default_factory=dict,
        description="agents of one's own by name, after all others; their files are run, so only "
        "where that is allowed: --trust",
    )

    @model_validator(mode="before")
    @classmethod
    def _ratios_to_keep(cls, agents: Any) -> Any:
        """A vault that is kept has hedge ratios, unless it is written that nobody posts any."""
        if not isinstance(agents, dict) or "risk_manager" in agents or agents.get("keeper") is None:
            return agents
        return {**agents, "risk_manager": RiskManager(estimator="fixed")}
