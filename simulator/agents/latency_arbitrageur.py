"""Latency arbitrageur: trades the vault's shares against an oracle that lags the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.agents.scalar import ScalarAgent

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class LatencyArbitrageur(ScalarAgent):
    """Buys shares the oracle undervalues, sells those it overvalues.

    Observes the index, the oracle and the vault's holdings; may deposit and redeem. Acts when the
    share's value at the index is off its price by more than ``minimum_gap``, whatever the fees;
    what that timing gains or loses is reported as ``latency_profit``.
    """

    minimum_gap: float  # fraction of the price

    @staticmethod
    def act(do: PlainDo, my: LatencyArbitrageur) -> None:  # type: ignore[override]
        """Deposit everything below value, redeem everything above it."""
        if not do.shares > 0.0:
            return
        nav = do.vault().nav
        gap = do.value_at_index() / nav - 1.0 if nav > 0.0 else 0.0
        if gap > my.minimum_gap and do.wallet_usdc > 0.0:
            do.deposit(do.wallet_usdc)
        elif gap < -my.minimum_gap and do.wallet_shares > 0.0:
            do.redeem(do.wallet_shares)
