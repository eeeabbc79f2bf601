"""What is written of a liquidator."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import CAPITAL, GAS_BID, MINIMUM_PROFIT, MONEY, MarginTrader


class Liquidator(MarginTrader):
    """Liquidates accounts below maintenance margin when the penalty share pays for gas."""

    named: ClassVar = {
        "liquidator": "liquidates for the penalty",
    }
    trades_outside: ClassVar = True
    metrics: ClassVar = MONEY

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
    unpaid_gas_usd: float = Field(
        default=50.0,
        ge=0,
        le=1e9,
        description="most it spends on gas to close a position of an account that cannot pay the "
        "penalty in full, which pays less or nothing, USD",
    )
    capital_usd: float | None = Field(default=None, gt=0, le=1e13, description=CAPITAL)
    gas_bid: float = Field(default=1.0, ge=0, le=1e6, description=GAS_BID)

    def counts(self) -> tuple[str, ...]:
        """Without a capital it lacks nothing: positions are closed against the venue's maker."""
        return () if self.capital_usd is None else tuple(self.metrics)
