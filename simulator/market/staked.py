"""Prices of staked assets: what a token is redeemed for, and how its market strays from that.

Market price = price of the underlying × exchange rate × premium (:mod:`simulator.config.staked`).
Draws have streams of their own, so that another staked asset moves nobody's price.
"""

from __future__ import annotations

from math import exp, log, log1p
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.shocks import RateCap, RateFreeze, Slashing
from simulator.market import kernels
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def exchange_rate(settings: MarketSettings, symbol: str, first_path: int, paths: int) -> Floats:
    """Underlying per token ``[T + 1, P]``; ``P`` is 1 where no slashing is drawn.

    It accrues at its yield without pause, and falls at once where it is slashed.
    """
    staked, points = settings.staked[symbol], settings.steps + 1
    years = np.arange(points) * (settings.step_seconds / SECONDS_PER_YEAR)
    rate = np.log(staked.exchange_rate) + log1p(staked.yield_per_year) * years
    for shock in settings.shocks:
        if isinstance(shock, Slashing) and shock.asset == symbol:
            rate[_hours(settings) >= shock.at_hours] += log1p(-shock.loss)
    if staked.slashings_per_year == 0.0:
        return np.exp(rate)[:, np.newaxis]
    # At most one a step: the probability that a Poisson process has any.
    probability = -np.expm1(-staked.slashings_per_year * years[1])
    uniforms = Stream(settings.seed, f"slashing/{symbol}").uniforms(first_path, paths, points - 1)
    slashed = np.zeros((points, paths))
    slashed[1:] = np.cumsum(uniforms < probability, axis=0)
    return np.asarray(np.exp(rate[:, np.newaxis] + log1p(-staked.slashing_loss) * slashed))


def read_rate(settings: MarketSettings, symbol: str, rate: Floats) -> Floats:
    """The exchange rate as feeds read it ``[T + 1, P]``: frozen, then capped, where it is."""
    hours, read = _hours(settings), rate
    for shock in settings.shocks:
        if isinstance(shock, RateFreeze) and shock.asset == symbol:
            frozen = np.flatnonzero(shock.active(hours))
            read = read.copy()
            read[frozen] = rate[frozen[0]]
    for shock in settings.shocks:
        if isinstance(shock, RateCap) and shock.asset == symbol:
            capped = shock.active(hours)[:, np.newaxis]
            read = np.where(capped, np.minimum(read, shock.cap), read)
    return read


def premium(settings: MarketSettings, symbol: str, first_path: int, paths: int) -> Floats:
    """Market price over what a token is redeemed for ``[T + 1, P]``, before any shock.

    ln of it is an Ornstein–Uhlenbeck process from where the asset's price puts it, towards 0.
    """
    staked, points = settings.staked[symbol], settings.steps + 1
    worth = settings.assets[staked.underlying].price * staked.exchange_rate
    memory = exp(-settings.step_seconds / 3600 / staked.reversion_hours)
    strays = np.zeros((points, paths))
    if staked.discount_volatility > 0.0:
        Stream(settings.seed, f"premium/{symbol}").normals(
            first_path, paths, points - 1, out=strays[1:]
        )
        # Stationary from a first normal of 0 on, the start being known.
        kernels.revert(strays, memory, staked.discount_volatility)
    begins = log(settings.assets[symbol].price / worth) * memory ** np.arange(points)
    return np.asarray(np.exp(strays + begins[:, np.newaxis]))


def _hours(settings: MarketSettings) -> Floats:
    """Moments of the points of a path ``[T + 1]``, hours from the start."""
    return np.arange(settings.steps + 1) * (settings.step_minutes / 60)
