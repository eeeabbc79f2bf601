"""What is written of somebody who trades around the vault's own orders."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, PROFIT, AtOnce, MarginTrader, Tokens


class Sandwicher(MarginTrader):
    """Trades ahead of the vault's recentring and rebalance, and back behind them."""

    named: ClassVar = {
        "sandwicher": "trades around the vault's own orders, in its pool and in its perps",
    }
    needs_ranges: ClassVar[bool] = True
    metrics: ClassVar = {"profit": PROFIT}

    latency_blocks: AtOnce = 0
    base: Tokens = Field(default=0.0, description="wallet at the start, whole base tokens")
    margin_budget_usd: Annotated[float, Field(ge=0, le=1e13)] = Field(
        default=1e6, description="largest perp position it opens ahead of a rebalance, USD"
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
