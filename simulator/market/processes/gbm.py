"""Correlated geometric Brownian motions, the default."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation
from simulator.market import kernels
from simulator.market.processes import shocks

if TYPE_CHECKING:
    from simulator.config.models import Config
    from simulator.types import Floats


def add(config: Config, index: Floats, compensators: Floats, first_path: int, paths: int) -> None:
    """Exact steps; see :mod:`simulator.market.processes` for the arrays."""
    draws = room_for_draws(config, index)
    shocks.normals(config, first_path, paths, out=draws[:, 1:])
    diffuse(config, index, compensators, draws)


def room_for_draws(config: Config, index: Floats) -> Floats:
    """Array for the draws ``[A, T + 1, P]``: ``index`` itself where it holds no jumps."""
    return np.empty_like(index) if shocks.has_jumps(config) else index


def diffuse(config: Config, index: Floats, compensators: Floats, draws: Floats) -> None:
    """Add log returns of uncorrelated unit ``draws`` of each point's step, correlated as set."""
    years = shocks.years_per_step(config)
    regimes = correlation.regimes(config)
    volatility = shocks.volatilities(config)
    volatilities = np.array([volatility * regime.volatility_multiple for regime in regimes])
    regime_of = np.zeros(config.steps, np.int64)
    for number, regime in enumerate(regimes):
        regime_of[regime.first : regime.last] = number
    kernels.diffuse(
        index,
        draws,
        shocks.has_jumps(config),
        regime_of,
        np.array([correlation.cholesky(regime.correlation) for regime in regimes]),
        (shocks.drifts(config) - volatilities**2 / 2 - compensators) * years,
        volatilities * sqrt(years),
    )
