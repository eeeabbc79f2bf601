"""What every path of an importance sample weighs.

By the balance heuristic (Veach and Guibas 1995; Owen 2013, §9.11),

    w = p / ((1 − share)·p + share·q),   q/p = exp(Σ_t μᵀz_t − ½T|μ|²),

so no weight exceeds 1/(1 − share): probabilities that are not rare stay well estimated too, which
the shift alone would not leave them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.importance import directions
from simulator.market.processes.shocks import asset_normals

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def weights(settings: MarketSettings, first_path: int, paths: int) -> Floats:
    """Likelihood ratio of each path, ``[P]``; 1 without importance sampling.

    The mean over paths tends to one. Draws the shifted normals once more: they are keyed by path.
    """
    if settings.sampling is None:
        return np.ones(paths)
    exponent = np.zeros(paths)
    direction = directions(settings)
    for row in np.flatnonzero(direction):
        total = np.zeros(paths)
        for draws in asset_normals(settings, row, first_path, paths):  # in order of time
            total += draws
        exponent += direction[row] / np.sqrt(settings.steps) * total - direction[row] ** 2 / 2
    share = settings.sampling.share
    # 1/((1 − s) + s·eˣ), which must not overflow.
    return np.exp(-np.logaddexp(np.log1p(-share), np.log(share) + exponent))
