"""ClearingHouse operations on one account of one path (contracts/SPEC.md §3.3, §3.5).

Each returns a status first and leaves the state untouched when refused.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    COLLATERAL_CAP,
    INSOLVENT,
    INSUFFICIENT_COLLATERAL,
    INVENTORY_LIMIT,
    MAKER_RESERVE,
    OK,
    OPEN_INTEREST_CAP,
    SLIPPAGE,
    STALE_ORACLE,
    WITHDRAWALS_GATED,
    ZERO_AMOUNT,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.debts import note_debt
from simulator.model.venues.perps.maker import cover, open_interest, reserve_met
from simulator.model.venues.perps.margin import (
    accrue,
    accrue_account,
    gated,
    has_position,
    initial_margin_met,
    owed,
    stale,
    value_account,
)
from simulator.model.venues.perps.pricing import (
    booked_price,
    inventory_limit,
    move_unpaid,
    pay_premium,
    premium,
)
from simulator.types import SIDES

_LAST_DIGITS = 1e-13


@inner
def next_opening(w: Path, market: int) -> float:
    """The rank of a position opened now, after all that are open."""
    clearing = w.state.clearing
    last = 0.0
    for account in range(w.tables.count.accounts):
        last = max(last, clearing.opened[account, market])
    return last + 1.0


@inner
def apply_fill(w: Path, account: int, market: int, delta: float, fill: float) -> None:
    """Settle what the position owes, then change it by ``delta``; the market is accrued."""
    clearing = w.state.clearing
    size = clearing.size[account, market]
    cost = clearing.cost[account, market]
    index = clearing.funding_index[market]
    paid = owed(w, index, account, market)
    after = size + delta
    realised = 0.0
    if size * delta >= 0.0:
        cost += delta * fill
    elif abs(delta) < abs(size):
        released = cost * abs(delta) / abs(size)
        realised = -delta * fill - released
        cost -= released
    else:
        realised = size * fill - cost
        cost = after * fill
    clearing.cash[account] += realised - paid
    clearing.maker_cash[market] += paid - realised
    clearing.basis[market] += cost - clearing.cost[account, market]
    clearing.basis[market] += size * clearing.funding_entry[account, market]
    clearing.basis[market] += abs(size) * clearing.loss_entry[account, market]
    clearing.size[account, market] = after
    clearing.cost[account, market] = cost
    clearing.skew[market] += delta
    if after == 0.0:
        clearing.funding_entry[account, market] = 0.0
        clearing.loss_entry[account, market] = 0.0
        clearing.opened[account, market] = 0.0
        return
    if size == 0.0:
        clearing.opened[account, market] = next_opening(w, market)
    loss = clearing.loss_long[market] if after > 0.0 else clearing.loss_short[market]
    clearing.funding_entry[account, market] = index
    clearing.loss_entry[account, market] = loss
    clearing.basis[market] -= after * index + abs(after) * loss


@inner
def _check_order(
    w: Path,
    account: int,
    market: int,
    delta: float,
    fill: float,
    limit: float,
) -> int:
    """Status of an order before the account's margin is looked at."""
    table, clearing = w.tables.clearing, w.state.clearing
    if delta == 0.0:
        return ZERO_AMOUNT
    if stale(w, table.asset[market]):
        return STALE_ORACLE
    size = clearing.size[account, market]
    after = size + delta
    if abs(after) > abs(size) or after * size < 0.0:
        skew = abs(clearing.skew[market])
        moved = abs(clearing.skew[market] + delta)
        most = inventory_limit(w, market)
        if moved > skew and moved > most:
            return INVENTORY_LIMIT
        side = 1.0 if delta > 0.0 else -1.0
        own = open_interest(w, market, side)
        other = open_interest(w, market, -side)
        if (
            own + other - abs(size) + abs(after) > table.max_open_interest[market]
            or own - max(side * size, 0.0) + abs(after) > SIDES * most
        ):
            return OPEN_INTEREST_CAP
    if fill > limit if delta > 0.0 else fill < limit:
        return SLIPPAGE
    return OK


class _Touched(NamedTuple):
    """What a trade changes, but for the funding of other markets, which is written last."""

    skew: float
    opening_skew: float
    liquidated: float
    premium_pool: float
    unpaid_premium: float
    funding_rate: float
    funding_index: float
    funding_time: float
    cash: float
    maker_cash: float
    basis: float
    loss_long: float
    loss_short: float
    size: float
    cost: float
    funding_entry: float
    loss_entry: float
    opened: float


@inner
def _touched(w: Path, account: int, market: int) -> _Touched:
    clearing = w.state.clearing
    return _Touched(
        clearing.skew[market],
        clearing.opening_skew[market],
        clearing.liquidated[market],
        clearing.premium_pool[market],
        clearing.unpaid_premium[market],
        clearing.funding_rate[market],
        clearing.funding_index[market],
        clearing.funding_time[market],
        clearing.cash[account],
        clearing.maker_cash[market],
        clearing.basis[market],
        clearing.loss_long[market],
        clearing.loss_short[market],
        clearing.size[account, market],
        clearing.cost[account, market],
        clearing.funding_entry[account, market],
        clearing.loss_entry[account, market],
        clearing.opened[account, market],
    )


