"""One market factor and idiosyncratic parts (Sharpe 1963), each normal or Student-t."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from simulator.config.process import Factor
from simulator.market.processes import shocks
from simulator.market.streams import Stream

if TYPE_CHECKING:
    from simulator.config.models import Config
    from simulator.types import Floats


def add(config: Config, index: Floats, compensators: Floats, first_path: int, paths: int) -> None:
    """Paths of the factor model; see :mod:`simulator.market.processes` for the arrays."""
    process, years = config.process, shocks.years_per_step(config)
    assert isinstance(process, Factor)
    market = Stream(config.seed, "factor").normals(first_path, paths, config.steps)
    if process.market_dof is not None:
        market *= shocks.student_scale(config, "factor", process.market_dof, first_path, paths)
    own = shocks.normals(config, first_path, paths)
    for symbol, dof in process.dof.items():
        scale = shocks.student_scale(config, f"factor/{symbol}", dof, first_path, paths)
        own[config.symbols.index(symbol)] *= scale
    betas = np.array([process.betas.get(symbol, 0.0) for symbol in config.symbols])
    variance = shocks.volatilities(config) ** 2
    explained = betas * process.market_volatility
    load(
        index,
        market,
        own,
        (shocks.drifts(config) - compensators - variance / 2) * years,
        explained * sqrt(years),
        np.sqrt(np.maximum(variance - explained**2, 0.0) * years),
    )


@njit(cache=True, nogil=True)
def load(
    log_prices: Floats, market: Floats, own: Floats, drift: Floats, loading: Floats, rest: Floats
) -> None:
    """Add a path's log returns to its jumps and sum up, in place.

    ``log_prices`` ``[A, T + 1, P]``; ``market`` ``[T, P]``, ``own`` ``[A, T, P]`` of variance one;
    ``drift``, ``loading``, ``rest`` ``[A]`` per step.
    """
    assets, points, paths = log_prices.shape
    for asset in range(assets):
        for step in range(points - 1):
            for path in range(paths):
                log_prices[asset, step + 1, path] += (
                    log_prices[asset, step, path]
                    + drift[asset]
                    + loading[asset] * market[step, path]
                    + rest[asset] * own[asset, step, path]
                )
