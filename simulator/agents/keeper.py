"""Keeper: runs the vault's permissionless maintenance for the reward it pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Deleverage, Rebalance, Recenter, TopUp

if TYPE_CHECKING:
    from simulator.types import Booleans


@dataclass(eq=False)
class Keeper(Agent):
    """Calls ``recenter``, ``top_up``, ``deleverage`` and ``rebalance`` when their conditions hold.

    Observes the vault at oracle prices and gas; may call the vault's keeper functions. Profitable
    when the reward exceeds gas plus ``minimum_profit_usd``: in a gas spike the vault is on its own.
    """

    minimum_profit_usd: float

    def act(self, view: View) -> Actions:
        """Range first, then margin, then the hedge, each judged on what the one before left."""
        for kind, due in (
            (Recenter, self._off_centre),
            (TopUp, self._short_of_margin),
            (Deleverage, self._near_liquidation),
            (Rebalance, self._off_target),
        ):
            reward = view.protocol.vault.keeper_reward * view.oracle(0)
            pays = reward > view.gas_cost(kind) + self.minimum_profit_usd
            if not np.any(pays):
                continue
            when = due(view) & pays
            if np.any(when):
                yield kind(self.index, when)

    def _off_centre(self, view: View) -> Booleans:
        vault, state = view.protocol.vault, view.state
        centre = 0.5 * (state.tick_lower + state.tick_upper)
        tick = np.floor(np.log(view.oracle_pool_ratio) / np.log(1.0001))
        far = np.abs(tick - centre) >= vault.recenter_threshold * vault.range_half_width
        return ((state.liquidity == 0.0) | far) & (state.shares > 0.0)

    def _short_of_margin(self, view: View) -> Booleans:
        state = view.state
        return self._below(view, view.protocol.vault.top_up_ratio) & (state.idle_usdc > 0.0)

    def _near_liquidation(self, view: View) -> Booleans:
        return self._below(view, view.protocol.vault.deleverage_ratio)

    def _below(self, view: View, ratio: float) -> Booleans:
        state = view.state
        own = slice(0, 1 + view.protocol.markets)
        low = state.equity[own] < ratio * state.maintenance[own]
        return np.any(low & (state.maintenance[own] > 0.0), axis=0)

    def _off_target(self, view: View) -> Booleans:
        vault, state = view.protocol.vault, view.state
        exposure = (state.lp_base + state.idle_base) * view.oracle(1)
        off = np.zeros(exposure.shape, np.bool_)
        for market, parameters in enumerate(view.protocol.clearing.markets):
            account = market + 1 if vault.isolated else 0
            price = view.oracle(parameters.asset)
            deviation = -state.betas[market] * exposure - state.size[account, market] * price
            off |= np.abs(deviation) > vault.hedge_band * state.nav
        return off
