"""Keeper: runs the vault's permissionless maintenance for the reward it pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.types import Status
from simulator.world.actions import Deleverage, Rebalance, Recenter, SettleWithdrawals, TopUp

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

    Observes the vault at oracle prices and gas; may call the vault's keeper functions. Profitable
    when the reward, which the value protected bounds, exceeds gas plus ``minimum_profit_usd``: in a
    gas spike the vault is on its own. Settles the queue too, which pays nothing, while gas costs no
    more than ``settlement_gas_usd``: whoever runs a keeper holds shares as well.
    """

    minimum_profit_usd: float
    settlement_gas_usd: float = 50.0
    _settles_from: Floats | None = field(default=None, init=False, repr=False)  # [P] seconds

    def act(self, view: View) -> Actions:
        """Range first, then margin, then the hedge, each judged on what the one before left."""
        for kind, protected in (
            (Recenter, self._off_centre),
            (TopUp, self._short_of_margin),
            (Deleverage, self._near_liquidation),
            (Rebalance, self._off_target),
        ):
            vault = view.protocol.vault
            least = view.gas_cost(kind) + self.minimum_profit_usd
            most = vault.keeper_reward * view.oracle(0)
            if not np.any(most > least):
                continue
            value = protected(view)
            when = (value > 0.0) & (np.minimum(most, vault.keeper_share * value) > least)
            if np.any(when):
                yield kind(self.index, when)
        yield from self._settle(view)

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

    # ------------------------------------------------- USD each call protects; 0: it is not due

    def _off_centre(self, view: View) -> Floats:
        vault, state = view.protocol.vault, view.state
        centre = 0.5 * (state.tick_lower + state.tick_upper)
        tick = np.floor(np.log(view.oracle_pool_ratio) / np.log(1.0001))
        far = np.abs(tick - centre) >= vault.recenter_threshold * vault.range_half_width
        due = ((state.liquidity == 0.0) | far) & (state.shares > 0.0)
        return np.where(due, vault.lp_allocation * state.nav, 0.0)

    def _short_of_margin(self, view: View) -> Floats:
        missing = self._missing(view, view.protocol.vault.top_up_ratio)
        idle = view.state.idle_usdc * view.oracle(0)
        return np.minimum(np.sum(missing, axis=0), idle)

    def _near_liquidation(self, view: View) -> Floats:
        vault, state = view.protocol.vault, view.state
        lp = state.lp_base * view.oracle(1) + state.lp_usdc * view.oracle(0)
        freed = view.protocol.clearing.lp_haircut * lp if vault.pledged else lp
        missing = self._missing(view, vault.deleverage_ratio)
        required = vault.margin_target * self._margin(view)[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.minimum(missing / (required + freed), 1.0)
        # Without liquidity there is nothing to protect, and nothing to be paid for.
        protected = np.max(np.where(missing > 0.0, part * lp, 0.0), axis=0)
        # Aave lets go of no collateral while the account there is unhealthy.
        stuck = np.any(state.aave_equity < state.aave_maintenance, axis=0)
        return np.where(stuck, 0.0, protected)

    def _missing(self, view: View, ratio: float) -> Floats:
        """USD the vault's accounts below ``ratio`` are short of the margin target, by account."""
        equity, needed = self._margin(view)
        below = (equity < ratio * needed) & (needed > 0.0)
        return np.where(below, view.protocol.vault.margin_target * needed - equity, 0.0)

    def _margin(self, view: View) -> tuple[Floats, Floats]:
        """Equity and requirement of the vault's accounts, Aave's last, USD ``[accounts, P]``."""
        state, own = view.state, 1 + view.protocol.markets
        if view.protocol.aave is None:
            return state.equity[:own], state.maintenance[:own]
        return (
            np.concatenate([state.equity[:own], state.aave_equity]),
            np.concatenate([state.maintenance[:own], state.aave_maintenance]),
        )

    def _off_target(self, view: View) -> Floats:
        vault, state = view.protocol.vault, view.state
        exposure = (state.lp_base + state.idle_base) * view.oracle(1)
        traded = np.zeros(exposure.shape)
        lent = view.protocol.leg_of
        for market, parameters in enumerate(view.protocol.clearing.markets):
            account = market + 1 if vault.isolated else 0
            price = view.oracle(parameters.asset)
            size = state.size[account, market]
            if market in lent:
                size = -state.aave_debt[lent[market]]
            deviation = -state.betas[market] * exposure - size * price
            deviation = np.abs(deviation)
            traded += np.where(deviation > vault.hedge_band * state.nav, deviation, 0.0)
        return traded
