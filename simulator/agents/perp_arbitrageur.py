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

    Observes skew, premium pool, index, funding, its account and gas; may trade perps and post
    margin. Its edge is the premium, as far as the pool can pay it, plus the funding it expects over
    ``carry_hours`` at the present rate. Profitable when the edge exceeds spread, fee and
    ``entry_basis`` on average over the fill, beyond gas; holds no more than
    ``maximum_inventory_usd`` per market and tops its margin up to twice the initial requirement.
    """

    entry_basis: float
    carry_hours: float
    maximum_inventory_usd: float

    def act(self, view: View) -> Actions:
        """Keep the account margined, then push each market's edge back to the entry basis."""
        yield from self._post_margin(view)
        for market, parameters in enumerate(view.protocol.clearing.markets):
            price, scale = view.index(parameters.asset), view.state.skew_scale[market]
            carry = view.state.funding_rate[market] * (self.carry_hours / 24.0)
            edge = view.state.skew[market] / scale + carry
            size = self._size(view, market, edge)
            cost = view.protocol.half_spread(market) + parameters.taker_fee
            average = np.abs(edge) - cost - 0.5 * np.abs(size) / scale
            gained = np.abs(size) * price * average - _unfunded(view, market, size)
            worth = gained > view.gas_cost(Trade)
            if np.any(worth):
                # Never worse than the index after the fee and the carry.
                fee = np.where(size > 0.0, -1.0, 1.0) * parameters.taker_fee
                limit = price * (1.0 + fee - carry)
                yield Trade(self.index, market, np.where(worth, size, 0.0), limit)

    def _size(self, view: View, market: int, edge: Floats) -> Floats:
        """Size that takes the edge to the entry basis, within the inventory limit."""
        parameters = view.protocol.clearing.markets[market]
        cost = view.protocol.half_spread(market) + parameters.taker_fee + self.entry_basis
        excess = np.sign(edge) * np.maximum(np.abs(edge) - cost, 0.0)
        held = view.state.size[view.protocol.account_of(self.index), market]
        most = self.maximum_inventory_usd / view.index(parameters.asset)
        size = np.clip(held - excess * view.state.skew_scale[market], -most, most) - held
        # The clip may ask to shed inventory that no edge pays for: trade only against the edge.
        return np.where(size * edge < 0.0, size, 0.0)

    def _post_margin(self, view: View) -> Actions:
        state = view.state
        account = view.protocol.account_of(self.index)
        wanted = 2.0 * view.protocol.clearing.initial_multiple * state.maintenance[account]
        missing = np.maximum(wanted - state.equity[account], 0.0)
        amount = np.minimum(missing, state.wallet_usdc[self.index])
        if np.any(amount > 0.0):
            yield PostMargin(self.index, 0, amount)


def _unfunded(view: View, market: int, size: Floats) -> Floats:
    """USDC of the premium for taking skew back that the pool does not hold or nobody has paid."""
    state = view.state
    skew = np.abs(state.skew[market])
    taken = np.where(size * state.skew[market] < 0.0, np.minimum(np.abs(size), skew), 0.0)
    price = view.index(view.protocol.clearing.markets[market].asset)
    rate = 0.5 * price / state.skew_scale[market]
    whole = skew * skew
    unpaid = np.minimum(state.unpaid_premium[market], whole)
    released = taken * (2.0 * skew - taken)
    paid_for = np.maximum(released - unpaid, 0.0)
    part = paid_for / np.maximum(whole - unpaid, paid_for + 1e-300)
    earned = np.minimum(rate * paid_for, state.premium_pool[market] * part)
    return rate * released - earned
