"""ClearingHouse operations on one account of one path (contracts/SPEC.md §3.3, §3.5).

Each returns a status first and leaves the state untouched when refused.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.types import SIDES
from simulator.world.model.codes import (
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
from simulator.world.model.debts import note_debt
from simulator.world.model.jit import inlined, inner
from simulator.world.model.maker import cover, open_interest, reserve_met
from simulator.world.model.margin import (
    accrue,
    accrue_account,
    gated,
    has_position,
    initial_margin_met,
    owed,
    stale,
    value_account,
)
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.pricing import (
    booked_price,
    inventory_limit,
    move_unpaid,
    pay_premium,
    premium,
)
from simulator.world.model.state import ClearingState, Oracle

_LAST_DIGITS = 1e-13


@inner
def next_opening(clearing: ClearingState, market: int, i: int) -> float:
    """The rank of a position opened now, after all that are open."""
    last = 0.0
    for account in range(clearing.opened.shape[0]):
        last = max(last, clearing.opened[account, market, i])
    return last + 1.0


@inlined
def apply_fill(
    clearing: ClearingState, account: int, market: int, delta: float, fill: float, i: int
) -> None:
    """Settle what the position owes, then change it by ``delta``; the market is accrued."""
    size = clearing.size[account, market, i]
    cost = clearing.cost[account, market, i]
    index = clearing.funding_index[market, i]
    paid = owed(clearing, index, account, market, i)
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
    clearing.cash[account, i] += realised - paid
    clearing.maker_cash[market, i] += paid - realised
    clearing.basis[market, i] += cost - clearing.cost[account, market, i]
    clearing.basis[market, i] += size * clearing.funding_entry[account, market, i]
    clearing.basis[market, i] += abs(size) * clearing.loss_entry[account, market, i]
    clearing.size[account, market, i] = after
    clearing.cost[account, market, i] = cost
    clearing.skew[market, i] += delta
    if after == 0.0:
        clearing.funding_entry[account, market, i] = 0.0
        clearing.loss_entry[account, market, i] = 0.0
        clearing.opened[account, market, i] = 0.0
        return
    if size == 0.0:
        clearing.opened[account, market, i] = next_opening(clearing, market, i)
    loss = clearing.loss_long[market, i] if after > 0.0 else clearing.loss_short[market, i]
    clearing.funding_entry[account, market, i] = index
    clearing.loss_entry[account, market, i] = loss
    clearing.basis[market, i] -= after * index + abs(after) * loss


@inlined
def _check_order(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    delta: float,
    fill: float,
    limit: float,
    i: int,
) -> int:
    """Status of an order before the account's margin is looked at."""
    if delta == 0.0:
        return ZERO_AMOUNT
    if stale(oracle, table.asset[market], i):
        return STALE_ORACLE
    size = clearing.size[account, market, i]
    after = size + delta
    if abs(after) > abs(size) or after * size < 0.0:
        skew = abs(clearing.skew[market, i])
        moved = abs(clearing.skew[market, i] + delta)
        most = inventory_limit(table, clearing, market, i)
        if moved > skew and moved > most:
            return INVENTORY_LIMIT
        side = 1.0 if delta > 0.0 else -1.0
        own = open_interest(clearing, market, side, i)
        other = open_interest(clearing, market, -side, i)
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


@inlined
def _touched(clearing: ClearingState, account: int, market: int, i: int) -> _Touched:
    return _Touched(
        clearing.skew[market, i],
        clearing.opening_skew[market, i],
        clearing.liquidated[market, i],
        clearing.premium_pool[market, i],
        clearing.unpaid_premium[market, i],
        clearing.funding_rate[market, i],
        clearing.funding_index[market, i],
        clearing.funding_time[market, i],
        clearing.cash[account, i],
        clearing.maker_cash[market, i],
        clearing.basis[market, i],
        clearing.loss_long[market, i],
        clearing.loss_short[market, i],
        clearing.size[account, market, i],
        clearing.cost[account, market, i],
        clearing.funding_entry[account, market, i],
        clearing.loss_entry[account, market, i],
        clearing.opened[account, market, i],
    )


@inlined
def _put_back(clearing: ClearingState, account: int, market: int, before: _Touched, i: int) -> None:
    clearing.skew[market, i] = before.skew
    clearing.opening_skew[market, i] = before.opening_skew
    clearing.liquidated[market, i] = before.liquidated
    clearing.premium_pool[market, i] = before.premium_pool
    clearing.unpaid_premium[market, i] = before.unpaid_premium
    clearing.funding_rate[market, i] = before.funding_rate
    clearing.funding_index[market, i] = before.funding_index
    clearing.funding_time[market, i] = before.funding_time
    clearing.cash[account, i] = before.cash
    clearing.maker_cash[market, i] = before.maker_cash
    clearing.basis[market, i] = before.basis
    clearing.loss_long[market, i] = before.loss_long
    clearing.loss_short[market, i] = before.loss_short
    clearing.size[account, market, i] = before.size
    clearing.cost[account, market, i] = before.cost
    clearing.funding_entry[account, market, i] = before.funding_entry
    clearing.loss_entry[account, market, i] = before.loss_entry
    clearing.opened[account, market, i] = before.opened


