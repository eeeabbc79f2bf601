"""Risk manager: estimates the hedge betas and posts them to the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.protocol.units import SECONDS_PER_HOUR
from simulator.types import SECONDS_PER_DAY
from simulator.world.actions import PostBetas, PostCovariance
from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config import Config
    from simulator.config import agents as sections
    from simulator.config.faults import Misposted
    from simulator.types import Booleans, Floats

# USD per USD of LP delta: of a position of a million, a thousandth of a dollar.
_LEAST_CHANGE = 1e-9
_EVERY = slice(None)


@dataclass(eq=False)
class RiskManager(Agent):
    """Posts minimum-variance betas of the LP asset on the hedge assets.

    Observes index prices up to now, never later ones; may post betas within the vault's limits on
    size and rate of change. Objective: the smallest variance of the hedged position.
    ``window_steps`` of zero keeps the opening betas for ever. With ``posts_covariance`` the venue's
    portfolio margin follows the same window. ``wrong``: when what it posts is not what it found.
    """

    initial_betas: tuple[float, ...]  # USD short per USD of LP delta, per market
    window_steps: int
    every_steps: int
    posts_covariance: bool = False
    wrong: tuple[Misposted, ...] = ()

    @classmethod
    def configured(cls, section: sections.RiskManager, config: Config, name: str) -> RiskManager:
        """Hours as steps; the first ratios are the configuration's."""
        from simulator.config import initial_betas
        from simulator.config.faults import Misposted

        steps_per_hour = 60 / config.step_minutes
        rolling = section.estimator == "rolling"
        return cls(
            initial_betas=initial_betas(config),
            window_steps=max(2, round(section.window_hours * steps_per_hour)) if rolling else 0,
            every_steps=max(1, round(section.every_hours * steps_per_hour)),
            posts_covariance=section.posts_covariance,
            wrong=tuple(shock for shock in config.shocks if isinstance(shock, Misposted)),
        )

    def due(self, step: int) -> bool:
        """The opening post, and its cadence once the window is full."""
        return step == 0 or (0 < self.window_steps <= step and step % self.every_steps == 0)

    def act(self, view: View) -> Actions:
        """Post the opening betas at step 0, then the rolling estimate every ``every_steps``."""
        paths = view.market.paths
        if view.step == 0:
            betas = np.repeat(np.array(self.initial_betas)[:, None], paths, axis=1)
            yield PostBetas(self.index, betas, np.ones(paths, np.bool_))
        elif self.due(view.step):
            yield self._post(view)
            if self.posts_covariance:
                yield self._post_covariance(view)

    def _post(self, view: View) -> PostBetas:
        found = rolling_betas(view, self.window_steps) * self._factor(view, "betas")
        betas = reachable_betas(view, found)
        return PostBetas(self.index, betas, differ(betas, view.state.betas))

    def _post_covariance(self, view: View) -> PostCovariance:
        found = daily_covariance(view, self.window_steps) * self._factor(view, "covariance")
        factor = covariance_factor(found)
        return PostCovariance(self.index, factor, np.ones(factor.shape[2], np.bool_))

    def _factor(self, view: View, what: str) -> float:
        """What is posted over what was found, as far as it tries."""
        hours = np.array([view.step * view.market.step_seconds / SECONDS_PER_HOUR])
        for shock in self.wrong:
            if shock.what == what and shock.active(hours)[0]:
                return shock.factor
        return 1.0


def differ(betas: Floats, posted: Floats) -> Booleans:
    """Where betas ``[markets, P]`` are others than those posted, beyond what rounding leaves.

    An asset hedged with itself has betas of one and of some 10⁻¹⁷: a post for those would cost gas
    and make the next wait.
    """
    return np.asarray(np.any(np.abs(betas - posted) > _LEAST_CHANGE, axis=0))


def reachable_betas(view: View, wanted: Floats) -> Floats:
    """The betas ``[markets, P]`` nearest to those wanted that one post may set."""
    vault = view.protocol.vault
    posted = view.state.betas
    # A hair inside the limit, which the contract holds to the last of 18 digits.
    reach = vault.beta_max_change * (1.0 - 1e-9)
    near = np.clip(wanted, posted - reach, posted + reach)
    least = np.full((view.protocol.markets, 1), -vault.beta_max)
    least[list(view.protocol.leg_of)] = 0.0  # what is borrowed and sold can only be short
    return np.clip(near, least, vault.beta_max)


def rolling_betas(view: View, window: int, where: Booleans | slice = _EVERY) -> Floats:
    """Minimum-variance betas ``[markets, P]`` of the last ``window`` steps' index returns.

    P: paths where they are asked for.
    """
    from simulator.hedging.minimum_variance import window_ratios

    assets = [1, *(market.asset for market in view.protocol.clearing.markets)]
    return window_ratios(_covariance(view, window, assets, where))


def daily_covariance(view: View, window: int, where: Booleans | slice = _EVERY) -> Floats:
    """Covariance a day ``[A, A, P]`` of the venue's risk assets over the last ``window`` steps.

    P: paths where it is asked for.
    """
    covariance = _covariance(view, window, view.protocol.risk_assets, where)
    return covariance * (SECONDS_PER_DAY / view.market.step_seconds)


def covariance_factor(daily: Floats) -> Floats:
    """The factor W ``[A, 8, P]`` of the covariance W·Wᵀ: its symmetric root, eight columns wide.

    Rows are at most what the venue takes, 100 % a day.
    """
    values, vectors = np.linalg.eigh(np.moveaxis(daily, 2, 0))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.swapaxes(1, 2)
    factor = np.zeros((len(daily), FACTOR_COLUMNS, daily.shape[2]))
    factor[:, : len(daily)] = np.moveaxis(root, 0, 2)
    volatility = np.sqrt(np.sum(factor * factor, axis=1, keepdims=True))
    # A hair inside the limit, which the contract holds to the last entry.
    return factor / np.maximum(volatility * (1.0 + 1e-6), 1.0)


def _covariance(view: View, window: int, assets: Sequence[int], where: Booleans | slice) -> Floats:
    """Sample covariance per step of index returns over the window, ``[assets, assets, P]``."""
    # Numba compiles on first use; agents that never estimate should not pay for it.
    from simulator.hedging.minimum_variance import covariance

    past = slice(view.step - window, view.step + 1)
    prices = np.array([view.market.index[asset, past][:, where] for asset in assets])
    return covariance(np.diff(np.log(prices), axis=1))
