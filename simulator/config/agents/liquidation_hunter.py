"""What is written of somebody who makes the vault liquidatable."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, PROFIT, AtOnce, MarginTrader


class LiquidationHunter(MarginTrader):
    """Buys a perp that the vault is short of until the vault can be liquidated, for the bounty."""

    named: ClassVar = {
        "liquidation_hunter": "pushes a perp's index until the vault can be liquidated",
    }
    metrics: ClassVar = {
        "profit": PROFIT,
        "bounties": ("1", "liquidations of the vault that it made"),
    }

    latency_blocks: AtOnce = 0
    margin_budget_usd: float = Field(
        default=2e6, ge=0, le=1e13, description="largest perp position it pushes with, USD"
    )
    patience_blocks: int = Field(
        default=8,
        ge=1,
        le=10_000,
        description="steps after which it closes, whether it could liquidate or not (number)",
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
