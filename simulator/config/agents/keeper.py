"""What is written of a keeper."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, Actor


class Keeper(Actor):
    """Calls the vault's permissionless functions for their reward."""

    named: ClassVar = {
        "keeper": "calls the vault's maintenance functions",
    }

    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
    settlement_gas_usd: float = Field(
        default=50.0,
        ge=0,
        le=1e9,
        description="most it spends on gas to settle the withdrawal queue, which pays nothing, USD",
    )
