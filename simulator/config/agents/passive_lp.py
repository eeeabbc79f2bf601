"""What is written of other liquidity providers."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import Actor, Tokens


class PassiveLp(Actor):
    """Provides liquidity in a range, withdraws it when that hurts and comes back later."""

    named: ClassVar = {
        "passive_lp": "another liquidity provider, who withdraws when it hurts",
    }
    needs_ranges: ClassVar[bool] = True
    positions: ClassVar[int] = 1

    usdc: Tokens = Field(default=500_000.0, description="wallet at the start, USDC")
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    half_width: float = Field(
        default=0.1, gt=0.0001, lt=10, description="half of its range, fraction of the spot price"
    )
    maximum_loss: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="impermanent loss beyond which it withdraws, fraction of having held",
    )
    maximum_volatility: float = Field(
        default=0.1,
        gt=0,
        le=100,
        description="volatility of the index beyond which it withdraws, fraction per day",
    )
    volatility_hours: float = Field(
        default=24.0, gt=0, le=8_760, description="over which it measures that (hours)"
    )
    away_hours: float = Field(
        default=24.0, ge=0, le=8_760, description="that it stays away at least (hours)"
    )
