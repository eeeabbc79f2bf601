"""What is written of a winner who moves before auto-deleveraging does."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import PROFIT, AtOnce, MarginTrader


class AdlGamer(MarginTrader):
    """Holds a leveraged position; closes it before somebody opposite is liquidated, and reopens."""

    named: ClassVar = {
        "adl_gamer": "closes and reopens a winning position so as not to be deleveraged",
    }
    metrics: ClassVar = {
        "profit": PROFIT,
        "moves": ("1", "times it closed so as not to be asked"),
    }

    latency_blocks: AtOnce = 0
    position_usd: float = Field(
        default=-2e5,
        ge=-1e12,
        le=1e12,
        description="position it holds in the first market, USD; < 0: short",
    )
    flees_below: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="equity over maintenance margin of somebody opposite below which it closes; 0: "
        "it never moves (number)",
    )
