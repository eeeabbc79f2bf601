"""Depositors: bring USDC into the vault, take it out again, and run when the market says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import Deposit, Redeem

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class Depositor(Agent):
    """All depositors as one holder of shares.

    Observes the flow drawn for it and its own wallet; may deposit and redeem. Objective: hold the
    vault's shares; flows are exogenous (calm in-and-out, or a withdrawal run).
    """

    initial_deposit: float  # USDC at step 0

    def act(self, view: View) -> Actions:
        """Deposit the opening stake, then follow the market's deposit flow."""
        flow: Floats = view.market.deposit_flow[view.step]
        state = view.state
        wanted = np.maximum(flow, 0.0)
        if view.step == 0:
            wanted = wanted + self.initial_deposit
        assets = np.minimum(wanted, state.wallet_usdc[self.index])
        if np.any(assets > 0.0):
            yield Deposit(self.index, assets)
        if np.any(flow < 0.0):
            fraction = np.minimum(np.maximum(-flow, 0.0), 1.0)
            yield Redeem(self.index, fraction * view.state.wallet_shares[self.index])
