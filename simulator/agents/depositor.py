"""Depositors: bring USDC into the vault, take it out again, and run when the market says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.types import Status
from simulator.world.actions import (
    CancelRequest,
    Deposit,
    PostMargin,
    Redeem,
    RedeemInKind,
    RequestRedeem,
    Trade,
)

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

# Refusals a depositor waits out in the queue: the money is there, only not at once.
_WAIT = [
    Status.INSUFFICIENT_LIQUIDITY,
    Status.SLIPPAGE,
    Status.BELOW_INITIAL_MARGIN,
    Status.WITHDRAWALS_QUEUED,
]
# Worst price accepted for closing what came with an exit in kind, fraction of the index.
_CLOSING_SLIPPAGE = 0.05
# Whole tokens; less than a raw USDC is not worth a transaction, and cannot be moved.
_DUST = 1e-6


@dataclass(eq=False)
class Depositor(Agent):
    """All depositors as one holder of shares.

    Observes the flow drawn for it, its own wallet and account; may deposit, redeem, wait in the
    queue, and (``exit_in_kind``) leave with a slice of everything when the oracle is silent, which
    it closes once it can. Objective: hold the vault's shares; flows are exogenous (calm in-and-out,
    or a withdrawal run).
    """

    initial_deposit: float  # USDC at step 0
    exit_in_kind: bool = False

    def act(self, view: View) -> Actions:
        """Deposit the opening stake, then follow the market's deposit flow."""
        if self.exit_in_kind:
            yield from self._close_slice(view)
        flow: Floats = view.market.deposit_flow[view.step]
        state = view.state
        wanted = np.maximum(flow, 0.0) * self.initial_deposit
        if view.step == 0:
            wanted = wanted + self.initial_deposit
        assets = np.minimum(wanted, state.wallet_usdc[self.index])
        if np.any(assets > 0.0):
            yield Deposit(self.index, assets)
        if np.any(flow < 0.0):
            fraction = np.minimum(np.maximum(-flow, 0.0), 1.0)
            yield from self._leave(view, fraction * view.state.wallet_shares[self.index])

    def _leave(self, view: View, shares: Floats) -> Actions:
        fill = yield Redeem(self.index, shares)
        late = np.isin(fill.status, _WAIT)
        if np.any(late):
            yield from self._queue(view, np.where(late, shares, 0.0))
        stale = fill.status == Status.STALE_ORACLE
        if self.exit_in_kind and np.any(stale):
            flat = ~np.any(view.state.size[view.protocol.account_of(self.index)] != 0.0, axis=0)
            yield RedeemInKind(self.index, np.where(stale & flat, shares, 0.0))

    def _queue(self, view: View, shares: Floats) -> Actions:
        """Wait in line, with what waits already: one request at a time."""
        waiting = (shares > 0.0) & (view.state.queued_shares > 0.0)
        if np.any(waiting):
            back = yield CancelRequest(self.index, waiting)
            shares = shares + back.amount_in
        yield RequestRedeem(self.index, shares)

    def _close_slice(self, view: View) -> Actions:
        """Close positions that came with an exit in kind, then take the margin home."""
        own = view.protocol.account_of(self.index)
        for market, parameters in enumerate(view.protocol.clearing.markets):
            size = view.state.size[own, market]
            if np.any(size != 0.0):
                price = view.index(parameters.asset)
                limit = price * (1.0 - np.sign(size) * _CLOSING_SLIPPAGE)
                yield Trade(self.index, market, -size, limit)
        flat: Booleans = ~np.any(view.state.size[own] != 0.0, axis=0)
        for collateral in range(len(view.protocol.clearing.collaterals)):
            state = view.state
            held = state.cash[own] if collateral == 0 else state.collateral[own, collateral]
            held = np.where(flat & (held >= _DUST), held, 0.0)
            if np.any(held > 0.0):
                yield PostMargin(self.index, collateral, -held)
