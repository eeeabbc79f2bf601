"""What is written of an arbitrageur of the oracle's lag."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import Actor


class LatencyArbitrageur(Actor):
    """Deposits when the oracle undervalues the vault's shares, redeems when it overvalues them."""

    named: ClassVar = {
        "latency_arbitrageur": "trades the vault's shares against the oracle's lag",
    }

    minimum_gap: float = Field(
        default=0.001,
        ge=0,
        lt=1,
        description="gap between a share's value at the index and its price from which it acts, "
        "fraction",
    )
