"""Liquidation of a position (contracts/SPEC.md §3.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.codes import (
    LIQUIDATION_LIMIT,
    NO_POSITION,
    NOT_LIQUIDATABLE,
    NOT_REDUCING_RISK,
    OK,
    STALE_ORACLE,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.clearing import apply_fill
from simulator.model.venues.perps.debts import note_debt
from simulator.model.venues.perps.maker import cover
from simulator.model.venues.perps.margin import (
    Account,
    accrue,
    stale,
    usdc_worth,
    value_account,
)
from simulator.model.venues.perps.portfolio import Along, Direction, risk_along
from simulator.model.venues.perps.pricing import (
    booked_price,
    move_unpaid,
    pay_premium,
    premium,
    skew_bound,
)
from simulator.model.venues.perps.waterfall import absorb, write_off, write_off_asked

# A limit on a close that is no more than this part of the position lets nothing be closed, and one
# that is more is used but for this part of itself, so that rounding does not pass it.
_MILLIONTH = 1e-6


@inner
def _parabola(
    weight: float, equity: float, cost: float, moved: Along
) -> tuple[float, float, float, float]:
    """A, B, C of A·x² − 2·B·x + C, and B² − A·C.

    It is the square of weight·|v − x·z| less that of E − cost·x.
    """
    weight *= weight
    a = weight * moved.length - cost * cost
    b = weight * moved.along - cost * equity
    c = weight * moved.squared - equity * equity
    return a, b, c, b * b - a * c


@inner
def _restoring_risk(weight: float, equity: float, cost: float, moved: Along) -> float:
    """Least x at which weight·|v − x·z| ≤ E − cost·x; negative when there is none.

    ``weight`` = μκ.
    """
    _, b, c, discriminant = _parabola(weight, equity, cost, moved)
    if discriminant < 0.0:
        return -1.0
    divisor = b + np.sqrt(discriminant)
    if divisor <= 0.0:
        return -1.0
    x = c / divisor
    return x if equity - cost * x >= 0.0 else -1.0


@inner
def _preserving(weight: float, equity: float, cost: float, moved: Along, most: float) -> float:
    """Greatest x of the same inequality, which x = 0 satisfies; ``most`` where there is none.

    ``weight`` = κE/M: up to there risk does not lower the margin ratio.
    """
    a, b, c, discriminant = _parabola(weight, equity, cost, moved)
    if discriminant < 0.0:
        return most
    root = np.sqrt(discriminant)
    numerator, divisor = max(-c, 0.0), root - b
    if b > 0.0:
        numerator, divisor = root + b, a
    if divisor <= 0.0:
        return most
    x = numerator * (1.0 - _MILLIONTH) / divisor
    return x if x > _MILLIONTH * most else 0.0


class Unit(NamedTuple):
    """What a unit of what is closed or sold does to an account, USD."""

    freed: float  # of the gross rule's shortfall
    cost: float  # of equity, at most
    lost: float  # of equity, for certain; negative: gained


@inner
def restoring(w: Path, valued: Account, unit: Unit, moved: Along, most: float) -> float:
    """Least x units up to ``most`` that restore initial margin, as far as E/M is not lowered.

    0: x cannot reduce what is missing. ``moved``: what a unit does to the risk.
    """
    table = w.tables.clearing
    equity = valued.equity
    if equity < 0.0:
        return most
    x = 0.0
    gross = table.initial_multiple * valued.floor * valued.gross
    if gross > equity:
        x = (gross - equity) / unit.freed if unit.freed > 0.0 else most
    if valued.risk == 0.0:
        return min(x, most)
    weight = table.initial_multiple * table.risk_multiple
    if weight * valued.risk > equity:
        risky = _restoring_risk(weight, equity, unit.cost, moved)
        if risky < 0.0:  # out of reach: go where the risk is least
            least = moved.along / moved.length if moved.length > 0.0 else 0.0
            risky = min(max(least, 0.0), most)
        x = max(x, risky)
    weight = table.risk_multiple * equity / valued.maintenance
    return min(x, _preserving(weight, equity, unit.lost, moved, most), most)


@inner
def _spread(w: Path, market: int) -> float:
    """USD the spread takes of a USD closed."""
    table, oracle = w.tables.clearing, w.now
    return oracle.price[table.collateral_asset[0]] * table.half_spread[market]


@inner
def _closing_size(
    w: Path,
    valued: Account,
    account: int,
    market: int,
) -> float:
    """Smallest close that restores initial margin, as far as risk does not lower E/M on the way."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    size = clearing.size[account, market]
    price = oracle.price[table.asset[market]]
    most = abs(size) * price
    opening = clearing.opening_skew[market]
    closing = max(premium(w, market, -size, opening), 0.0) / most
    cost = usdc_worth(w, valued)
    cost *= table.half_spread[market] + closing + table.liquidation_penalty
    freed = table.initial_multiple * valued.floor * table.maintenance_rate[market] - cost
    spread = _spread(w, market)
    moved = Along(0.0, 0.0, 0.0)
    if valued.risk > 0.0:
        side = 1.0 if size > 0.0 else -1.0
        way = Direction(table.market_row[market], side, spread)
        moved = risk_along(w, account, valued.usdc_exposure, valued.pledged_base, way)
    x = restoring(w, valued, Unit(freed, cost, spread), moved, most)
    return abs(size) if x >= most else x / price


