"""Correlated geometric Brownian motions, the default."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.config import correlation
from simulator.market import kernels
from simulator.market.processes import shocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.config.market_settings import MarketSettings
    from simulator.types import Booleans, Floats


class Law(NamedTuple):
    """Regimes of correlation and volatility over time."""

    regime: NDArray[np.int64]  # [T] that of every step
    factors: Floats  # [R, A, A] Cholesky factors of the correlations
    volatilities: Floats  # [R, A] per √year


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Exact steps; see :mod:`simulator.market.processes` for the arrays."""
    law = law_of(settings)
    diffuse(settings, law, index, compensators, normals(settings, law, index, first_path, paths))


def law_of(settings: MarketSettings) -> Law:
    """As configured, shocks to correlations included."""
    regimes = correlation.regimes(settings)
    volatility = shocks.volatilities(settings)
    regime_of = np.zeros(settings.steps, np.int64)
    for number, regime in enumerate(regimes):
        regime_of[regime.first : regime.last] = number
    return Law(
        regime_of,
        np.array([correlation.cholesky(regime.correlation) for regime in regimes]),
        np.array([volatility * regime.volatility_multiple for regime in regimes]),
    )


def normals(
    settings: MarketSettings, law: Law, index: Floats, first_path: int, paths: int
) -> Floats:
    """Standard normals of each point's step ``[A, T + 1, P]``; zeros where they move no price.

    In ``index`` itself where it holds no jumps.
    """
    used = used_normals(settings, law)
    return shocks.point_normals(settings, index, first_path, paths, used)


def used_normals(settings: MarketSettings, law: Law) -> Booleans:
    """Assets ``[A]`` whose normals move any price, their own or another's, that is not recorded."""
    recorded = settings.history.symbols if settings.history.prices is not None else {}
    drawn = np.array([symbol not in recorded for symbol in settings.symbols])
    moving = drawn & (law.volatilities > 0.0)
    return np.any((law.factors != 0.0) & moving[:, :, np.newaxis], axis=(0, 1))


def diffuse(
    settings: MarketSettings, law: Law, index: Floats, compensators: Floats, draws: Floats
) -> None:
    """Add log returns of uncorrelated unit ``draws`` of each point's step, correlated as set."""
    years = shocks.years_per_step(settings)
    kernels.diffuse(
        index,
        draws,
        shocks.has_jumps(settings),
        law.regime,
        law.factors,
        (shocks.drifts(settings) - law.volatilities**2 / 2 - compensators) * years,
        law.volatilities * sqrt(years),
    )
