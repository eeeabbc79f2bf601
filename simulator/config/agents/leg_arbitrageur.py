"""What is written of an arbitrageur of the hedge assets' pools."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, STOPPED, Actor, Tokens
from simulator.config.section import Symbol


class LegArbitrageur(Actor):
    """Swaps the pools of the hedge assets borrowed on Aave back to the index price."""

    named: ClassVar = {
        "leg_arbitrageur": "keeps the pools of hedge assets borrowed on Aave at the index",
    }
    trades_outside: ClassVar = True
    metrics: ClassVar = STOPPED

    usdc: Tokens = Field(default=50e6, description="wallet at the start, USDC")
    assets: dict[Symbol, Tokens] = Field(
        default_factory=dict, description="wallet at the start by hedge asset, whole tokens"
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
