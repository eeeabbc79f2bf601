"""Aave v3 as the vault's venue uses it: reserves, interest, one account (contracts/SPEC.md §4.8).

Interest follows ReserveLogic, MathUtils and DefaultReserveInterestRateStrategy of @aave/core-v3
1.19.3, amounts in raw units rounded as Aave rounds them; rates and indices are real numbers where
Aave keeps 27 digits. Amounts are raw unless a docstring says otherwise. Reserve 0 is USDC, reserve
1 + leg a leg's asset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.types import SECONDS_PER_YEAR
from simulator.world.model.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_COLLATERAL,
    NO_POSITION,
    NOT_LIQUIDATABLE,
    OK,
    STALE_ORACLE,
)
from simulator.world.model.jit import inner, kernel
from simulator.world.model.margin import stale
from simulator.world.model.parameters import AaveTable
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import AaveState, Oracle

USDC = 0
LAST_DIGITS = 1e-12
_YEAR = float(SECONDS_PER_YEAR)
# LiquidationLogic: below this health factor all of a debt may be repaid at once, else half.
_CLOSE_FACTOR_HEALTH = 0.95


class Loan(NamedTuple):
    """The venue's one account, valued now. ``fresh``: no price it depends on is stale."""

    fresh: bool
    has_debt: bool
    supplied: float  # C, raw USDC
    equity: float  # E = value, USD
    maintenance: float  # M, USD


@inner
def liquidity_index(aave: AaveState, oracle: Oracle, reserve: int, i: int) -> float:
    """What one unit supplied at the start is now: linear since the last change."""
    years = (oracle.clock[0] - aave.updated_at[reserve, i]) / _YEAR
    return aave.liquidity_index[reserve, i] * (1.0 + aave.liquidity_rate[reserve, i] * years)


@inner
def borrow_index(aave: AaveState, oracle: Oracle, reserve: int, i: int) -> float:
    """What one unit owed at the start is now: three terms of the binomial series.

    Nobody owing, it stands still (ReserveLogic._updateIndexes).
    """
    seconds = oracle.clock[0] - aave.updated_at[reserve, i]
    index = aave.borrow_index[reserve, i]
    if seconds <= 0.0 or aave.owed[reserve, i] == 0.0:
        return index
    per_second = aave.borrow_rate[reserve, i] / _YEAR
    second = seconds * (seconds - 1.0) * per_second**2 / 2.0
    third = seconds * (seconds - 1.0) * max(seconds - 2.0, 0.0) * per_second**3 / 6.0
    return index * (1.0 + per_second * seconds + second + third)


@inner
def accrue(aave: AaveState, oracle: Oracle, reserve: int, i: int) -> None:
    """ReserveLogic.updateState."""
    growing = borrow_index(aave, oracle, reserve, i)
    aave.liquidity_index[reserve, i] = liquidity_index(aave, oracle, reserve, i)
    aave.borrow_index[reserve, i] = growing
    aave.updated_at[reserve, i] = oracle.clock[0]


@inner
def set_rates(table: AaveTable, aave: AaveState, reserve: int, i: int) -> None:
    """ReserveLogic.updateInterestRates, after an operation has moved the balances."""
    owed = np.rint(aave.owed[reserve, i] * aave.borrow_index[reserve, i])
    usage = owed / (aave.available[reserve, i] + owed) if owed > 0.0 else 0.0
    optimal = table.optimal_usage[reserve]
    rate = table.base_rate[reserve]
    if usage > optimal:
        excess = (usage - optimal) / (1.0 - optimal)
        rate += table.slope1[reserve] + table.slope2[reserve] * excess
    else:
        rate += table.slope1[reserve] * usage / optimal
    aave.borrow_rate[reserve, i] = rate
    aave.liquidity_rate[reserve, i] = rate * usage * (1.0 - table.factor[reserve])


@inner
def supplied(aave: AaveState, oracle: Oracle, i: int) -> float:
    """C: aUSDC of the venue."""
    return np.rint(aave.supplied[0, i] * liquidity_index(aave, oracle, USDC, i))


@inner
def debt(aave: AaveState, oracle: Oracle, leg: int, i: int) -> float:
    """Variable debt d of a leg."""
    return np.rint(aave.debt[leg, i] * borrow_index(aave, oracle, leg + 1, i))


@inner
def supply(table: AaveTable, aave: AaveState, oracle: Oracle, raw: float, i: int) -> None:
    """Supply ``raw`` USDC."""
    accrue(aave, oracle, USDC, i)
    aave.supplied[0, i] += np.rint(raw / aave.liquidity_index[USDC, i])
    aave.available[USDC, i] += raw
    set_rates(table, aave, USDC, i)


@inner
def take(table: AaveTable, aave: AaveState, oracle: Oracle, raw: float, i: int) -> None:
    """Aave's withdraw, once it is known to be allowed."""
    accrue(aave, oracle, USDC, i)
    everything = raw == np.rint(aave.supplied[0, i] * aave.liquidity_index[USDC, i])
    aave.supplied[0, i] -= np.rint(raw / aave.liquidity_index[USDC, i])
    if everything:
        aave.supplied[0, i] = 0.0
    aave.available[USDC, i] -= raw
    set_rates(table, aave, USDC, i)


@inner
def hand_over(aave: AaveState, oracle: Oracle, raw: float, i: int) -> None:
    """Aave's own token of ``raw`` USDC goes to another holder: nothing leaves the reserve."""
    index = liquidity_index(aave, oracle, USDC, i)
    aave.supplied[0, i] = max(aave.supplied[0, i] - np.rint(raw / index), 0.0)


