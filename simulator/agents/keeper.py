"""Keeper: runs the vault's permissionless maintenance for the reward it pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.agents.upkeep import PROTECTED, reward
from simulator.types import RECENTER_INTERVAL, Status
from simulator.world.actions import Recenter, SettleWithdrawals

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

# Parts of both legs a settlement of the queue may unwind, tried one after the other while refused:
# what a thin pool cannot take whole it may take in pieces.
_FRACTIONS = (1.0, 0.25, 0.0625)
# After a settlement that could pay nobody (the venue holds margin back for hours after an
# insolvency), how long until it tries again, seconds.
_PATIENCE = 3_600


@dataclass(eq=False)
class Keeper(Agent):
    """Calls ``recenter``, ``top_up``, ``deleverage`` and ``rebalance`` when their conditions hold.

    Observes the vault at oracle prices and gas; may call the vault's keeper functions. It calls
    when the reward, which the value protected and the vault's idle USDC bound, exceeds gas plus
    ``minimum_profit_usd``: in a gas spike, and when nothing is idle, the vault is on its own. A
    recentring is paid once an hour. Settles the queue too, which pays nothing, while gas costs no
    more than ``settlement_gas_usd``: whoever runs a keeper holds shares as well.
    """

    minimum_profit_usd: float
    settlement_gas_usd: float = 50.0
    # [P] seconds: when the queue is tried again, when a recentring is paid again
    _settles_from: Floats | None = field(default=None, init=False, repr=False)
    _recenters_from: Floats | None = field(default=None, init=False, repr=False)

    def act(self, view: View) -> Actions:
        """Range first, then margin, then the hedge, each judged on what the one before left."""
        for kind, protected in PROTECTED.items():
            least = view.gas_cost(kind) + self.minimum_profit_usd
            most = view.protocol.vault.keeper_reward * view.oracle(0)
            if not np.any(most > least):
                continue
            value = protected(view)
            when = (value > 0.0) & (reward(view, kind, value) > least)
            if kind is Recenter:
                when = when & self._pays_again(view)
            if np.any(when):
                fill = yield kind(self.index, when)
                if kind is Recenter and self._recenters_from is not None:
                    paid = fill.status == Status.OK
                    self._recenters_from[paid] = view.seconds + RECENTER_INTERVAL
        yield from self._settle(view)

    def _pays_again(self, view: View) -> Booleans:
        if view.step == 0 or self._recenters_from is None:
            self._recenters_from = np.zeros(view.market.paths)
        return view.seconds >= self._recenters_from

    def _settle(self, view: View) -> Actions:
        when: Booleans = view.state.queued_shares > 0.0
        when = when & (view.gas_cost(SettleWithdrawals) <= self.settlement_gas_usd)
        if view.step == 0 or self._settles_from is None:
            self._settles_from = np.zeros(when.shape)
        when = when & (view.seconds >= self._settles_from)
        for fraction in _FRACTIONS:
            if not np.any(when):
                return
            fill = yield SettleWithdrawals(self.index, np.full(when.shape, fraction), when)
            nothing = np.isin(fill.status, (Status.INSUFFICIENT_LIQUIDITY, Status.STALE_ORACLE))
            self._settles_from[when & nothing] = view.seconds + _PATIENCE
            refused = (fill.status == Status.SLIPPAGE) | (fill.status == Status.INVENTORY_LIMIT)
            when = when & (refused | (fill.status == Status.BELOW_INITIAL_MARGIN))
