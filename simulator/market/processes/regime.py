"""Markov regimes with their own volatilities and correlation (Hamilton 1989)."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation, markov
from simulator.config.process import Regime
from simulator.kernel_files import njit
from simulator.market.processes import shocks
from simulator.market.streams import Stream

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Codes, Floats


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Paths whose first regime has the stationary law; see :mod:`simulator.market.processes`."""
    process, years = settings.process, shocks.years_per_step(settings)
    assert isinstance(process, Regime)
    symbols, own = settings.symbols, shocks.volatilities(settings)
    volatility = np.array(
        [
            [regime.volatility.get(symbol, own[row]) for row, symbol in enumerate(symbols)]
            for regime in process.regimes
        ]
    )
    factors = np.array(
        [
            correlation.cholesky(
                correlation.build(symbols, regime.correlation.default, regime.correlation.pairs)
            )
            for regime in process.regimes
        ]
    )
    switch(
        index,
        shocks.normals(settings, first_path, paths),
        states(settings, process, first_path, paths),
        (shocks.drifts(settings) - compensators - volatility**2 / 2) * years,
        volatility[:, :, np.newaxis] * sqrt(years) * factors,
    )


def states(settings: MarketSettings, process: Regime, first_path: int, paths: int) -> Codes:
    """The regime of every step ``[T, P]``."""
    uniforms = Stream(settings.seed, "regime").uniforms(first_path, paths, settings.steps)
    transition = np.array(process.transition)
    return walk(uniforms, np.cumsum(markov.stationary(transition)), np.cumsum(transition, axis=1))


@njit(cache=True, nogil=True)
def walk(uniforms: Floats, start: Floats, rows: Floats) -> Codes:
    """States ``[T, P]`` of a Markov chain; ``start`` ``[K]``, ``rows`` ``[K, K]`` cumulative."""
    steps, paths = uniforms.shape
    result = np.empty((steps, paths), np.int8)
    last = len(start) - 1
    for step in range(steps):
        for path in range(paths):
            law = start if step == 0 else rows[result[step - 1, path]]
            state = 0
            # The last sum is 1 but for rounding: it bounds nothing.
            while state < last and uniforms[step, path] >= law[state]:
                state += 1
            result[step, path] = state
    return result


@njit(cache=True, nogil=True)
def switch(
    log_prices: Floats, normals: Floats, regime: Codes, drift: Floats, factors: Floats
) -> None:
    """Add a path's log returns to its jumps and sum up, in place.

    ``log_prices`` ``[A, T + 1, P]``, ``normals`` ``[A, T, P]``, ``regime`` ``[T, P]``; per step and
    regime ``drift`` ``[K, A]`` and ``factors`` ``[K, A, A]``, lower, volatilities included.
    """
    assets, points, paths = log_prices.shape
    shock = np.empty(paths)
    for step in range(points - 1):
        for asset in range(assets):
            shock[:] = 0.0
            for other in range(asset + 1):
                for path in range(paths):
                    shock[path] += (
                        factors[regime[step, path], asset, other] * normals[other, step, path]
                    )
            for path in range(paths):
                log_prices[asset, step + 1, path] += (
                    log_prices[asset, step, path] + drift[regime[step, path], asset] + shock[path]
                )
