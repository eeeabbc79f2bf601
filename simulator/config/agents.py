"""Who acts, with what money. A section left out or null: that agent is not there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.config.section import Section, Symbol

Tokens = Annotated[float, Field(ge=0, le=1e15)]
MINIMUM_PROFIT = "expected profit after gas below which it does not act, USD"


class Actor(Section):
    """Base of all agents."""

    usdc: Tokens = Field(default=100_000.0, description="wallet at the start, USDC")


class Keeper(Actor):
    """Calls the vault's permissionless functions for their reward."""

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)


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


class AmmArbitrageur(Actor):
    """Swaps the pool back to the index price when that pays."""

    usdc: Tokens = Field(default=50e6, description="wallet at the start, USDC")
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
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
    """Trades for reasons of its own; sizes are log-normal, signs persistent."""

    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    swap_usd_per_hour: float = Field(
        default=0.0, ge=0, le=1e12, description="mean volume in the pool, USD per hour"
    )
    trade_usd_per_hour: float = Field(
        default=0.0, ge=0, le=1e12, description="mean volume per perp market, USD per hour"
    )
    dispersion: float = Field(
        default=1.0, ge=0, le=4, description="standard deviation of the log size (pure number)"
    )
    persistence: float = Field(
        default=0.1,
        ge=-1,
        le=1,
        description="correlation of one order's sign with the next (pure number)",
    )
    maximum_slippage: float = Field(
        default=0.02, gt=0, lt=1, description="worst price accepted, fraction of the spot or mark"
    )


class Liquidator(MarginTrader):
    """Liquidates accounts below maintenance margin when the penalty share pays for gas."""

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)


class Depositor(Actor):
    """All depositors together: deposit at the start, flow in and out, run when a shock says so."""

    usdc: Tokens = Field(default=10e6, description="wallet at the start, USDC")
    initial_deposit: float = Field(
        default=2e6, gt=0, le=1e15, description="deposit at step 0, USDC"
    )
    flow_per_day: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="standard deviation of a day's net flow, fraction of initial_deposit",
    )
    flows_per_day: float = Field(
        default=1.0, gt=0, le=1_000, description="mean number of flows per day"
    )


class Agents(Section):
    """The agents, in block order."""

    depositor: Depositor | None = Field(
        default=None, description="deposits into and redeems from the vault"
    )
    noise_trader: NoiseTrader | None = Field(
        default=None, description="uninformed flow in pool and perps"
    )
    amm_arbitrageur: AmmArbitrageur | None = Field(
        default=None, description="keeps the pool at the index"
    )
    perp_arbitrageur: PerpArbitrageur | None = Field(
        default=None, description="keeps the marks at the index"
    )
    risk_manager: RiskManager | None = Field(default=None, description="posts hedge ratios")
    liquidator: Liquidator | None = Field(default=None, description="liquidates for the penalty")
    keeper: Keeper | None = Field(
        default=None, description="calls the vault's maintenance functions"
    )
