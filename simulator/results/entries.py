"""What those who come to the vault and leave it give to those who stay.

Entry and exit fees stay in the vault (contracts/SPEC.md §4.3). They are no profit of the vault,
whose NAV counts them as part of the flows, but they are part of what a share returns: a fee f left
behind by an operation raises what each remaining share is worth by N/(N − f), N the NAV after it.
The fee of an exit pays first for what raising its money costs, which is in the trading cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results.operations import asked
from simulator.types import Status
from simulator.world.actions import Deposit, Redeem, RedeemInKind, SettleWithdrawals

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

_KINDS = (Deposit, Redeem, RedeemInKind, SettleWithdrawals)
#: NAV below which nobody has stayed who could gain, USD.
_NOBODY = 1.0


class FeesKept:
    """Observer of entry and exit fees.

    Attributes:
        usd: ``[paths]`` cumulative: worth of what was brought or given up, less what was got.
        growth: ``[paths]`` what they have multiplied the worth of a share by.
    """

    def __init__(self, world: World) -> None:
        self._market = world.market
        self.usd = np.zeros(world.market.paths)
        self.growth = np.ones(world.market.paths)

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Note NAV before somebody enters or leaves."""
        if isinstance(action, _KINDS) and asked(action).any():
            self._nav = np.array(world.observe().nav)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Count what stays behind."""
        done = fill.status == Status.OK
        if not isinstance(action, _KINDS) or not done.any():
            return
        state, price = world.observe(), self._market.oracle_price[0, step]
        if isinstance(action, Deposit):
            # Shares there were, those of fees due then included.
            others = state.shares - fill.amount_out
            worth, got = fill.amount_in * price, self._part(fill.amount_out, others) * self._nav
        else:
            all_shares = state.shares + fill.amount_in
            worth = self._part(fill.amount_in, all_shares) * self._nav
            got = fill.amount_out * price
            if isinstance(action, RedeemInKind):
                got = fill.amount_out * self._nav
            others = state.shares
        stayed = done & (others > 0.0) & (state.nav > _NOBODY) & (self._nav > _NOBODY)
        kept = np.where(stayed, worth - got, 0.0)
        self.usd += kept
        self.growth *= np.where(stayed, state.nav / np.where(stayed, state.nav - kept, 1.0), 1.0)

    def stepped(self, step: int, world: World) -> None:
        """Nothing to note."""

    @staticmethod
    def _part(shares: Floats, of: Floats) -> Floats:
        return np.divide(shares, of, out=np.zeros_like(shares), where=of > 0.0)
