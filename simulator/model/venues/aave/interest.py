"""Interest of one of Aave v3's reserves: indices, rates (contracts/SPEC.md §4.8).

ReserveLogic, MathUtils and DefaultReserveInterestRateStrategy of @aave/core-v3 1.19.3; rates and
indices are real numbers where Aave keeps 27 digits. ``reserves``: the record of a market's
reserves, raw amounts; ``table``: of their parameters; ``clock``: seconds since the start.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.types import SECONDS_PER_YEAR

_YEAR = float(SECONDS_PER_YEAR)


@inner
def liquidity_index(reserves: Record, clock: float, reserve: int) -> float:
    """What one unit supplied at the start is now: linear since the last change."""
    years = (clock - reserves.updated_at[reserve]) / _YEAR
    return reserves.liquidity_index[reserve] * (1.0 + reserves.liquidity_rate[reserve] * years)


@inner
def borrow_index(reserves: Record, clock: float, reserve: int) -> float:
    """What one unit owed at the start is now: three terms of the binomial series.

    Nobody owing, it stands still (ReserveLogic._updateIndexes).
    """
    seconds = clock - reserves.updated_at[reserve]
    index = reserves.borrow_index[reserve]
    if seconds <= 0.0 or reserves.owed[reserve] == 0.0:
        return index
    per_second = reserves.borrow_rate[reserve] / _YEAR
    second = seconds * (seconds - 1.0) * per_second**2 / 2.0
    third = seconds * (seconds - 1.0) * max(seconds - 2.0, 0.0) * per_second**3 / 6.0
    return index * (1.0 + per_second * seconds + second + third)


@inner
def accrue(reserves: Record, clock: float, reserve: int) -> None:
    """ReserveLogic.updateState."""
    growing = borrow_index(reserves, clock, reserve)
    reserves.liquidity_index[reserve] = liquidity_index(reserves, clock, reserve)
    reserves.borrow_index[reserve] = growing
    reserves.updated_at[reserve] = clock


@inner
def set_rates(table: Record, reserves: Record, reserve: int, available: float) -> None:
    """ReserveLogic.updateInterestRates, with what is ``available`` once the operation is done."""
    owed = np.rint(reserves.owed[reserve] * reserves.borrow_index[reserve])
    usage = owed / (available + owed) if owed > 0.0 else 0.0
    optimal = table.optimal_usage[reserve]
    rate = table.base_rate[reserve]
    if usage > optimal:
        excess = (usage - optimal) / (1.0 - optimal)
        rate += table.slope1[reserve] + table.slope2[reserve] * excess
    else:
        rate += table.slope1[reserve] * usage / optimal
    reserves.borrow_rate[reserve] = rate
    reserves.liquidity_rate[reserve] = rate * usage * (1.0 - table.factor[reserve])
