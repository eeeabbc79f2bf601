"""Importance sampling: a drift added to the normals of some paths.

A defensive mixture (Hesterberg 1995): a stated share of the paths is drawn with the shift, the rest
without; :mod:`simulator.market.weights` weighs them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.importance import directions

if TYPE_CHECKING:
    from simulator.config.models import Config
    from simulator.types import Booleans, Floats


def shifted(config: Config, first_path: int, paths: int) -> Booleans:
    """Which of the paths are drawn with the shift, ``[P]``: spread evenly over their numbers."""
    if config.sampling is None:
        return np.zeros(paths, np.bool_)
    numbers = np.arange(first_path, first_path + paths)
    share = config.sampling.share
    return np.floor((numbers + 1) * share) > np.floor(numbers * share)


def shift(config: Config, row: int, draws: Floats, first_path: int) -> None:
    """Add the shift to the standard normals ``draws [T, P]`` of one asset, in place."""
    if config.sampling is not None:
        step = directions(config)[row] / np.sqrt(config.steps)
        draws[:, shifted(config, first_path, draws.shape[1])] += step
