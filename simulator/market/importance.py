"""Importance sampling: a drift added to the normals of some paths, and the weight of every path.

A defensive mixture (Hesterberg 1995): a stated share of the paths is drawn with the shift, the rest
without, and every path weighs as the balance heuristic says (Veach and Guibas 1995; Owen 2013,
§9.11),

    w = p / ((1 − share)·p + share·q),   q/p = exp(Σ_t μᵀz_t − ½T|μ|²).

So no weight exceeds 1/(1 − share): probabilities that are not rare stay well estimated too, which
the shift alone would not leave them.
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


def weights(config: Config, first_path: int, paths: int) -> Floats:
    """Likelihood ratio of each path, ``[P]``; 1 without importance sampling.

    The mean over paths tends to one. Draws the shifted normals once more: they are keyed by path.
    """
    if config.sampling is None:
        return np.ones(paths)
    from simulator.market.processes import shocks

    exponent = np.zeros(paths)
    direction = directions(config)
    for row in np.flatnonzero(direction):
        total = np.zeros(paths)
        for draws in shocks.asset_normals(config, row, first_path, paths):  # in order of time
            total += draws
        exponent += direction[row] / np.sqrt(config.steps) * total - direction[row] ** 2 / 2
    share = config.sampling.share
    # 1/((1 − s) + s·eˣ), which must not overflow.
    return np.exp(-np.logaddexp(np.log1p(-share), np.log(share) + exponent))
