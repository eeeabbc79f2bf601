"""Covariance estimators behind one interface, and the set that the hedge study compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.hedging.estimators.base import Estimator

#: Days of the first training window, by rows per day: no estimator forecasts from fewer.
TRAINING_DAYS = {24: 90, 6: 60, 1: 180}


def standard(rows_per_day: int) -> tuple[Estimator, ...]:
    """One of each family, for rows of 1 h (24), 4 h (6) or a day (1); no time constant is fitted.

    Windows of 30 days of hours or 90 of days; RiskMetrics' half-life of 11.2 days; parameters
    refitted every 90 days on what has passed. Nothing here was chosen by its result.
    """
    from simulator.hedging.estimators.dcc import DccGarch
    from simulator.hedging.estimators.ewma import DAILY_DECAY, Ewma
    from simulator.hedging.estimators.kalman import Kalman
    from simulator.hedging.estimators.learned import Learned
    from simulator.hedging.estimators.ledoit_wolf import LedoitWolf
    from simulator.hedging.estimators.newey_west import NeweyWest
    from simulator.hedging.estimators.one_factor import OneFactor
    from simulator.hedging.estimators.regimes import Regimes
    from simulator.hedging.estimators.sample import Rolling, Sample

    warmup, quarter = TRAINING_DAYS[rows_per_day] * rows_per_day, 90 * rows_per_day
    window = 90 if rows_per_day == 1 else 30 * rows_per_day
    short, middle, long = (7, 28, 84) if rows_per_day == 1 else (1, 7, 30)  # days
    decay = DAILY_DECAY ** (1.0 / rows_per_day)
    return (
        Sample(warmup),
        Rolling(window),
        Ewma(decay, window),
        LedoitWolf(window),
        NeweyWest(window),
        Kalman(warmup, quarter, decay),
        DccGarch(warmup, quarter),
        Regimes(365 * rows_per_day, warmup, quarter),
        OneFactor(window),
        Learned(
            (short * rows_per_day, middle * rows_per_day, long * rows_per_day), 30 * rows_per_day
        ),
    )
