"""What is written of somebody who pushes the price that the vault's shares go by."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, PROFIT, Actor, AtOnce


class OraclePusher(Actor):
    """Buys shares, pushes the base asset's market up, and sells them at what the oracle reads."""

    named: ClassVar = {
        "oracle_pusher": "buys shares, pushes what their price is made of, and sells them",
    }
    needs_ranges: ClassVar[bool] = True
    metrics: ClassVar = {"profit": PROFIT}

    latency_blocks: AtOnce = 0
    usdc: float = Field(default=2e6, ge=0, le=1e15, description="wallet at the start, USDC")
    stake: float = Field(
        default=0.25, gt=0, lt=1, description="part of its wallet put into shares, fraction"
    )
    patience_blocks: int = Field(
        default=4,
        ge=1,
        le=10_000,
        description="steps after which it sells, whether the oracle followed or not (number)",
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
