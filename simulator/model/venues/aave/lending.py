"""Aave v3 as the vault's venue uses it: reserves, one account (contracts/SPEC.md §4.8).

Amounts are in raw units, rounded as Aave rounds them, unless a docstring says otherwise; interest
is :mod:`.interest`. Reserve 0 is USDC, reserve 1 + leg a leg's asset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_COLLATERAL,
    NO_POSITION,
    NOT_LIQUIDATABLE,
    OK,
    STALE_ORACLE,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.venues.aave.interest import accrue, borrow_index, liquidity_index, set_rates
from simulator.model.venues.perps.margin import stale
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.protocol.borrowers import CLOSED_WHOLE_FROM

USDC = 0
LAST_DIGITS = 1e-12


class Loan(NamedTuple):
    """The venue's one account, valued now. ``fresh``: no price it depends on is stale."""

    fresh: bool
    has_debt: bool
    supplied: float  # C, raw USDC
    equity: float  # E = value, USD
    maintenance: float  # M, USD


@inner
def supplied(w: Path) -> float:
    """C: aUSDC of the venue."""
    aave = w.state.aave
    return np.rint(aave.supplied * liquidity_index(aave, w.now.clock, USDC))


@inner
def debt(w: Path, leg: int) -> float:
    """Variable debt d of a leg."""
    aave = w.state.aave
    return np.rint(aave.debt[leg] * borrow_index(aave, w.now.clock, leg + 1))


@inner
def supply(w: Path, raw: float) -> None:
    """Supply ``raw`` USDC."""
    aave = w.state.aave
    accrue(aave, w.now.clock, USDC)
    aave.supplied += np.rint(raw / aave.liquidity_index[USDC])
    aave.available[USDC] += raw
    set_rates(w.tables.aave, aave, USDC, aave.available[USDC])


@inner
def take(w: Path, raw: float) -> None:
    """Aave's withdraw, once it is known to be allowed."""
    aave = w.state.aave
    accrue(aave, w.now.clock, USDC)
    everything = raw == np.rint(aave.supplied * aave.liquidity_index[USDC])
    aave.supplied -= np.rint(raw / aave.liquidity_index[USDC])
    if everything:
        aave.supplied = 0.0
    aave.available[USDC] -= raw
    set_rates(w.tables.aave, aave, USDC, aave.available[USDC])


@inner
def hand_over(w: Path, raw: float) -> None:
    """Aave's own token of ``raw`` USDC goes to another holder: nothing leaves the reserve."""
    aave = w.state.aave
    index = liquidity_index(aave, w.now.clock, USDC)
    aave.supplied = max(aave.supplied - np.rint(raw / index), 0.0)


@inner
def borrow(w: Path, leg: int, raw: float) -> None:
    """Borrow ``raw`` of a leg's asset, once it is known to be allowed."""
    aave = w.state.aave
    reserve = leg + 1
    accrue(aave, w.now.clock, reserve)
    scaled = np.rint(raw / aave.borrow_index[reserve])
    aave.debt[leg] += scaled
    aave.owed[reserve] += scaled
    aave.available[reserve] -= raw
    set_rates(w.tables.aave, aave, reserve, aave.available[reserve])


@inner
def repay(w: Path, leg: int, raw: float) -> None:
    """Repay ``raw`` of a leg's debt, at most all of it."""
    aave = w.state.aave
    reserve = leg + 1
    accrue(aave, w.now.clock, reserve)
    index = aave.borrow_index[reserve]
    scaled = np.rint(raw / index)
    if raw == np.rint(aave.debt[leg] * index):
        scaled = aave.debt[leg]
    aave.debt[leg] -= scaled
    aave.owed[reserve] -= scaled
    aave.available[reserve] += raw
    set_rates(w.tables.aave, aave, reserve, aave.available[reserve])


@inner
def legs(w: Path) -> int:
    """Number of hedge assets."""
    count: int = w.tables.count.legs
    return count


@inner
def size_of(w: Path, leg: int) -> float:
    """Size −d, base units."""
    table = w.tables.aave
    return -debt(w, leg) / table.unit[leg + 1]


