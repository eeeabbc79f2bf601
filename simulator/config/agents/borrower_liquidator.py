"""What is written of a liquidator of the lending market's borrowers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from simulator.config.agents.actor import CAPITAL, GAS_BID, MINIMUM_PROFIT, MONEY, Actor, Tokens
from simulator.config.section import Symbol


class BorrowerLiquidator(Actor):
    """Liquidates borrowers of the lending market while the bonus pays, and sells what it seizes."""

    named: ClassVar = {
        "borrower_liquidator": "liquidates borrowers of the lending market for the bonus",
    }
    trades_outside: ClassVar = True
    metrics: ClassVar = MONEY

    usdc: Tokens = Field(default=10e6, description="wallet at the start, USDC")
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    assets: dict[Symbol, Tokens] = Field(
        default_factory=dict,
        description="wallet at the start by other asset of the lending market, whole tokens",
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
    slippage: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="below the index, how cheaply it sells base tokens in the pool, fraction; all "
        "that it seizes it sells outside, and what it sells in the pool it buys back there",
    )
    capital_usd: float | None = Field(default=None, gt=0, le=1e13, description=CAPITAL)
    gas_bid: float = Field(default=1.0, ge=0, le=1e6, description=GAS_BID)
    sells: Literal["outside", "pool"] = Field(
        default="outside",
        description="where what it seizes is sold: outside, at once, whatever it does in the pool; "
        "or in the pool alone, so that it seizes nothing but base tokens and USDC, holds them, and "
        "repays with what they bring",
    )
    sale_half_life_hours: float = Field(
        default=0.0,
        ge=0,
        le=1e4,
        description="time in which it sells half of what it holds, in the pool (0: at once)",
    )
