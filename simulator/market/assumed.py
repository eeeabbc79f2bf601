"""What a replay's designer assumes: volatilities and correlations of the time before the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from simulator.config import correlation
from simulator.types import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from simulator.market.history_file import Bars
    from simulator.types import Floats

# What a designer would have had to hand: a month of returns where bars are an hour or shorter. How
# sure a hedge ratio is goes by the number of returns, so longer bars look back as many: four months
# of 4 h, two years of days.
ESTIMATION_DAYS = 30
ESTIMATION_BARS = 730
HOUR = 60
#: Fewer returns say nothing.
LEAST_RETURNS = 48


class Moments(NamedTuple):
    """Volatilities ``[N]`` per √year, correlations ``[N, N]``, and a note on where from."""

    volatilities: Floats
    correlations: Floats
    note: str


def measure(bars: Sequence[Bars], start: datetime, bar_minutes: int) -> Moments | None:
    """Moments of log returns over bars of ``bar_minutes`` that end at or before ``start``.

    Only moments at which every symbol has a price count. None: fewer than :data:`LEAST_RETURNS`.
    """
    count = ESTIMATION_DAYS * 24 * HOUR // bar_minutes if bar_minutes <= HOUR else ESTIMATION_BARS
    times = pd.date_range(end=start, periods=count + 1, freq=f"{bar_minutes}min")
    columns = []
    for bar in bars:
        position = bar.times.get_indexer(times)
        prices = np.where(position >= 0, bar.prices[position], np.nan)
        columns.append(np.where(prices > 0, prices, np.nan))
    with np.errstate(invalid="ignore"):
        returns = np.diff(np.log(np.array(columns)), axis=1)
    returns = returns[:, np.all(np.isfinite(returns), axis=0)]
    if returns.shape[1] < LEAST_RETURNS:
        return None
    covariance = np.atleast_2d(np.cov(returns))
    deviation = np.sqrt(np.diag(covariance))
    scale = np.where(deviation > 0, deviation, 1.0)
    matrix = covariance / np.outer(scale, scale)
    np.fill_diagonal(matrix, 1.0)
    matrix = np.clip(np.round(matrix, 6), -1.0, 1.0)
    if not correlation.is_positive_semidefinite(matrix):
        matrix = correlation.nearest(matrix)
    yearly = deviation * np.sqrt(SECONDS_PER_YEAR / (bar_minutes * 60))
    note = (
        f"volatilities and correlations measured on {returns.shape[1]} returns of {bar_minutes} "
        f"minutes before {start}"
    )
    return Moments(yearly, matrix, note)