@inner
def value(w: Path) -> Loan:
    """The account at the last prices."""
    table, oracle = w.tables.aave, w.now
    fresh = not stale(w, USDC_ASSET)
    held = False
    owed = 0.0
    for leg in range(legs(w)):
        raw = debt(w, leg)
        if raw > 0.0:
            asset = table.asset[leg + 1]
            held = True
            fresh = fresh and not stale(w, asset)
            owed += raw / table.unit[leg + 1] * oracle.price[asset]
    collateral = supplied(w)
    worth = collateral / table.unit[USDC] * oracle.price[USDC_ASSET]
    return Loan(
        fresh, held, collateral, worth - owed, owed * (1.0 / table.liquidation_threshold - 1.0)
    )


@inner
def initial_multiple(w: Path) -> float:
    """μ: what Aave lends against is E ≥ μM."""
    table = w.tables.aave
    return (1.0 / table.ltv - 1.0) / (1.0 / table.liquidation_threshold - 1.0)


@inner
def withdrawable(w: Path, ratio: float) -> tuple[bool, float]:
    """(fresh, raw USDC) that can leave with E ≥ ratio·M."""
    table, aave, oracle = w.tables.aave, w.state.aave, w.now
    loan = value(w)
    spare = min(loan.supplied, aave.available[USDC])
    if not loan.has_debt:
        return True, spare
    kept = max(ratio, initial_multiple(w)) * loan.maintenance
    if loan.equity <= kept:
        return loan.fresh, 0.0
    free = (loan.equity - kept) / oracle.price[USDC_ASSET]
    return loan.fresh, min(spare, floor_raw(free * table.unit[USDC]))


@inner
def deposit(w: Path, raw: float) -> None:
    """Supply USDC."""
    supply(w, raw)


@inner
def withdraw(w: Path, raw: float) -> int:
    """Take USDC out; what :func:`withdrawable` allows is never refused."""
    table, aave, oracle = w.tables.aave, w.state.aave, w.now
    loan = value(w)
    if raw > min(loan.supplied, aave.available[USDC]):
        return INSUFFICIENT_COLLATERAL
    if loan.has_debt:
        if not loan.fresh:
            return STALE_ORACLE
        worth = raw / table.unit[USDC] * oracle.price[USDC_ASSET]
        if loan.equity - worth < initial_multiple(w) * loan.maintenance * (1.0 - LAST_DIGITS):
            return BELOW_INITIAL_MARGIN
    take(w, raw)
    return OK


@inner
def liquidate(w: Path, leg: int, cover: float) -> tuple[int, float, float]:
    """Pool.liquidationCall with at most ``cover`` of the debt: (status, paid in, USDC out).

    Aave reads the last prices, however old. Nothing is written when it refuses.
    """
    table, aave, oracle = w.tables.aave, w.state.aave, w.now
    loan = value(w)
    owed = debt(w, leg)
    if loan.equity >= loan.maintenance:
        return NOT_LIQUIDATABLE, 0.0, 0.0
    if loan.supplied <= 0.0:
        return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    if owed <= 0.0:
        return NO_POSITION, 0.0, 0.0
    total = loan.maintenance / (1.0 / table.liquidation_threshold - 1.0)
    health = (loan.equity + total) * table.liquidation_threshold / total
    paid = min(cover, owed if health <= CLOSED_WHOLE_FROM else np.rint(0.5 * owed))
    price = oracle.price[table.asset[leg + 1]] / table.unit[leg + 1]
    usdc = oracle.price[USDC_ASSET] / table.unit[USDC]
    taken = np.rint(floor_raw(paid * price / usdc) * (1.0 + table.liquidation_bonus))
    if taken > loan.supplied:
        taken = loan.supplied
        paid = np.rint(floor_raw(taken * usdc / price) / (1.0 + table.liquidation_bonus))
    if taken > aave.available[USDC]:
        return INSUFFICIENT_BALANCE, 0.0, 0.0
    repay(w, leg, paid)
    take(w, taken)
    return OK, paid, taken
