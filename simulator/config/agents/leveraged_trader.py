"""What is written of leveraged traders."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MarginTrader
from simulator.config.cohorts import SIZE_SPREAD, Count, Spread
from simulator.config.section import Symbol


class LeveragedTrader(MarginTrader):
    """A directional bet with borrowed money, opened once and held until it is liquidated."""

    named: ClassVar = {
        "leveraged_long": "holds a leveraged long position",
        "leveraged_short": "holds a leveraged short position",
    }

    market: Symbol | None = Field(default=None, description="its market (null: the first)")
    leverage: float = Field(
        default=8.0, gt=0, le=1_000, description="notional over margin at the start (pure number)"
    )
    cohorts: Count = 1
    leverage_spread: Spread = Field(
        default=0.0,
        description="standard deviation of the log of the cohorts' leverage, of which `leverage` "
        "is the median (number)",
    )
    size_spread: Spread = Field(default=0.0, description=SIZE_SPREAD)
    most_leverage: float | None = Field(
        default=None,
        gt=0,
        le=1_000,
        description="larger leverages of cohorts are brought down to it (null: none are; number)",
    )
    open_interest_usd: float | None = Field(
        default=None,
        gt=0,
        le=1e13,
        description="notional of all of them at the start, USD, from which the margin in USDC "
        "follows (null: by `margin`, of all of them)",
    )
    maximum_slippage: float = Field(
        default=0.05, gt=0, lt=1, description="worst price accepted, fraction of the index"
    )
