"""Leg arbitrageur: keeps the pools in which borrowed hedge assets are sold at the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Swap

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class LegArbitrageur(Agent):
    """The AMM arbitrageur of the other pools: one for each hedge asset on Aave.

    Observes their spot prices, the index and gas; may swap there. Profitable when the value taken,
    marked at the index, exceeds gas plus ``minimum_profit_usd``.
    """

    minimum_profit_usd: float

    def act(self, view: View) -> Actions:
        """Leg by leg, to the edge of the no-arbitrage band where that pays."""
        aave = view.protocol.aave
        for leg in range(len(aave.legs) if aave is not None else 0):
            yield from self._arbitrage(view, leg)

    def _arbitrage(self, view: View, leg: int) -> Actions:
        aave = view.protocol.aave
        assert aave is not None
        pool, asset = aave.legs[leg].pool, aave.legs[leg].reserve.asset
        fair = view.index(asset) / view.index(0)
        kept = 1.0 - pool.fee_ppm * 1e-6
        spot = view.leg_price(leg)
        low, high = fair * kept, fair / kept
        buys, sells = spot < low, spot > high
        if not np.any(buys | sells):
            return
        edge = np.where(buys, low, high)
        liquidity = view.leg_liquidity(leg)
        profit = _profit(liquidity, spot, edge, fair, kept) * view.index(0)
        worth = (buys | sells) & (profit > self.minimum_profit_usd + view.gas_cost(Swap))
        if not np.any(worth):
            return
        state = view.state
        held = np.where(buys, -state.wallet_usdc[self.index], state.wallet_leg[self.index, leg])
        yield Swap(
            self.index,
            amount=np.where(worth, held, 0.0),
            price_limit=edge,
            minimum_out=np.zeros_like(spot),
            leg=leg,
        )


def _profit(liquidity: float, spot: Floats, edge: Floats, fair: Floats, kept: float) -> Floats:
    """USDC gained by moving a pool from ``spot`` to ``edge``; L in √(whole asset · whole USDC)."""
    root, end = np.sqrt(spot), np.sqrt(edge)
    usdc = liquidity * np.abs(end - root)
    asset = liquidity * np.abs(1.0 / root - 1.0 / end)
    return np.where(edge > spot, asset * fair - usdc / kept, usdc - asset / kept * fair)