@inlined
def _standing(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    reduces: bool,
    i: int,
) -> int:
    """Status of what a trade has made of the maker's reserve, the account's margin or solvency."""
    if not reduces and not reserve_met(table, clearing, oracle, market, i):
        return MAKER_RESERVE
    valued = value_account(table, clearing, oracle, account, i)
    if reduces:
        return OK if valued.value >= 0.0 else INSOLVENT
    if not valued.fresh:
        return STALE_ORACLE
    return OK if initial_margin_met(table, valued) else BELOW_INITIAL_MARGIN


@inlined
def trade(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    delta: float,
    limit: float,
    i: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.trade``: (status, fill USD, fee USDC)."""
    # What the first accrual of this block will have made it.
    opening = clearing.opening_skew[market, i]
    if oracle.clock[0] > clearing.funding_time[market, i]:
        opening = clearing.skew[market, i]
    paid = premium(table, clearing, oracle, market, delta, opening, i)
    booked = booked_price(table, oracle, market, delta, i)
    fill = booked
    if delta != 0.0:
        fill = max(booked + paid / delta, 0.0)
    status = _check_order(table, clearing, oracle, account, market, delta, fill, limit, i)
    if status != OK:
        return status, 0.0, 0.0

    before = _touched(clearing, account, market, i)
    size = clearing.size[account, market, i]
    accrue(table, clearing, oracle, market, i)
    cover(table, clearing, oracle, market, i)
    apply_fill(clearing, account, market, delta, booked, i)
    pay_premium(clearing, account, market, paid, i)
    move_unpaid(table, clearing, oracle, market, delta, 0.0, i)
    fee = abs(delta) * fill * table.taker_fee[market]
    clearing.cash[account, i] -= fee
    clearing.maker_cash[market, i] += fee

    after = clearing.size[account, market, i]
    reduces = abs(after) <= abs(size) and after * size >= 0.0
    if reduces and clearing.cash[account, i] >= 0.0:
        return OK, fill, fee
    status = _standing(table, clearing, oracle, account, market, reduces, i)
    if status != OK:
        _put_back(clearing, account, market, before, i)
        return status, 0.0, 0.0
    failed = size if size != 0.0 else delta
    note_debt(clearing, account, market, failed, before.cash, i)
    if not reduces:
        accrue_account(table, clearing, oracle, account, i)
    return OK, fill, fee


@inner
def has_room(
    table: ClearingTable, clearing: ClearingState, account: int, collateral: int, raw: float, i: int
) -> bool:
    """Whether the cap lets ``raw`` in: whoever has a position may always add USDC."""
    fits = clearing.total_collateral[collateral, i] + raw <= table.cap[collateral]
    return fits or (collateral == 0 and has_position(clearing, account, i))


@inner
def deposit(
    table: ClearingTable, clearing: ClearingState, account: int, collateral: int, raw: float, i: int
) -> int:
    """``ClearingHouse.deposit`` of ``raw`` units, which the caller has taken from the payer."""
    held = clearing.total_collateral[collateral, i] + raw
    if not has_room(table, clearing, account, collateral, raw, i):
        return COLLATERAL_CAP
    clearing.total_collateral[collateral, i] = held
    if collateral == 0:
        clearing.cash[account, i] += raw / table.unit[0]
    else:
        clearing.collateral[account, collateral, i] += raw
    return OK


@inner
def _less(cash: float, amount: float) -> float:
    """The difference; zero where only the error of the float64 sum is left."""
    left = cash - amount
    return 0.0 if abs(left) <= _LAST_DIGITS * abs(cash) else left


@inner
def release(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    raw: float,
    i: int,
) -> None:
    """Withdraw ``raw`` USDC that ``withdrawable`` has allowed."""
    clearing.cash[account, i] = _less(clearing.cash[account, i], raw / table.unit[0])
    clearing.total_collateral[0, i] -= raw
    accrue_account(table, clearing, oracle, account, i)


@inner
def withdraw(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    collateral: int,
    raw: float,
    i: int,
) -> int:
    """``ClearingHouse.withdraw`` of ``raw`` units, which the caller hands to the receiver."""
    cash = clearing.cash[account, i]
    balance = clearing.collateral[account, collateral, i]
    held = has_position(clearing, account, i)
    total = clearing.total_collateral[collateral, i]
    short = balance < raw
    left = cash
    if collateral == 0:
        left = _less(cash, raw / table.unit[0])
        short = left < 0.0
    if short:
        return INSUFFICIENT_COLLATERAL
    if held and gated(clearing, oracle, i):
        return WITHDRAWALS_GATED
    clearing.cash[account, i] = left
    if collateral > 0:
        clearing.collateral[account, collateral, i] = balance - raw
    clearing.total_collateral[collateral, i] = total - raw
    if not held and left >= 0.0:
        return OK
    valued = value_account(table, clearing, oracle, account, i)
    if valued.fresh and initial_margin_met(table, valued):
        accrue_account(table, clearing, oracle, account, i)
        return OK
    clearing.cash[account, i] = cash
    clearing.collateral[account, collateral, i] = balance
    clearing.total_collateral[collateral, i] = total
    return BELOW_INITIAL_MARGIN if valued.fresh else STALE_ORACLE