@inner
def borrow(table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, raw: float, i: int) -> None:
    """Borrow ``raw`` of a leg's asset, once it is known to be allowed."""
    reserve = leg + 1
    accrue(aave, oracle, reserve, i)
    scaled = np.rint(raw / aave.borrow_index[reserve, i])
    aave.debt[leg, i] += scaled
    aave.owed[reserve, i] += scaled
    aave.available[reserve, i] -= raw
    set_rates(table, aave, reserve, i)


@inner
def repay(table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, raw: float, i: int) -> None:
    """Repay ``raw`` of a leg's debt, at most all of it."""
    reserve = leg + 1
    accrue(aave, oracle, reserve, i)
    index = aave.borrow_index[reserve, i]
    scaled = np.rint(raw / index)
    if raw == np.rint(aave.debt[leg, i] * index):
        scaled = aave.debt[leg, i]
    aave.debt[leg, i] -= scaled
    aave.owed[reserve, i] -= scaled
    aave.available[reserve, i] += raw
    set_rates(table, aave, reserve, i)


@inner
def legs(table: AaveTable) -> int:
    """Number of hedge assets."""
    return table.fee_ppm.size


@inner
def size_of(table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, i: int) -> float:
    """Size −d, base units."""
    return -debt(aave, oracle, leg, i) / table.unit[leg + 1]


@inner
def value(table: AaveTable, aave: AaveState, oracle: Oracle, i: int) -> Loan:
    """The account at the last prices."""
    fresh = not stale(oracle, USDC_ASSET, i)
    held = False
    owed = 0.0
    for leg in range(legs(table)):
        raw = debt(aave, oracle, leg, i)
        if raw > 0.0:
            asset = table.asset[leg + 1]
            held = True
            fresh = fresh and not stale(oracle, asset, i)
            owed += raw / table.unit[leg + 1] * oracle.price[asset, i]
    collateral = supplied(aave, oracle, i)
    worth = collateral / table.unit[USDC] * oracle.price[USDC_ASSET, i]
    return Loan(fresh, held, collateral, worth - owed, owed * (1.0 / table.threshold - 1.0))


@inner
def initial_multiple(table: AaveTable) -> float:
    """μ: what Aave lends against is E ≥ μM."""
    return (1.0 / table.ltv - 1.0) / (1.0 / table.threshold - 1.0)


@inner
def withdrawable(
    table: AaveTable, aave: AaveState, oracle: Oracle, ratio: float, i: int
) -> tuple[bool, float]:
    """(fresh, raw USDC) that can leave with E ≥ ratio·M."""
    loan = value(table, aave, oracle, i)
    spare = min(loan.supplied, aave.available[USDC, i])
    if not loan.has_debt:
        return True, spare
    kept = max(ratio, initial_multiple(table)) * loan.maintenance
    if loan.equity <= kept:
        return loan.fresh, 0.0
    free = (loan.equity - kept) / oracle.price[USDC_ASSET, i]
    return loan.fresh, min(spare, floor_raw(free * table.unit[USDC]))


@inner
def deposit(table: AaveTable, aave: AaveState, oracle: Oracle, raw: float, i: int) -> None:
    """Supply USDC."""
    supply(table, aave, oracle, raw, i)


@inner
def withdraw(table: AaveTable, aave: AaveState, oracle: Oracle, raw: float, i: int) -> int:
    """Take USDC out; what :func:`withdrawable` allows is never refused."""
    loan = value(table, aave, oracle, i)
    if raw > min(loan.supplied, aave.available[USDC, i]):
        return INSUFFICIENT_COLLATERAL
    if loan.has_debt:
        if not loan.fresh:
            return STALE_ORACLE
        worth = raw / table.unit[USDC] * oracle.price[USDC_ASSET, i]
        if loan.equity - worth < initial_multiple(table) * loan.maintenance * (1.0 - LAST_DIGITS):
            return BELOW_INITIAL_MARGIN
    take(table, aave, oracle, raw, i)
    return OK


@inner
def liquidate(
    table: AaveTable, aave: AaveState, oracle: Oracle, leg: int, cover: float, i: int
) -> tuple[int, float, float]:
    """Pool.liquidationCall with at most ``cover`` of the debt: (status, paid in, USDC out).

    Aave reads the last prices, however old. Nothing is written when it refuses.
    """
    loan = value(table, aave, oracle, i)
    owed = debt(aave, oracle, leg, i)
    if loan.equity >= loan.maintenance or loan.supplied <= 0.0:
        return NOT_LIQUIDATABLE, 0.0, 0.0
    if owed <= 0.0:
        return NO_POSITION, 0.0, 0.0
    total = loan.maintenance / (1.0 / table.threshold - 1.0)
    health = (loan.equity + total) * table.threshold / total
    paid = min(cover, owed if health <= _CLOSE_FACTOR_HEALTH else np.rint(0.5 * owed))
    price = oracle.price[table.asset[leg + 1], i] / table.unit[leg + 1]
    usdc = oracle.price[USDC_ASSET, i] / table.unit[USDC]
    taken = np.rint(floor_raw(paid * price / usdc) * (1.0 + table.bonus))
    if taken > loan.supplied:
        taken = loan.supplied
        paid = np.rint(floor_raw(taken * usdc / price) / (1.0 + table.bonus))
    if taken > aave.available[USDC, i]:
        return INSUFFICIENT_BALANCE, 0.0, 0.0
    repay(table, aave, oracle, leg, paid, i)
    take(table, aave, oracle, taken, i)
    return OK, paid, taken


@kernel
def set_all_rates(table: AaveTable, aave: AaveState) -> None:
    """Rates of every reserve from its balances, at the start."""
    for reserve in range(table.asset.size):
        for i in range(aave.available.shape[1]):
            set_rates(table, aave, reserve, i)