@inner
def reduces_risk(w: Path, before: Account, after: Account) -> bool:
    """Whether what was closed or sold has not lowered E/M, if the risk rule binds after it."""
    table = w.tables.clearing
    if table.risk_multiple * after.risk <= after.floor * after.gross:
        return True
    return after.equity * before.maintenance >= before.equity * after.maintenance


@inner
def _most_now(w: Path, size: float, market: int) -> float:
    """Size that may still be closed against the maker in this block, which raises |k| by ≤ B."""
    clearing = w.state.clearing
    allowed = max(skew_bound(w, market) - clearing.liquidated[market], 0.0)
    skew = clearing.skew[market]
    return allowed + 2.0 * abs(skew) if size * skew > 0.0 else allowed


class Case(NamedTuple):
    """Whose position is liquidated, in which market, and the account of who does it."""

    account: int
    market: int
    liquidator: int


@inner
def _charge(w: Path, before: Account, case: Case, delta: float, due: float) -> float:
    """Take the premium ``due`` and the penalty; neither E/M nor, from above 0, E falls below."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    account, market = case.account, case.market
    after = value_account(w, account)
    keep = max(before.equity, 0.0) * after.maintenance / before.maintenance
    spare = max(after.equity - keep, 0.0) / oracle.price[table.collateral_asset[0]]
    paid = min(due, spare)
    pay_premium(w, account, market, paid)
    move_unpaid(w, market, delta, due - paid)
    notional = abs(delta) * oracle.price[table.asset[market]]
    penalty = min(notional * table.liquidation_penalty, spare - paid)
    share = penalty * table.liquidator_share
    clearing.cash[account] -= penalty
    clearing.cash[case.liquidator] += share
    clearing.insurance_fund += penalty - share
    return penalty


@inner
def _due(
    w: Path,
    valued: Account,
    account: int,
    market: int,
) -> int:
    """Status of the condition under which a position may be liquidated.

    Its index and USDC have a price now; all else that the account holds counts at its last.
    """
    table, clearing = w.tables.clearing, w.state.clearing
    if clearing.size[account, market] == 0.0:
        return NO_POSITION
    if stale(w, table.asset[market]) or stale(w, table.collateral_asset[0]):
        return STALE_ORACLE
    return NOT_LIQUIDATABLE if valued.equity >= valued.maintenance else OK


@inner
def _close(w: Path, valued: Account, case: Case, closed: float, spent: bool) -> tuple[int, float]:
    """(status, penalty) of a close against the maker. ``spent``: E is not to be preserved."""
    clearing, account, market = w.state.clearing, case.account, case.market
    delta = -closed if clearing.size[account, market] > 0.0 else closed
    opening, skew = clearing.opening_skew[market], clearing.skew[market]
    due = premium(w, market, delta, opening)
    clearing.liquidated[market] += max(abs(skew + delta) - abs(skew), 0.0)
    booked = booked_price(w, market, delta)
    apply_fill(w, account, market, delta, booked)
    pay_premium(w, account, market, min(due, 0.0))
    after = value_account(w, account)
    if not (spent or reduces_risk(w, valued, after)):
        return NOT_REDUCING_RISK, 0.0
    due = max(due, 0.0)
    return OK, _charge(w, valued, case, delta, due)


@inner
def liquidate(
    w: Path,
    account: int,
    market: int,
    liquidator: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate``: (status, size closed, penalty USDC).

    The caller restores the path when refused.
    """
    clearing = w.state.clearing
    size = clearing.size[account, market]
    valued = value_account(w, account)
    status = _due(w, valued, account, market)
    if status != OK:
        return status, 0.0, 0.0
    accrue(w, market)
    cover(w, market)
    deleveraged, cash = 0.0, clearing.cash[account]
    # Whether the spread would take all the equity there is if all were closed.
    spent = valued.equity <= valued.notional * _spread(w, market)
    most = min(_most_now(w, size, market), abs(size))
    if valued.value < 0.0:
        deleveraged = absorb(w, valued, account, market, most)
    held = clearing.size[account, market]
    closed = abs(held)
    if valued.value < 0.0:  # what cannot be closed now keeps its part of the debt
        closed *= most / abs(size)
    elif not spent:
        closed = _closing_size(w, valued, account, market)
        status = OK if closed > 0.0 else NOT_REDUCING_RISK
    if status == OK:
        closed = min(closed, most)
        if closed + deleveraged == 0.0:
            status = LIQUIDATION_LIMIT
    penalty = 0.0
    if status == OK and closed > 0.0:
        case = Case(account, market, liquidator)
        status, penalty = _close(w, valued, case, closed, spent)
    if status != OK:
        return status, 0.0, 0.0
    note_debt(w, account, market, size, cash)
    if deleveraged > 0.0:
        write_off_asked(w)
    write_off(w, account)
    return OK, deleveraged + closed, penalty
