"""Hedge ratios as they could be known, and as they turn out: what either are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.agents.risk_manager import covariance_factor, daily_covariance, differ
from simulator.hedging.minimum_variance import covariance, window_ratios
from simulator.world.actions import PostBetas, PostCovariance

if TYPE_CHECKING:
    from simulator.agents.risk_manager import RiskManager
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.protocol import Protocol


@dataclass(eq=False)
class Posts(Agent):
    """Posts the betas of a ``schedule`` in the risk manager's place, whatever it sees.

    The schedule is made before the run, of the whole path. Covariances, where the risk manager
    posts any, stay those of the past.
    """

    schedule: dict[int, Floats]  # betas [markets, P] by step
    past: RiskManager

    def due(self, step: int) -> bool:
        """At the steps of the schedule, and where a covariance is posted."""
        return step in self.schedule or (self.past.posts_covariance and self.past.due(step))

    def act(self, view: View) -> Actions:
        """Post what is due, where that is not what is posted."""
        betas = self.schedule.get(view.step)
        if betas is not None:
            yield PostBetas(self.index, betas, differ(betas, view.state.betas) | (view.step == 0))
        if self.past.posts_covariance and view.step > 0 and self.past.due(view.step):
            factor = covariance_factor(daily_covariance(view, self.past.window_steps))
            yield PostCovariance(self.index, factor, np.ones(factor.shape[2], np.bool_))


@dataclass(frozen=True, eq=False)
class Betas:
    """Hedge ratios of a market at each post: those that could be known, and those to come.

    Attributes:
        steps: of the posts.
        past: what the risk manager posts, ``[markets, P]`` each.
        ahead: minimum-variance ratios of the window that begins then.
        follows: how each hedge asset moves in that window per move of the pool's base asset,
            regression slopes.
    """

    steps: list[int]
    past: list[Floats]
    ahead: list[Floats]
    follows: list[Floats]

    @property
    def foreseen(self) -> dict[int, Floats]:
        """The ratios to come, by step."""
        return dict(zip(self.steps, self.ahead, strict=True))

    def covered(self) -> dict[int, Floats]:
        """Part of the exposure that is hedged, ``[P]``, where the hedges move with it alone.

        1, and what the posted ratios are off those to come by, as far as that moves with the base
        asset.
        """
        found = zip(self.steps, self.past, self.ahead, self.follows, strict=True)
        return {
            step: 1.0 + np.sum((past - ahead) * follows, axis=0)
            for step, past, ahead, follows in found
        }


def betas_of(
    market: MarketPaths, protocol: Protocol, manager: RiskManager, window: int, every: int
) -> Betas:
    """Hedge ratios at each post, ``every`` steps, on ``window`` steps before and after it.

    Sample covariances of log returns, as the risk manager's own, and its posts within the vault's
    limits as if none were refused. The last windows end with the path, and none is of fewer returns
    than there are hedges, and two.
    """
    rows = [1, *(one.asset for one in protocol.clearing.markets)]
    returns = np.diff(np.log(market.index[rows]), axis=1)
    limits, fewest = _Limits.of(protocol), max(2, protocol.markets)
    posted = np.repeat(np.array(manager.initial_betas)[:, None], market.paths, axis=1)
    found = Betas([], [], [], [])
    for step in range(0, max(market.steps - fewest, 0) + 1, every):
        if 0 < manager.window_steps <= step:
            before = np.ascontiguousarray(returns[:, step - manager.window_steps : step])
            posted = limits.reached(posted, window_ratios(covariance(before)))
        moments = covariance(np.ascontiguousarray(returns[:, step : step + window]))
        variance = moments[0, 0]
        slopes = np.zeros_like(moments[1:, 0])
        np.divide(moments[1:, 0], variance, out=slopes, where=variance > 0.0)
        found.steps.append(step)
        found.past.append(posted)
        found.ahead.append(limits.allowed(window_ratios(moments)))
        found.follows.append(slopes)
    return found


@dataclass(frozen=True, eq=False)
class _Limits:
    """What a vault takes as hedge ratios."""

    least: Floats  # [markets, 1]
    most: float
    change: float

    @classmethod
    def of(cls, protocol: Protocol) -> _Limits:
        vault = protocol.vault
        least = np.full((protocol.markets, 1), -vault.beta_max)
        least[list(protocol.leg_of)] = 0.0  # what is borrowed and sold can only be short
        return cls(least, vault.beta_max, vault.beta_max_change)

    def allowed(self, betas: Floats) -> Floats:
        return np.clip(betas, self.least, self.most)

    def reached(self, posted: Floats, wanted: Floats) -> Floats:
        return self.allowed(np.clip(wanted, posted - self.change, posted + self.change))
