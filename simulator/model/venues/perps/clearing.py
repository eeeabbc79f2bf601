"""ClearingHouse operations on one account of one path (contracts/SPEC.md §3.3, §3.5).

Each returns a status first and leaves the state untouched when refused.
"""

from __future__ import annotations

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    COLLATERAL_CAP,
    INSUFFICIENT_COLLATERAL,
    OK,
    STALE_ORACLE,
    WITHDRAWALS_GATED,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.margin import (
    accrue_account,
    gated,
    has_position,
    initial_margin_met,
    owed,
    value_account,
)

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
