"""What is written of the just-in-time liquidity provider."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, Actor, AtOnce, Tokens


class JitLp(Actor):
    """Sees the uninformed order of a block, mints right before it and burns right after it."""

    named: ClassVar = {
        "jit_lp": "just-in-time liquidity around uninformed swaps",
    }
    needs_ranges: ClassVar[bool] = True
    positions: ClassVar[int] = 1

    latency_blocks: AtOnce = 0
    usdc: Tokens = Field(default=5e6, description="wallet at the start, USDC")
    base: float = Field(
        gt=0, le=1e15, description="wallet at the start, whole base tokens: it mints of both"
    )
    half_width_ticks: int = Field(
        default=60, ge=1, le=100_000, description="half of its range, ticks of 1.0001 in price"
    )
    minimum_profit_usd: float = Field(default=0.0, ge=0, le=1e9, description=MINIMUM_PROFIT)
