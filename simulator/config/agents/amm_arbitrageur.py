"""What is written of an arbitrageur of the pool."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, STOPPED, Actor, Tokens


class AmmArbitrageur(Actor):
    """Swaps the pool back to the index price when that pays."""

    named: ClassVar = {
        "amm_arbitrageur": "keeps the pool at the index",
    }
    trades_outside: ClassVar = True
    metrics: ClassVar = STOPPED

    usdc: Tokens = Field(default=50e6, description="wallet at the start, USDC")
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
