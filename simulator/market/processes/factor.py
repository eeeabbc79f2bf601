"""One market factor and idiosyncratic parts (Sharpe 1963), each normal or Student-t."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.process import Factor
from simulator.kernel_files import njit
from simulator.market.processes import shocks
from simulator.market.streams import Stream

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Paths of the factor model; see :mod:`simulator.market.processes` for the arrays."""
    process, years = settings.process, shocks.years_per_step(settings)
    assert isinstance(process, Factor)
    market = Stream(settings.seed, "factor").normals(first_path, paths, settings.steps)
    if process.market_dof is not None:
        market *= shocks.student_scale(settings, "factor", process.market_dof, first_path, paths)
    own = shocks.normals(settings, first_path, paths)
    for symbol, dof in process.dof.items():
        scale = shocks.student_scale(settings, f"factor/{symbol}", dof, first_path, paths)
        own[settings.symbols.index(symbol)] *= scale
    betas = np.array([process.betas.get(symbol, 0.0) for symbol in settings.symbols])
    variance = shocks.volatilities(settings) ** 2
    explained = betas * process.market_volatility
    load(
        index,
        market,
        own,
        (shocks.drifts(settings) - compensators - variance / 2) * years,
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
