"""Risk manager: estimates the hedge betas and posts them to the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.world.actions import PostBetas

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(eq=False)
class RiskManager(Agent):
    """Posts minimum-variance betas of the LP asset on the hedge assets.

    Observes index prices up to now, never later ones; may post betas within the vault's limits on
    size and rate of change. Objective: the smallest variance of the hedged position.
    ``window_steps`` of zero keeps the opening betas for ever.
    """

    initial_betas: tuple[float, ...]  # USD short per USD of LP delta, per market
    window_steps: int
    every_steps: int

    def act(self, view: View) -> Actions:
        """Post the opening betas at step 0, then the rolling estimate every ``every_steps``."""
        paths = view.market.paths
        if view.step == 0:
            betas = np.repeat(np.array(self.initial_betas)[:, None], paths, axis=1)
            yield PostBetas(self.index, betas, np.ones(paths, np.bool_))
        elif self._due(view.step):
            yield self._post(view)

    def _due(self, step: int) -> bool:
        return 0 < self.window_steps <= step and step % self.every_steps == 0

    def _post(self, view: View) -> PostBetas:
        vault = view.protocol.vault
        posted = view.state.betas
        wanted = self._estimate(view)
        # A hair inside the limit, which the contract holds to the last of 18 digits.
        reach = vault.beta_max_change * (1.0 - 1e-9)
        near = np.clip(wanted, posted - reach, posted + reach)
        betas = np.clip(near, -vault.beta_max, vault.beta_max)
        return PostBetas(self.index, betas, np.any(betas != posted, axis=0))

    def _estimate(self, view: View) -> Floats:
        # Numba compiles on first use; agents that never estimate should not pay for it.
        from simulator.hedging.minimum_variance import covariance, hedge_ratios

        assets = [1, *(market.asset for market in view.protocol.clearing.markets)]
        window = view.market.index[assets, view.step - self.window_steps : view.step + 1]
        return hedge_ratios(covariance(np.diff(np.log(window), axis=1)))
