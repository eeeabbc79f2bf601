"""Risk manager: estimates the hedge betas and posts them to the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.types import SECONDS_PER_DAY
from simulator.world.actions import PostBetas, PostCovariance

if TYPE_CHECKING:
    from simulator.types import Floats

_FACTOR_COLUMNS = 8  # of the clearing house's covariance factor (contracts/SPEC.md §3.1)


@dataclass(eq=False)
class RiskManager(Agent):
    """Posts minimum-variance betas of the LP asset on the hedge assets.

    Observes index prices up to now, never later ones; may post betas within the vault's limits on
    size and rate of change. Objective: the smallest variance of the hedged position.
    ``window_steps`` of zero keeps the opening betas for ever. With ``posts_covariance`` the venue's
    portfolio margin follows the same window.
    """

    initial_betas: tuple[float, ...]  # USD short per USD of LP delta, per market
    window_steps: int
    every_steps: int
    posts_covariance: bool = False

    def act(self, view: View) -> Actions:
        """Post the opening betas at step 0, then the rolling estimate every ``every_steps``."""
        paths = view.market.paths
        if view.step == 0:
            betas = np.repeat(np.array(self.initial_betas)[:, None], paths, axis=1)
            yield PostBetas(self.index, betas, np.ones(paths, np.bool_))
        elif self._due(view.step):
            yield self._post(view)
            if self.posts_covariance:
                yield self._post_covariance(view)

    def _due(self, step: int) -> bool:
        return 0 < self.window_steps <= step and step % self.every_steps == 0

    def _post(self, view: View) -> PostBetas:
        vault = view.protocol.vault
        posted = view.state.betas
        wanted = self._estimate(view)
        # A hair inside the limit, which the contract holds to the last of 18 digits.
        reach = vault.beta_max_change * (1.0 - 1e-9)
        near = np.clip(wanted, posted - reach, posted + reach)
        least = np.full((view.protocol.markets, 1), -vault.beta_max)
        least[list(view.protocol.leg_of)] = 0.0  # what is borrowed and sold can only be short
        betas = np.clip(near, least, vault.beta_max)
        return PostBetas(self.index, betas, np.any(betas != posted, axis=0))

    def _post_covariance(self, view: View) -> PostCovariance:
        """The factor W of the daily covariance W·Wᵀ: its symmetric root, eight columns wide."""
        assets = list(view.protocol.risk_assets)
        daily = self._covariance(view, assets) * (SECONDS_PER_DAY / view.market.step_seconds)
        values, vectors = np.linalg.eigh(np.moveaxis(daily, 2, 0))
        root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.swapaxes(1, 2)
        factor = np.zeros((len(assets), _FACTOR_COLUMNS, daily.shape[2]))
        factor[:, : len(assets)] = np.moveaxis(root, 0, 2)
        return PostCovariance(self.index, factor, np.ones(daily.shape[2], np.bool_))

    def _estimate(self, view: View) -> Floats:
        from simulator.hedging.minimum_variance import hedge_ratios

        assets = [1, *(market.asset for market in view.protocol.clearing.markets)]
        return hedge_ratios(self._covariance(view, assets))

    def _covariance(self, view: View, assets: list[int]) -> Floats:
        """Sample covariance per step of index returns over the window, ``[assets, assets, P]``."""
        # Numba compiles on first use; agents that never estimate should not pay for it.
        from simulator.hedging.minimum_variance import covariance

        window = view.market.index[assets, view.step - self.window_steps : view.step + 1]
        return covariance(np.diff(np.log(window), axis=1))
