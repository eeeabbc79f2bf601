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
    diffuse(config, index, compensators, shocks.normals(config, first_path, paths))


def diffuse(config: Config, index: Floats, compensators: Floats, draws: Floats) -> None:
    """Add log returns of uncorrelated unit ``draws`` ``[A, T, P]``, correlated as shocks say."""
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
        regime_of,
        np.array([correlation.cholesky(regime.correlation) for regime in regimes]),
        (shocks.drifts(config) - volatilities**2 / 2 - compensators) * years,
        volatilities * sqrt(years),
    )
