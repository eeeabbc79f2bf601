"""What is written of leveraged traders."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MarginTrader
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
    maximum_slippage: float = Field(
        default=0.05, gt=0, lt=1, description="worst price accepted, fraction of the index"
    )
