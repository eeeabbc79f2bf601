"""What is written of somebody whose leaving costs others."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, PROFIT, AtOnce, MarginTrader


class WithdrawalGriefer(MarginTrader):
    """Holds up the line of exits, or has it settled and trades ahead of the vault's unwinding."""

    named: ClassVar = {
        "withdrawal_griefer": "holds up the vault's queue, or trades ahead of its settlement",
    }
    metrics: ClassVar = {"profit": PROFIT, "requests": ("1", "places in the queue it took")}

    latency_blocks: AtOnce = 0
    stake: float = Field(default=20_000.0, gt=0, le=1e15, description="put into shares, USDC")
    holds_line: bool = Field(
        default=True,
        description="stand in the queue between blocks and leave before it is settled (true), or "
        "have the queue of others settled, having traded perps ahead of that (false)",
    )
    margin_budget_usd: float = Field(
        default=1e6,
        ge=0,
        le=1e13,
        description="largest perp position it opens ahead of an unwinding, USD",
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
