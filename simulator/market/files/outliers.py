"""Misprints and wicks: prices far off their neighbours that the next bars take back.

A Hampel test (Hampel 1974; Davies and Gather 1993) on log prices with the scale taken from the
returns around: a price is an outlier where it lies more than k robust deviations off the median of
the bars before *and* of those after, on the same side, while these two medians agree. A crash does
not revert and is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

#: Robust standard deviations off the neighbours, and the least that counts, as a log price.
DEVIATIONS = 12.0
LEAST = 0.05
#: At either end there is one side only, so that only a misprint of scale is told from a move.
LEAST_AT_ENDS = np.log(3.0)
#: Bars on each side whose median is the neighbour, and whose returns are the scale.
NEIGHBOURS, AROUND = 3, 101
_NORMAL = 1.4826  # a normal's standard deviation over its median absolute deviation


def find(prices: Floats) -> tuple[Booleans, Floats]:
    """Which of ``prices`` ``[rows]`` are outliers, and the nearest price that would be none.

    What is no price (NaN, zero, negative, infinite) is no outlier and nobody's neighbour.
    """
    usable = np.flatnonzero(np.isfinite(prices) & (prices > 0))
    found, bound = np.zeros(len(prices), np.bool_), prices.copy()
    if len(usable) < 2 * NEIGHBOURS + 1:
        return found, bound
    log = pd.Series(np.log(prices[usable]))
    moves = log.diff().abs()
    scale = moves.rolling(AROUND, center=True, min_periods=2 * NEIGHBOURS).median()
    least = np.maximum(DEVIATIONS * _NORMAL * scale.bfill().ffill().to_numpy(), LEAST)
    before = log.shift(1).rolling(NEIGHBOURS, min_periods=1).median().to_numpy()
    after = log[::-1].shift(1).rolling(NEIGHBOURS, min_periods=1).median()[::-1].to_numpy()
    here = log.to_numpy()
    inner = np.isfinite(before) & np.isfinite(after)
    up, down = here - before, here - after
    nearer = np.where(np.abs(up) < np.abs(down), up, down)
    reverts = (up * down > 0) & (np.abs(after - before) < 0.5 * np.abs(nearer))
    hit = inner & reverts & (np.abs(nearer) > least)
    nearer = np.where(inner, nearer, np.where(np.isfinite(before), up, down))
    ends = ~inner & (np.abs(nearer) > np.maximum(least, LEAST_AT_ENDS))
    hit |= ends
    found[usable] = hit
    limit = np.exp(here - nearer + np.sign(nearer) * least)
    bound[usable] = np.where(hit, limit, prices[usable])
    return found, bound
