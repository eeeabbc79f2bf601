"""Noise traders: uninformed flow in the pool and on the perps; it pays the fees others earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class NoiseTrader(ScalarAgent):
    """All uninformed traders as one wallet and one margin account.

    Observes the flow drawn for it, spot and index prices; may swap and trade perps. Objective: get
    the drawn volume done within ``maximum_slippage`` of the price it sees, else not at all.
    """

    maximum_slippage: float

    @staticmethod
    def act(do: PlainDo, my: NoiseTrader) -> None:  # type: ignore[override]
        """Swap the step's AMM flow, then trade the step's perp flow market by market."""
        if do.noise_swap != 0.0:
            _swap(do, my)
        tables = do.w.tables
        for market in range(tables.count.markets):
            usd = do.noise_trade(market)
            if usd != 0.0:
                price = do.index(tables.clearing.asset[market])
                limit = price * (1.0 + np.sign(usd) * my.maximum_slippage)
                do.trade(market, usd / price, limit)


@part
def _swap(do: PlainDo, my: NoiseTrader) -> None:
    flow, spot = do.noise_swap, do.pool_price
    kept = (1.0 - do.pool_fee) * (1.0 - my.maximum_slippage)
    if flow > 0.0:
        usdc = min(flow / do.index(0), do.wallet_usdc)
        do.swap(-usdc, 0.0, kept * (usdc / spot))
    else:
        base = min(-flow / do.index(1), do.wallet_base)
        do.swap(base, 0.0, kept * (base * spot))
