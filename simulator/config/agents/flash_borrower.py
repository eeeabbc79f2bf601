"""What is written of somebody who attacks within one transaction, on borrowed money."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MINIMUM_PROFIT, PROFIT, Actor, AtOnce, Tokens


class FlashBorrower(Actor):
    """Borrows, pushes the pool, makes the vault trade there, trades back and repays."""

    named: ClassVar = {
        "flash_borrower": "makes the vault trade in a pool it has pushed, on a flash loan",
    }
    needs_ranges: ClassVar[bool] = True
    metrics: ClassVar = {
        "profit": PROFIT,
        "loans": ("1", "flash loans it took"),
        "missing": ("USD", "of these, what it could not repay out of the transaction itself"),
    }

    latency_blocks: AtOnce = 0
    usdc: Tokens = Field(default=2e7, description="what it can borrow at once, USDC")
    base: Tokens = Field(
        default=5000.0, description="what it can borrow at once, whole base tokens"
    )
    fee: float = Field(
        default=0.0005,
        ge=0,
        lt=1,
        description="of what is borrowed; Aave v3 took 0.05 % (FLASHLOAN_PREMIUM_TOTAL), fraction",
    )
    minimum_profit_usd: float = Field(default=0.0, ge=-1e9, le=1e9, description=MINIMUM_PROFIT)
