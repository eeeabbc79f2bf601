"""Perp arbitrageur: trades mark against index and earns the funding that skew pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import PostMargin, Trade

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class PerpArbitrageur(Agent):
    """Sells perps trading above the index and buys those below, hedged outside at the index.

    Observes mark, index, its account and gas; may trade perps and post margin. Profitable when the
    premium exceeds spread, fee and ``entry_basis`` on average over the fill, beyond gas; holds no
    more than ``maximum_inventory_usd`` per market and tops its margin up to twice the initial
    requirement.
    """

    entry_basis: float
    maximum_inventory_usd: float

    def act(self, view: View) -> Actions:
        """Keep the account margined, then push each market's premium back to the entry basis."""
        yield from self._post_margin(view)
        for market, parameters in enumerate(view.protocol.clearing.markets):
            size, fair = self._order(view, market)
            price = view.index(parameters.asset)
            cost = parameters.half_spread + parameters.taker_fee
            average = np.abs(fair) - cost - 0.5 * np.abs(size) / view.state.skew_scale[market]
            worth = np.abs(size) * price * average > view.gas_cost(Trade)
            if np.any(worth):
                # Never worse than the index after the fee.
                limit = price * (1.0 + np.where(size > 0.0, -1.0, 1.0) * parameters.taker_fee)
                yield Trade(self.index, market, np.where(worth, size, 0.0), limit)

    def _order(self, view: View, market: int) -> tuple[Floats, Floats]:
        """Size that takes the premium to the entry basis within the limit, and the premium."""
        parameters = view.protocol.clearing.markets[market]
        state = view.state
        scale = state.skew_scale[market]
        premium = state.skew[market] / scale
        cost = parameters.half_spread + parameters.taker_fee + self.entry_basis
        excess = np.sign(premium) * np.maximum(np.abs(premium) - cost, 0.0)
        held = state.size[view.protocol.account_of(self.index), market]
        most = self.maximum_inventory_usd / view.index(parameters.asset)
        size = np.clip(held - excess * scale, -most, most) - held
        # The clip may ask to shed inventory that no premium pays for: trade only against the
        # premium.
        return np.where(size * premium < 0.0, size, 0.0), premium

    def _post_margin(self, view: View) -> Actions:
        state = view.state
        account = view.protocol.account_of(self.index)
        wanted = 2.0 * view.protocol.clearing.initial_multiple * state.maintenance[account]
        missing = np.maximum(wanted - state.equity[account], 0.0)
        amount = np.minimum(missing, state.wallet_usdc[self.index])
        if np.any(amount > 0.0):
            yield PostMargin(self.index, 0, amount)
