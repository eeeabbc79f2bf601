"""What trading the vault's shares against a lagging oracle gains or loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import View
from simulator.agents.latency_arbitrageur import LatencyArbitrageur, value_at_index
from simulator.types import Status
from simulator.world.actions import Deposit, Redeem

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World


class LatencyProfit:
    """Observer of the latency arbitrageur: what its timing gains, the vault's own fortunes apart.

    Shares are valued at the index when they are bought (after the deposit, which is what it then
    holds) and when they are sold (before the redemption), so holding them in between counts for
    nothing.

    Attributes:
        usd: ``[paths]`` cumulative; negative: the fees cost more than the lag gives.
    """

    def __init__(self, world: World) -> None:
        self.usd = np.zeros(world.market.paths)
        self._price = np.zeros(world.market.paths)

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Note what a share is worth before it is sold."""
        if isinstance(agent, LatencyArbitrageur) and isinstance(action, Redeem):
            self._price = self._share(step, world)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Add value received less value given."""
        if not isinstance(agent, LatencyArbitrageur):
            return
        usdc = world.market.index[0, step]
        if isinstance(action, Deposit):
            gain = fill.amount_out * self._share(step, world) - fill.amount_in * usdc
        elif isinstance(action, Redeem):
            gain = fill.amount_out * usdc - fill.amount_in * self._price
        else:
            return
        self.usd += np.where(fill.status == Status.OK, gain, 0.0)

    def stepped(self, step: int, world: World) -> None:
        """Nothing to note."""

    def _share(self, step: int, world: World) -> Floats:
        """USD of a share at index prices; 0 where there is none."""
        value = value_at_index(View(step, world.market, world.protocol, world))
        supply = world.observe().shares
        out = np.zeros(supply.shape)
        np.divide(value, supply, out=out, where=supply > 0.0)
        return out
