"""Leveraged trader: a directional position on borrowed money, the fuel of a cascade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Trade


@dataclass(eq=False)
class LeveragedTrader(Agent):
    """Holds ``leverage`` times its margin in one market, on one side, until it is closed for it.

    Observes its own account and the index; may trade. Objective: a bet on the direction. It neither
    adds margin nor reduces: a move of some 1/leverage against it ends in liquidation, and a jump
    beyond that in bad debt, auto-deleveraging and socialised loss. Opened once.
    """

    market: int
    side: float  # 1 long, -1 short
    leverage: float  # notional over margin
    maximum_slippage: float  # worst price accepted, fraction of the index

    def act(self, view: View) -> Actions:
        """Open the position in the first step."""
        if view.step > 0:
            return
        account = view.protocol.account_of(self.index)
        price = view.index(view.protocol.clearing.markets[self.market].asset)
        size = self.side * self.leverage * np.maximum(view.state.equity[account], 0.0) / price
        limit = price * (1.0 + self.side * self.maximum_slippage)
        if np.any(size != 0.0):
            yield Trade(self.index, self.market, size, limit)
