"""What is written of a liquidator."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, MarginTrader


class Liquidator(MarginTrader):
    """Liquidates accounts below maintenance margin when the penalty share pays for gas."""

    named: ClassVar = {
        "liquidator": "liquidates for the penalty",
    }
    trades_outside: ClassVar = True

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
    unpaid_gas_usd: float = Field(
        default=50.0,
        ge=0,
        le=1e9,
        description="most it spends on gas to close a position of an account that cannot pay the "
        "penalty in full, which pays less or nothing, USD",
    )
