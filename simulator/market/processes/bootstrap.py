"""Stationary bootstrap of recorded returns (Politis and Romano 1994)."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation
from simulator.config.process import Bootstrap
from simulator.hedging.resampling import blocks
from simulator.kernel_files import njit
from simulator.market import kernels
from simulator.market.history_file import Reading
from simulator.market.panel import read_panel
from simulator.market.processes import shocks
from simulator.market.streams import Stream
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """Resampled assets follow the record, the others geometric Brownian motions."""
    process, years = settings.process, shocks.years_per_step(settings)
    assert isinstance(process, Bootstrap)
    drift = (shocks.drifts(settings) - compensators) * years
    assets = np.array([settings.symbols.index(symbol) for symbol in process.symbols])
    uniforms = Stream(settings.seed, "bootstrap").uniforms(first_path, paths, settings.steps)
    record = _record(settings, process)
    restart = min(settings.step_minutes / (60 * process.mean_block_hours), 1.0)
    rows = blocks(uniforms, restart, len(record))
    resample(index, assets, rows, record, drift[assets])
    others = np.array(
        [row for row, symbol in enumerate(settings.symbols) if symbol not in process.symbols],
        np.int64,
    )
    _diffuse(settings, index, others, drift, first_path, paths)


def _record(settings: MarketSettings, process: Bootstrap) -> Floats:
    """Log returns ``[N, A]`` to resample, shifted so that E[e^r] = 1."""
    panel = read_panel(
        process.file,
        tuple(process.symbols.values()),
        settings.step_minutes,
        process.start,
        process.end,
        process.max_gap_hours,
        Reading.of(process),
    )
    hours = len(panel.returns) * settings.step_minutes / 60
    if process.mean_block_hours > hours:
        raise InputError(
            f"process.mean_block_hours = {process.mean_block_hours:g}: must be at most {hours:g}, "
            f"the hours that {process.file} has from {panel.start} to {panel.end}"
        )
    returns = panel.returns - panel.returns.mean(axis=0)
    if process.rescale:
        wanted = np.array([settings.assets[symbol].volatility for symbol in process.symbols])
        deviation = returns.std(axis=0)
        safe = np.where(deviation > 0, deviation, 1.0)
        returns *= wanted * sqrt(shocks.years_per_step(settings)) / safe
    return returns - np.log(np.mean(np.exp(returns), axis=0))


def _diffuse(
    settings: MarketSettings,
    index: Floats,
    others: NDArray[np.int64],
    drift: Floats,
    first: int,
    paths: int,
) -> None:
    """Assets the record does not have: correlated with each other, not with the record."""
    steps, years = settings.steps, shocks.years_per_step(settings)
    volatility = shocks.volatilities(settings)[others]
    normals = np.empty((len(others), steps + 1, paths))
    for row, asset in zip(normals, others, strict=True):
        stream = Stream(settings.seed, f"diffusion/{settings.symbols[asset]}")
        stream.normals(first, paths, steps, out=row[1:])
    part = index[others]
    kernels.diffuse(
        part,
        normals,
        True,
        np.zeros(steps, np.int64),
        correlation.cholesky(correlation.initial(settings)[np.ix_(others, others)])[np.newaxis],
        (drift[others] - volatility**2 / 2 * years)[np.newaxis],
        volatility[np.newaxis] * sqrt(years),
    )
    index[others] = part


@njit(cache=True, nogil=True)
def resample(
    log_prices: Floats,
    assets: NDArray[np.int64],
    rows: NDArray[np.int64],
    record: Floats,
    drift: Floats,
) -> None:
    """Add ``record[rows]`` to the jumps of ``assets`` and sum up, in place.

    ``log_prices`` ``[all assets, T + 1, P]``, ``rows`` ``[T, P]``, ``record`` ``[N, assets]``,
    ``drift`` ``[assets]`` per step.
    """
    steps, paths = rows.shape
    for column, asset in enumerate(assets):
        for step in range(steps):
            for path in range(paths):
                log_prices[asset, step + 1, path] += (
                    log_prices[asset, step, path] + drift[column] + record[rows[step, path], column]
                )
