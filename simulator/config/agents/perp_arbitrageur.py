"""What is written of an arbitrageur of the perps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import STOPPED, MarginTrader


class PerpArbitrageur(MarginTrader):
    """Trades perps against the skew when the basis exceeds its threshold."""

    named: ClassVar = {
        "perp_arbitrageur": "keeps the marks at the index",
    }
    trades_outside: ClassVar = True
    metrics: ClassVar = STOPPED

    maximum_inventory_usd: float = Field(
        default=5e6, gt=0, le=1e13, description="largest position per market, USD"
    )
    entry_basis: float = Field(
        default=0.002,
        ge=0,
        lt=1,
        description="premium plus expected funding, beyond fees, from which it trades, fraction",
    )
    carry_hours: float = Field(
        default=24.0,
        ge=0,
        le=10_000,
        description="time over which it counts on the present funding rate, hours",
    )