@inner
def _put_back(w: Path, account: int, market: int, before: _Touched) -> None:
    clearing = w.state.clearing
    clearing.skew[market] = before.skew
    clearing.opening_skew[market] = before.opening_skew
    clearing.liquidated[market] = before.liquidated
    clearing.premium_pool[market] = before.premium_pool
    clearing.unpaid_premium[market] = before.unpaid_premium
    clearing.funding_rate[market] = before.funding_rate
    clearing.funding_index[market] = before.funding_index
    clearing.funding_time[market] = before.funding_time
    clearing.cash[account] = before.cash
    clearing.maker_cash[market] = before.maker_cash
    clearing.basis[market] = before.basis
    clearing.loss_long[market] = before.loss_long
    clearing.loss_short[market] = before.loss_short
    clearing.size[account, market] = before.size
    clearing.cost[account, market] = before.cost
    clearing.funding_entry[account, market] = before.funding_entry
    clearing.loss_entry[account, market] = before.loss_entry
    clearing.opened[account, market] = before.opened


@inner
def _standing(
    w: Path,
    account: int,
    market: int,
    reduces: bool,
) -> int:
    """Status of what a trade has made of the maker's reserve, the account's margin or solvency."""
    if not reduces and not reserve_met(w, market):
        return MAKER_RESERVE
    valued = value_account(w, account)
    if reduces:
        return OK if valued.value >= 0.0 else INSOLVENT
    if not valued.fresh:
        return STALE_ORACLE
    return OK if initial_margin_met(w, valued) else BELOW_INITIAL_MARGIN


@inner
def trade(
    w: Path,
    account: int,
    market: int,
    delta: float,
    limit: float,
) -> tuple[int, float, float]:
    """``ClearingHouse.trade``: (status, fill USD, fee USDC)."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    # What the first accrual of this block will have made it.
    opening = clearing.opening_skew[market]
    if oracle.clock > clearing.funding_time[market]:
        opening = clearing.skew[market]
    paid = premium(w, market, delta, opening)
    booked = booked_price(w, market, delta)
    fill = booked
    if delta != 0.0:
        fill = max(booked + paid / delta, 0.0)
    status = _check_order(w, account, market, delta, fill, limit)
    if status != OK:
        return status, 0.0, 0.0

    before = _touched(w, account, market)
    size = clearing.size[account, market]
    accrue(w, market)
    cover(w, market)
    apply_fill(w, account, market, delta, booked)
    pay_premium(w, account, market, paid)
    move_unpaid(w, market, delta, 0.0)
    fee = abs(delta) * fill * table.taker_fee[market]
    clearing.cash[account] -= fee
    clearing.maker_cash[market] += fee

    after = clearing.size[account, market]
    reduces = abs(after) <= abs(size) and after * size >= 0.0
    if reduces and clearing.cash[account] >= 0.0:
        return OK, fill, fee
    status = _standing(w, account, market, reduces)
    if status != OK:
        _put_back(w, account, market, before)
        return status, 0.0, 0.0
    failed = size if size != 0.0 else delta
    note_debt(w, account, market, failed, before.cash)
    if not reduces:
        accrue_account(w, account)
    return OK, fill, fee


@inner
def has_room(w: Path, account: int, collateral: int, raw: float) -> bool:
    """Whether the cap lets ``raw`` in: whoever has a position may always add USDC."""
    table, clearing = w.tables.clearing, w.state.clearing
    fits = clearing.total_collateral[collateral] + raw <= table.cap[collateral]
    return fits or (collateral == 0 and has_position(w, account))


@inner
def deposit(w: Path, account: int, collateral: int, raw: float) -> int:
    """``ClearingHouse.deposit`` of ``raw`` units, which the caller has taken from the payer."""
    table, clearing = w.tables.clearing, w.state.clearing
    held = clearing.total_collateral[collateral] + raw
    if not has_room(w, account, collateral, raw):
        return COLLATERAL_CAP
    clearing.total_collateral[collateral] = held
    if collateral == 0:
        clearing.cash[account] += raw / table.unit[0]
    else:
        clearing.collateral[account, collateral] += raw
    return OK


@inner
def _less(cash: float, amount: float) -> float:
    """The difference; zero where only the error of the float64 sum is left."""
    left = cash - amount
    return 0.0 if abs(left) <= _LAST_DIGITS * abs(cash) else left


@inner
def release(
    w: Path,
    account: int,
    raw: float,
) -> None:
    """Withdraw ``raw`` USDC that ``withdrawable`` has allowed."""
    table, clearing = w.tables.clearing, w.state.clearing
    clearing.cash[account] = _less(clearing.cash[account], raw / table.unit[0])
    clearing.total_collateral[0] -= raw
    accrue_account(w, account)


@inner
def withdraw(
    w: Path,
    account: int,
    collateral: int,
    raw: float,
) -> int:
    """``ClearingHouse.withdraw`` of ``raw`` units, which the caller hands to the receiver."""
    table, clearing = w.tables.clearing, w.state.clearing
    cash = clearing.cash[account]
    balance = clearing.collateral[account, collateral]
    held = has_position(w, account)
    total = clearing.total_collateral[collateral]
    short = balance < raw
    left = cash
    if collateral == 0:
        left = _less(cash, raw / table.unit[0])
        short = left < 0.0
    if short:
        return INSUFFICIENT_COLLATERAL
    if held and gated(w):
        return WITHDRAWALS_GATED
    clearing.cash[account] = left
    if collateral > 0:
        clearing.collateral[account, collateral] = balance - raw
    clearing.total_collateral[collateral] = total - raw
    if not held and left >= 0.0:
        return OK
    valued = value_account(w, account)
    if valued.fresh and initial_margin_met(w, valued):
        accrue_account(w, account)
        return OK
    clearing.cash[account] = cash
    clearing.collateral[account, collateral] = balance
    clearing.total_collateral[collateral] = total
    return BELOW_INITIAL_MARGIN if valued.fresh else STALE_ORACLE
