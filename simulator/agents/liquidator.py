"""Liquidator: closes accounts below maintenance margin for a share of the penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import (
    Liquidate,
    LiquidateCollateral,
    LiquidateLoan,
    LiquidatePledge,
    Swap,
)

if TYPE_CHECKING:
    from simulator.types import Floats


# Worst price against the pool's it buys or sells at on the way, fee included.
_SLIPPAGE = 0.01


@dataclass(eq=False)
class Liquidator(Agent):
    """Watches every margin account but its own.

    Observes equity and maintenance margin at oracle prices; may liquidate positions, and buy
    collateral of accounts in debt and of the liquidity the vault pledged. Profitable when its share
    of the penalty, or the discount it buys at, exceeds gas plus ``minimum_profit_usd``. On Aave it
    buys what is owed in the leg's pool, as far as its USDC goes, and repays it for the bonus.
    """

    minimum_profit_usd: float

    def act(self, view: View) -> Actions:
        """Liquidate what is below maintenance, account by account and market by market."""
        own = view.protocol.account_of(self.index)
        state = view.state
        unhealthy = state.equity < state.maintenance
        indebted = state.cash < 0.0
        for account in np.flatnonzero(np.any(unhealthy | indebted, axis=1)):
            if account != own:
                yield from self._positions(view, int(account))
                yield from self._collateral(view, int(account))
        if view.protocol.vault.pledged:
            yield from self._pledge(view)
        for leg in sorted(view.protocol.leg_of.values()):
            yield from self._loan(view, leg)

    def _positions(self, view: View, account: int) -> Actions:
        clearing = view.protocol.clearing
        for market, parameters in enumerate(clearing.markets):
            state = view.state  # an earlier close may have restored the account
            closing = self._closing_size(view, account, market)
            rate = clearing.liquidation_penalty * clearing.liquidator_share
            profit = closing * view.oracle(parameters.asset) * rate
            when = (
                (state.equity[account] < state.maintenance[account])
                & (closing > 0.0)
                & (profit > self.minimum_profit_usd + view.gas_cost(Liquidate))
            )
            if np.any(when):
                yield Liquidate(self.index, account, market, when)

    def _closing_size(self, view: View, account: int, market: int) -> Floats:
        """Estimate of the size a liquidation closes: to initial margin, or all of it."""
        clearing = view.protocol.clearing
        parameters = clearing.markets[market]
        state = view.state
        held = np.abs(state.size[account, market])
        missing = clearing.initial_multiple * state.maintenance[account] - state.equity[account]
        freed = clearing.initial_multiple * clearing.gross_floor * parameters.maintenance_rate
        freed -= view.protocol.half_spread(market) + clearing.liquidation_penalty
        return np.minimum(held, missing / (freed * view.oracle(parameters.asset)))

    def _pledge(self, view: View) -> Actions:
        """Buy the base asset in the vault's pledged liquidity, where perps alone did not do."""
        clearing, state = view.protocol.clearing, view.state
        flat = ~np.any(state.size[0] != 0.0, axis=0)
        due = np.where(flat, state.cash[0] < 0.0, state.equity[0] < state.maintenance[0])
        price = view.oracle(1)
        # An estimate: what is missing to initial margin, or owed, is the most it would buy.
        owed = np.maximum(-state.cash[0], 0.0) * view.oracle(0)
        missing = clearing.initial_multiple * state.maintenance[0] - state.equity[0]
        bought = np.minimum(state.lp_base * price, np.where(flat, owed, missing))
        profit = bought * clearing.liquidation_penalty
        when = due & (state.liquidity > 0.0)
        when &= profit > self.minimum_profit_usd + view.gas_cost(LiquidatePledge)
        if np.any(when):
            yield LiquidatePledge(self.index, 0, when)

    def _loan(self, view: View, leg: int) -> Actions:
        """Buy, repay, and sell what Aave's close factor left over."""
        aave, state = view.protocol.aave, view.state
        assert aave is not None
        unhealthy = state.aave_equity[0] < state.aave_maintenance[0]
        if not np.any(unhealthy):
            return
        asset = aave.legs[leg].reserve.asset
        price, spot = view.oracle(asset), view.leg_price(leg)
        owed = state.aave_debt[leg] * price
        cost = np.minimum(owed * 0.5, state.wallet_usdc[self.index] * view.oracle(0))
        left = state.aave_supplied[0] * view.oracle(0) / (1.0 + aave.liquidation_bonus)
        cost = np.minimum(cost, left)
        lost = cost * (np.abs(spot * view.oracle(0) / price - 1.0) + _SLIPPAGE)
        profit = cost * aave.liquidation_bonus - lost
        gas = 2.0 * view.gas_cost(Swap) + view.gas_cost(LiquidateLoan)
        when = unhealthy & (profit > self.minimum_profit_usd + gas)
        if not np.any(when):
            return
        nothing = np.zeros_like(spot)
        spent = np.where(when, -cost / view.oracle(0), 0.0)
        yield Swap(self.index, spent, spot * (1.0 + _SLIPPAGE), nothing, leg)
        held = view.state.wallet_leg[self.index, leg]
        yield LiquidateLoan(self.index, leg, np.where(when, held, 0.0))
        rest = view.state.wallet_leg[self.index, leg]
        yield Swap(self.index, np.where(when, rest, 0.0), nothing, nothing, leg)

    def _collateral(self, view: View, account: int) -> Actions:
        clearing = view.protocol.clearing
        for index, collateral in enumerate(clearing.collaterals[1:], start=1):
            state = view.state
            flat = ~np.any(state.size[account] != 0.0, axis=0)
            held = state.collateral[account, index]
            owed = np.maximum(-state.cash[account], 0.0)
            price = view.oracle(collateral.asset)
            worth = owed * view.oracle(0) / (price * (1.0 - clearing.liquidation_penalty))
            amount = np.minimum(held, worth)
            profit = amount * price * clearing.liquidation_penalty
            open_to_it = flat | (state.equity[account] < state.maintenance[account])
            when = open_to_it & (profit > self.minimum_profit_usd)
            when &= profit > view.gas_cost(LiquidateCollateral)
            if np.any(when):
                yield LiquidateCollateral(self.index, account, index, np.where(when, amount, 0.0))
