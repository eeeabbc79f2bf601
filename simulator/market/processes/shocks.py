"""What several processes draw: normals by asset, the scale that turns normals into a Student-t."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.market import importance
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from simulator.config.models import Config
    from simulator.types import Floats


def normals(config: Config, first_path: int, paths: int) -> Floats:
    """Independent standard normals ``[A, T, P]``, a stream per asset."""
    result = np.empty((len(config.symbols), config.steps, paths))
    for row in range(len(result)):
        asset_normals(config, row, first_path, paths, out=result[row])
    return result


def asset_normals(
    config: Config, row: int, first_path: int, paths: int, out: Floats | None = None
) -> Floats:
    """Normals ``[T, P]`` of one asset, standard but for the shift of importance sampling."""
    stream = Stream(config.seed, f"diffusion/{config.symbols[row]}")
    draws = stream.normals(first_path, paths, config.steps, out=out)
    importance.shift(config, row, draws, first_path)
    return draws


def student_scale(config: Config, name: str, dof: float, first_path: int, paths: int) -> Floats:
    """Factors ``[T, P]`` that turn normals into t variates of variance one: √((ν − 2)/χ²_ν)."""
    drawn = Stream(config.seed, f"mixing/{name}").chi_squares(first_path, paths, config.steps, dof)
    np.divide(dof - 2.0, drawn, out=drawn)
    return np.sqrt(drawn, out=drawn)


def volatilities(config: Config) -> Floats:
    """Configured volatilities ``[A]``, per √year."""
    return np.array([config.assets[symbol].volatility for symbol in config.symbols])


def has_jumps(config: Config) -> bool:
    """Whether an index handed to a process can hold any jump."""
    own = any(asset.jumps is not None for asset in config.assets.values())
    return own or config.common_jumps is not None


def drifts(config: Config) -> Floats:
    """Configured drifts of the prices ``[A]``, per year."""
    return np.array([config.assets[symbol].drift for symbol in config.symbols])


def years_per_step(config: Config) -> float:
    """Length of a step in years."""
    return config.step_seconds / SECONDS_PER_YEAR
