"""AMM arbitrageur: keeps the pool's price within the fee of the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Swap

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats


@dataclass(eq=False)
class AmmArbitrageur(Agent):
    """Trades the pool against the index (CEX) until the marginal price, fee included, equals it.

    Observes spot, index and gas; may swap. Profitable when the value taken, marked at the index,
    exceeds gas plus ``minimum_profit_usd``. The loss it hands to liquidity providers is LVR.
    """

    minimum_profit_usd: float

    def act(self, view: View) -> Actions:
        """Swap to the edge of the no-arbitrage band where that pays."""
        state = view.state
        fair = view.index(1) / view.index(0)
        kept = 1.0 - view.protocol.pool.fee_ppm * 1e-6
        spot = view.pool_price
        low, high = fair * kept, fair / kept
        buys, sells = spot < low, spot > high
        if not np.any(buys | sells):
            return
        edge = np.where(buys, low, high)
        profit = self._profit(view, spot, edge, buys, fair, kept) * view.index(0)
        worth = (buys | sells) & (profit > self.minimum_profit_usd + view.gas_cost(Swap))
        if not np.any(worth):
            return
        stake = np.where(buys, -state.wallet_usdc[self.index], state.wallet_base[self.index])
        yield Swap(
            self.index,
            amount=np.where(worth, stake, 0.0),
            price_limit=edge,
            minimum_out=np.zeros_like(spot),
        )

    def _profit(
        self,
        view: View,
        spot: Floats,
        edge: Floats,
        buys: Booleans,
        fair: Floats,
        kept: float,
    ) -> Floats:
        """USDC gained by moving the pool from ``spot`` to ``edge`` at the liquidity active now."""
        liquidity = view.pool_liquidity
        root, end = np.sqrt(spot), np.sqrt(edge)
        usdc = liquidity * np.abs(end - root)
        base = liquidity * np.abs(1.0 / root - 1.0 / end)
        return np.where(buys, base * fair - usdc / kept, usdc - base / kept * fair)
