"""Importance sampling: a drift added to the normals of some paths.

A defensive mixture (Hesterberg 1995): a stated share of the paths is drawn with the shift, the rest
without; :mod:`simulator.market.weights` weighs them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.importance import directions

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Booleans, Floats


def shifted(settings: MarketSettings, first_path: int, paths: int) -> Booleans:
    """Which of the paths are drawn with the shift, ``[P]``: spread evenly over their numbers."""
    if settings.sampling is None:
        return np.zeros(paths, np.bool_)
    numbers = np.arange(first_path, first_path + paths)
    share = settings.sampling.share
    return np.floor((numbers + 1) * share) > np.floor(numbers * share)


def shift(settings: MarketSettings, row: int, draws: Floats, first_path: int) -> None:
    """Add the shift to the standard normals ``draws [T, P]`` of one asset, in place."""
    if settings.sampling is not None:
        step = directions(settings)[row] / np.sqrt(settings.steps)
        draws[:, shifted(settings, first_path, draws.shape[1])] += step
