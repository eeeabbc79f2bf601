"""What those who come to the vault and leave it give to those who stay.

Entry and exit fees stay in the vault (contracts/SPEC.md §4.3). They are no profit of the vault,
where they count as part of the flows, but they are part of what a share returns. A deposit D at fee
e leaves e·D to the others; who leaves gives up the part p of the vault and gets the part g < p. The
worth of a remaining share is multiplied by::

    deposit   (1 + m/(1 − e)) / (1 + m),   m the new shares over the others
    exit      (1 − g) / (1 − p)

The fee of an exit pays first for what raising its money costs, which is in the trading cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results import cost_kernels as k
from simulator.types import Status
from simulator.world.actions import Deposit, Redeem, RedeemInKind, SettleWithdrawals

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

#: Exits of which NAV tells what the leaver got; a redemption pays all but the fee, or is refused.
_BY_NAV = (RedeemInKind, SettleWithdrawals)
_KINDS = (Deposit, Redeem, *_BY_NAV)


class FeesKept:
    """Observer of entry and exit fees.

    Attributes:
        usd: ``[paths]`` cumulative: worth of what was brought or given up, less what was got.
        growth: ``[paths]`` what they have multiplied the worth of a share by.
    """

    def __init__(self, world: World) -> None:
        vault = world.protocol.vault
        self._market = world.market
        self._entry, self._exit = vault.entry_fee, vault.exit_fee
        self.usd = np.zeros(world.market.paths)
        self.growth = np.ones(world.market.paths)

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Note NAV before an exit that is paid by it."""
        if isinstance(action, _BY_NAV):
            self._nav = np.array(world.observe().nav)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Count what stays behind."""
        if not isinstance(action, _KINDS):
            return
        shares, price = world.observe().shares, self._market.oracle_price[0, step]
        if isinstance(action, _BY_NAV):
            self._left(shares, price, action, fill)
            return
        done, into = Status.OK.value, (self.usd, self.growth)
        if isinstance(action, Deposit):
            brought = fill.amount_in * price
            new = fill.amount_out
            k.keep_entry_fees(fill.status, done, shares, new, brought, self._entry, *into)
        else:
            paid, burnt = fill.amount_out * price, fill.amount_in
            k.keep_exit_fees(fill.status, done, shares, burnt, paid, self._exit, *into)

    def stepped(self, step: int, world: World) -> None:
        """Nothing to note."""

    def _left(self, shares: Floats, price: Floats, action: Action, fill: Fill) -> None:
        stayed = (fill.status == Status.OK) & (shares > 0.0) & (self._nav > 0.0)
        worth = np.where(stayed, self._nav, 1.0)
        given = fill.amount_in / np.where(stayed, shares + fill.amount_in, 1.0)
        got = fill.amount_out
        if isinstance(action, SettleWithdrawals):
            got = got * price / worth
        self.usd += np.where(stayed, (given - got) * worth, 0.0)
        self.growth *= np.where(stayed, (1.0 - got) / np.where(stayed, 1.0 - given, 1.0), 1.0)
