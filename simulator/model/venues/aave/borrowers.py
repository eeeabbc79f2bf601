"""Borrowers of the lending market: what they have, owe, and how they are liquidated.

GenericLogic and LiquidationLogic of @aave/core-v3 1.19.3, amounts in raw units rounded as Aave
rounds them (docs/lending.md). Amounts are raw unless a docstring says otherwise; ``borrower`` and
``listing`` are indices of ``Protocol.lending``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.codes import (
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_COLLATERAL,
    NO_POSITION,
    NOT_LIQUIDATABLE,
    OK,
    PAUSED,
    ZERO_AMOUNT,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.venues.aave.interest import accrue, borrow_index, liquidity_index, set_rates
from simulator.protocol.borrowers import (
    CLOSED_WHOLE_FROM,
    LIQUIDATED_BELOW,
    MOST_HEALTH,
    PERCENT,
)
from simulator.world.protocol import HALTED

_AAVE = HALTED["aave"]
_HALF = 5_000.0  # LiquidationLogic.DEFAULT_LIQUIDATION_CLOSE_FACTOR, in 1e-4
# An average of thresholds this near a whole 1e-4 is one: equal thresholds average to themselves.
_WHOLE = 1e-13


class Standing(NamedTuple):
    """A borrower at the last prices, however old: that is what Aave reads."""

    collateral: float  # what backs its debts, USD
    debt: float  # USD
    health: float  # health factor


class Seizure(NamedTuple):
    """What a liquidation moves."""

    paid: float  # of the debt
    taken: float  # of the collateral, to the liquidator
    fee: float  # of the collateral, to the treasury
    everything: bool  # whether that is all there is of the collateral


@inner
def percent_mul(raw: float, percent: float) -> float:
    """PercentageMath.percentMul: halves are rounded up."""
    return np.floor((raw * percent + 0.5 * PERCENT) / PERCENT)


@inner
def percent_div(raw: float, percent: float) -> float:
    """PercentageMath.percentDiv."""
    return np.floor((raw * PERCENT + np.floor(0.5 * percent)) / percent)


@inner
def supplied_by(w: Path, borrower: int, listing: int) -> float:
    """What a borrower has of a listing with its interest."""
    lending = w.state.lending
    return np.rint(
        lending.supplied[borrower, listing] * liquidity_index(lending, w.now.clock, listing)
    )


@inner
def owed_by(w: Path, borrower: int, listing: int) -> float:
    """What it owes of one, with interest."""
    lending = w.state.lending
    return np.rint(lending.debt[borrower, listing] * borrow_index(lending, w.now.clock, listing))


@inner
def _price(w: Path, listing: int) -> float:
    """USD per raw unit of a listing, by the oracle's last round."""
    table = w.tables.lending
    return w.now.price[table.asset[listing]] / table.unit[listing]


@inner
def standing(w: Path, borrower: int) -> Standing:
    """GenericLogic.calculateUserAccountData: thresholds are averaged down to 1e-4."""
    table, lending = w.tables.lending, w.state.lending
    collateral = weighted = debt = 0.0
    for listing in range(w.tables.count.listings):
        if lending.used[borrower, listing] > 0.0:
            worth = supplied_by(w, borrower, listing) * _price(w, listing)
            collateral += worth
            weighted += worth * table.threshold[borrower, listing]
        if lending.debt[borrower, listing] > 0.0:
            debt += owed_by(w, borrower, listing) * _price(w, listing)
    if debt == 0.0:
        return Standing(collateral, debt, MOST_HEALTH)
    average = weighted / collateral if collateral > 0.0 else 0.0
    whole = np.rint(average)
    if abs(average - whole) > _WHOLE * average:
        whole = np.floor(average)
    health = collateral * whole / PERCENT / debt
    return Standing(collateral, debt, min(health, MOST_HEALTH))


@inner
def unbacked(w: Path, borrower: int) -> float:
    """What it owes, USD, where no collateral is left: bad debt."""
    found = standing(w, borrower)
    return found.debt if found.collateral == 0.0 else 0.0


@inner
def _seizure(w: Path, borrower: int, seized: int, repaid: int, cover: float) -> Seizure:
    """LiquidationLogic._calculateAvailableCollateralToLiquidate for ``cover`` of the debt."""
    table = w.tables.lending
    bonus, held = table.bonus[borrower, seized], supplied_by(w, borrower, seized)
    price, cost = _price(w, seized), _price(w, repaid)
    worth, paid = percent_mul(floor_raw(cover * cost / price), bonus), cover
    everything = worth >= held
    if worth > held:
        worth, paid = held, percent_div(floor_raw(held * price / cost), bonus)
    fee = percent_mul(
        worth - percent_div(worth, bonus), np.rint(table.protocol_fee[seized] * PERCENT)
    )
    return Seizure(paid, worth - fee, fee, everything)


@inner
def liquidate(
    w: Path, borrower: int, seized: int, repaid: int, cover: float
) -> tuple[int, float, float]:
    """Pool.liquidationCall with at most ``cover`` of the debt: (status, paid in, collateral out).

    Refused, it may have written: the caller restores the path.
    """
    if w.now.halted & _AAVE:
        return PAUSED, 0.0, 0.0
    lending = w.state.lending
    health = standing(w, borrower).health
    if health >= LIQUIDATED_BELOW:
        return NOT_LIQUIDATABLE, 0.0, 0.0
    if lending.used[borrower, seized] == 0.0:
        return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    debt = owed_by(w, borrower, repaid)
    if debt <= 0.0:
        return NO_POSITION, 0.0, 0.0
    most = percent_mul(debt, _HALF) if health > CLOSED_WHOLE_FROM else debt
    moved = _seizure(w, borrower, seized, repaid, min(cover, most))
    status = _repay(w, borrower, repaid, moved.paid, debt)
    if status == OK:
        status = _seize(w, borrower, seized, moved)
    # What is paid arrives last: the rates of a listing that is both are set without it.
    lending.available[repaid] += moved.paid
    return status, moved.paid, moved.taken


@inner
def _repay(w: Path, borrower: int, listing: int, paid: float, debt: float) -> int:
    """Burn ``paid`` of a ``debt``; the rates are those with the payment in."""
    table, lending = w.tables.lending, w.state.lending
    accrue(lending, w.now.clock, listing)
    scaled = np.rint(paid / lending.borrow_index[listing])
    if paid == debt:
        scaled = lending.debt[borrower, listing]
    if scaled <= 0.0:
        return ZERO_AMOUNT
    lending.debt[borrower, listing] -= scaled
    lending.owed[listing] = max(lending.owed[listing] - scaled, 0.0)
    set_rates(table, lending, listing, lending.available[listing] + paid)
    return OK


@inner
def _seize(w: Path, borrower: int, listing: int, moved: Seizure) -> int:
    """Pay the collateral out and the fee to the treasury, which leaves it supplied."""
    table, lending = w.tables.lending, w.state.lending
    if moved.taken > lending.available[listing]:
        return INSUFFICIENT_BALANCE
    accrue(lending, w.now.clock, listing)
    lending.available[listing] -= moved.taken
    set_rates(table, lending, listing, lending.available[listing])
    index = lending.liquidity_index[listing]
    burnt = np.rint(moved.taken / index)
    if burnt <= 0.0:
        return ZERO_AMOUNT
    left = max(lending.supplied[borrower, listing] - burnt, 0.0)
    lending.supplied[borrower, listing] = left - min(np.rint(moved.fee / index), left)
    if moved.everything:
        lending.used[borrower, listing] = 0.0
    return OK
