"""Opening, changing and closing of positions (contracts/SPEC.md §3.5).

A trade that is refused leaves the state untouched.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSOLVENT,
    INVENTORY_LIMIT,
    MAKER_RESERVE,
    OK,
    OPEN_INTEREST_CAP,
    PAUSED,
    SLIPPAGE,
    STALE_ORACLE,
    ZERO_AMOUNT,
)
from simulator.model.kernel.jit import copy_record, inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.clearing import apply_fill
from simulator.model.venues.perps.debts import note_debt
from simulator.model.venues.perps.insolvent import close_with_insolvent, meets_insolvent
from simulator.model.venues.perps.maker import cover, open_interest, reserve_met
from simulator.model.venues.perps.margin import (
    accrue,
    accrue_account,
    initial_margin_met,
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
from simulator.model.venues.perps.waterfall import write_off_asked
from simulator.types import SIDES
from simulator.world.protocol import HALTED

_PERPS = HALTED["perps"]


@inner
def paused(w: Path) -> bool:
    """Whether the guardian's pause lasts."""
    return w.now.halted & _PERPS != 0


@inner
def _reduces(size: float, after: float) -> bool:
    """Whether a position is not larger than before, nor on the other side."""
    return abs(after) <= abs(size) and after * size >= 0.0


@inner
def _check_order(w: Path, account: int, market: int, delta: float) -> int:
    """Status of an order before its price and the account's margin are looked at."""
    table, clearing = w.tables.clearing, w.state.clearing
    if delta == 0.0:
        return ZERO_AMOUNT
    size = clearing.size[account, market]
    after = size + delta
    if not _reduces(size, after) and paused(w):
        return PAUSED
    if stale(w, table.asset[market]):
        return STALE_ORACLE
    if not _reduces(size, after):
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
    return OK


@inner
def _slips(delta: float, fill: float, limit: float) -> bool:
    """Whether a price is beyond the limit of the order."""
    return fill > limit if delta > 0.0 else fill < limit


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
    if reduces:
        return OK if value_account(w, account).value >= 0.0 else INSOLVENT
    return _margin_after(w, account)


@inner
def _margin_after(w: Path, account: int) -> int:
    """Status of the margin that an account with more risk must have."""
    valued = value_account(w, account)
    if not valued.fresh:
        return STALE_ORACLE
    return OK if initial_margin_met(w, valued) else BELOW_INITIAL_MARGIN


@inner
def _effective(delta: float, booked: float, paid: float) -> float:
    """What a unit goes for with the premium."""
    return max(booked + paid / delta, 0.0)


@inner
def _fill(
    w: Path, account: int, market: int, delta: float, booked: float, paid: float
) -> tuple[float, float]:
    """Trade against the maker at a price and a premium: what a unit goes for, the fee in USDC."""
    clearing, fill = w.state.clearing, _effective(delta, booked, paid)
    apply_fill(w, account, market, delta, booked)
    pay_premium(w, account, market, paid)
    move_unpaid(w, market, delta, 0.0)
    fee = abs(delta) * fill * w.tables.clearing.taker_fee[market]
    clearing.cash[account] -= fee
    clearing.maker_cash[market] += fee
    return fill, fee


@inner
def _against_maker(
    w: Path, account: int, market: int, delta: float, limit: float
) -> tuple[int, float, float]:
    """A trade in which nobody but the maker is met: (status, fill USD, fee USDC)."""
    clearing, oracle = w.state.clearing, w.now
    # What the first accrual of this block will have made it.
    opening = clearing.opening_skew[market]
    if oracle.clock > clearing.funding_time[market]:
        opening = clearing.skew[market]
    paid = premium(w, market, delta, opening)
    booked = booked_price(w, market, delta)
    fill = booked
    if delta != 0.0:
        fill = _effective(delta, booked, paid)
    status = _check_order(w, account, market, delta)
    if status == OK and _slips(delta, fill, limit):
        status = SLIPPAGE
    if status != OK:
        return status, 0.0, 0.0

    before = _touched(w, account, market)
    size = clearing.size[account, market]
    accrue(w, market)
    cover(w, market)
    fill, fee = _fill(w, account, market, delta, booked, paid)
    reduces = _reduces(size, clearing.size[account, market])
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
def _against_insolvent(
    w: Path, account: int, market: int, delta: float, limit: float
) -> tuple[int, float, float]:
    """A trade that meets insolvent accounts, then the maker; the caller undoes what is refused."""
    clearing = w.state.clearing
    status = _check_order(w, account, market, delta)
    if status != OK:
        return status, 0.0, 0.0
    size = clearing.size[account, market]
    accrue(w, market)
    cover(w, market)
    closed, worth = close_with_insolvent(w, account, market, delta)
    rest = delta - closed if delta > 0.0 else delta + closed
    fill = fee = 0.0
    if rest != 0.0:
        cash = clearing.cash[account]
        paid = premium(w, market, rest, clearing.opening_skew[market])
        booked = booked_price(w, market, rest)
        fill, fee = _fill(w, account, market, rest, booked, paid)
        note_debt(w, account, market, size, cash)
    fill = (worth + abs(rest) * fill) / abs(delta)
    if _slips(delta, fill, limit):
        return SLIPPAGE, 0.0, 0.0
    # Solvency and the maker's reserve are asked in the trade, margin when all has been done.
    reduces = _reduces(size, clearing.size[account, market])
    if reduces and clearing.cash[account] < 0.0 and value_account(w, account).value < 0.0:
        status = INSOLVENT
    elif not reduces and not reserve_met(w, market):
        status = MAKER_RESERVE
    write_off_asked(w)
    if status == OK and not reduces:
        status = _margin_after(w, account)
        accrue_account(w, account)
    return status, fill, fee


@inner
def trade(
    w: Path,
    account: int,
    market: int,
    delta: float,
    limit: float,
) -> tuple[int, float, float]:
    """``ClearingHouse.trade``: (status, fill USD, fee USDC)."""
    if not meets_insolvent(w, account, market, delta):
        return _against_maker(w, account, market, delta, limit)
    copy_record(w.undone, w.state)
    status, fill, fee = _against_insolvent(w, account, market, delta, limit)
    if status != OK:
        copy_record(w.state, w.undone)
        return status, 0.0, 0.0
    return OK, fill, fee
