"""What is written of the uninformed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MarginTrader, Tokens


class NoiseTrader(MarginTrader):
    """Trades for reasons of its own: what ``flow.orders`` draws."""

    named: ClassVar = {
        "noise_trader": "uninformed flow in pool and perps",
    }

    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    maximum_slippage: float = Field(
        default=0.02, gt=0, lt=1, description="worst price accepted, fraction of the spot or mark"
    )
