"""Noise traders: uninformed flow in the pool and on the perps; it pays the fees others earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Swap, Trade

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class NoiseTrader(Agent):
    """All uninformed traders as one wallet and one margin account.

    Observes the flow drawn for it, spot and index prices; may swap and trade perps. Objective: get
    the drawn volume done within ``maximum_slippage`` of the price it sees, else not at all.
    """

    maximum_slippage: float

    def act(self, view: View) -> Actions:
        """Swap the step's AMM flow, then trade the step's perp flow market by market."""
        flow = view.market.noise_swap[view.step]
        if np.any(flow != 0.0):
            yield self._swap(view, flow)
        for market, parameters in enumerate(view.protocol.clearing.markets):
            usd = view.market.noise_trade[market, view.step]
            if np.any(usd != 0.0):
                price = view.index(parameters.asset)
                limit = price * (1.0 + np.sign(usd) * self.maximum_slippage)
                yield Trade(self.index, market, usd / price, limit)

    def _swap(self, view: View, flow: Floats) -> Swap:
        state = view.state
        spot = view.pool_price
        buys = flow > 0.0
        usdc = np.minimum(flow / view.index(0), state.wallet_usdc[self.index])
        base = np.minimum(-flow / view.index(1), state.wallet_base[self.index])
        kept = (1.0 - view.protocol.pool.fee_ppm * 1e-6) * (1.0 - self.maximum_slippage)
        return Swap(
            self.index,
            amount=np.where(buys, -usdc, base),
            price_limit=np.zeros_like(flow),
            minimum_out=kept * np.where(buys, usdc / spot, base * spot),
        )
