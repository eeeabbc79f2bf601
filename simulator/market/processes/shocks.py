"""What several processes draw: normals by asset, the scale that turns normals into a Student-t."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.market import importance
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Booleans, Floats


def normals(settings: MarketSettings, first_path: int, paths: int) -> Floats:
    """Independent standard normals ``[A, T, P]``, a stream per asset."""
    result = np.empty((len(settings.symbols), settings.steps, paths))
    for row in range(len(result)):
        asset_normals(settings, row, first_path, paths, out=result[row])
    return result


def point_normals(
    settings: MarketSettings,
    index: Floats,
    first_path: int,
    paths: int,
    used: Booleans | None = None,
) -> Floats:
    """Independent standard normals of each point's step ``[A, T + 1, P]``, of assets ``used``.

    Zeros for the others. In ``index`` itself where it holds no jumps: half the memory.
    """
    draws = np.empty_like(index) if has_jumps(settings) else index
    for row in range(len(draws)):
        if used is None or used[row]:
            asset_normals(settings, row, first_path, paths, out=draws[row, 1:])
        else:
            draws[row].fill(0.0)
    return draws


def asset_normals(
    settings: MarketSettings, row: int, first_path: int, paths: int, out: Floats | None = None
) -> Floats:
    """Normals ``[T, P]`` of one asset, standard but for the shift of importance sampling."""
    stream = Stream(settings.seed, f"diffusion/{settings.symbols[row]}")
    draws = stream.normals(first_path, paths, settings.steps, out=out)
    importance.shift(settings, row, draws, first_path)
    return draws


def student_scale(
    settings: MarketSettings, name: str, dof: float, first_path: int, paths: int
) -> Floats:
    """Factors ``[T, P]`` that turn normals into t variates of variance one: √((ν − 2)/χ²_ν)."""
    drawn = Stream(settings.seed, f"mixing/{name}").chi_squares(
        first_path, paths, settings.steps, dof
    )
    np.divide(dof - 2.0, drawn, out=drawn)
    return np.sqrt(drawn, out=drawn)


def volatilities(settings: MarketSettings) -> Floats:
    """Configured volatilities ``[A]``, per √year."""
    return np.array([settings.assets[symbol].volatility for symbol in settings.symbols])


def has_jumps(settings: MarketSettings) -> bool:
    """Whether an index handed to a process can hold any jump."""
    own = any(asset.jumps is not None for asset in settings.assets.values())
    return own or settings.common_jumps is not None


def drifts(settings: MarketSettings) -> Floats:
    """Configured drifts of the prices ``[A]``, per year."""
    return np.array([settings.assets[symbol].drift for symbol in settings.symbols])


def years_per_step(settings: MarketSettings) -> float:
    """Length of a step in years."""
    return settings.step_seconds / SECONDS_PER_YEAR
