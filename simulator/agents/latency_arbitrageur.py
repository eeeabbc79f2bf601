"""Latency arbitrageur: trades the vault's shares against an oracle that lags the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Deposit, Redeem

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class LatencyArbitrageur(Agent):
    """Buys shares the oracle undervalues, sells those it overvalues.

    Observes the index, the oracle and the vault's holdings; may deposit and redeem. Acts when the
    share's value at the index is off its price by more than ``minimum_gap``, whatever the fees;
    what that timing gains or loses is reported as ``latency_profit``.
    """

    minimum_gap: float  # fraction of the price

    def act(self, view: View) -> Actions:
        """Deposit everything below value, redeem everything above it."""
        state = view.state
        if not np.any(state.shares > 0.0):
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.where(state.nav > 0.0, value_at_index(view) / state.nav - 1.0, 0.0)
        usdc = state.wallet_usdc[self.index]
        stake = np.where((gap > self.minimum_gap) & (state.shares > 0.0), usdc, 0.0)
        if np.any(stake > 0.0):
            yield Deposit(self.index, stake)
        shares = np.where(gap < -self.minimum_gap, view.state.wallet_shares[self.index], 0.0)
        if np.any(shares > 0.0):
            yield Redeem(self.index, shares)


def value_at_index(view: View) -> Floats:
    """What the vault holds at index prices, USD: its NAV, were the oracle never late; ``[P]``."""
    state, usdc, base = view.state, view.index(0), view.index(1)
    decimals = view.protocol.assets[0].decimals, view.protocol.assets[1].decimals
    lower, upper = (np.exp(0.5 * np.log(1.0001) * t) for t in (state.tick_lower, state.tick_upper))
    root = np.sqrt(base / usdc * 10.0 ** (decimals[0] - decimals[1]))
    root = np.clip(root, lower, upper)
    lp_usdc = state.liquidity * (root - lower) / 10.0 ** decimals[0]
    lp_base = state.liquidity * (1.0 / root - 1.0 / upper) / 10.0 ** decimals[1]
    free = (state.idle_usdc + state.fees_usdc + lp_usdc) * usdc
    free = free + (state.idle_base + state.fees_base + lp_base) * base
    return np.maximum(free + _accounts(view) + _loans(view), 0.0)


def _accounts(view: View) -> Floats:
    """The vault's accounts at the clearing house at index prices, USD ``[P]``."""
    state, clearing = view.state, view.protocol.clearing
    held, other = np.zeros_like(state.idle_usdc), np.zeros_like(state.idle_usdc)
    for account in range(1 + view.protocol.markets):
        held = held + state.cash[account]
        for market, parameters in enumerate(clearing.markets):
            size = state.size[account, market]
            funding = state.funding_index[market] - state.funding_entry[account, market]
            loss = np.where(size > 0.0, state.loss_long[market], state.loss_short[market])
            loss = np.abs(size) * (loss - state.loss_entry[account, market])
            held = held + size * (view.index(parameters.asset) - funding)
            held = held - state.cost[account, market] - loss
        for number, collateral in enumerate(clearing.collaterals[1:], start=1):
            other = other + state.collateral[account, number] * view.index(collateral.asset)
    return held * view.index(0) + other


def _loans(view: View) -> Floats:
    """What the vault has on Aave less what it owes there at index prices, USD ``[P]``."""
    aave, state = view.protocol.aave, view.state
    if aave is None:
        return np.zeros_like(state.idle_usdc)
    worth = state.aave_supplied[0] * view.index(0)
    for number, leg in enumerate(aave.legs):
        worth = worth - state.aave_debt[number] * view.index(leg.reserve.asset)
    return worth
