"""Closing a winning position while accounts of the other side are worth less than nothing.

Who leaves then would leave to others what auto-deleveraging asks of the winners, and could be back
in the same block: so his close goes first against the positions of those accounts, at the price at
which a unit of them owes nothing (contracts/SPEC.md §3.5).
"""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.clearing import apply_fill
from simulator.model.venues.perps.debts import note_debt
from simulator.model.venues.perps.margin import profit_of, value_account
from simulator.model.venues.perps.owing import Owing, work_out
from simulator.model.venues.perps.waterfall import (
    LEAST_GATED,
    affordable,
    close_gate,
    draw_insurance,
    gain_of,
    insured,
    share_of_debt,
)


@inner
def _gap(w: Path, owing: Owing, holder: int, market: int, side: float) -> float:
    """What a unit of a position owes that its account has not, USDC.

    0 on the side of ``side``, and of an account whose debt is too small to matter. At last prices,
    as ranks are.
    """
    size = w.state.clearing.size[holder, market]
    if size * side >= 0.0 or profit_of(w, owing, holder, market) >= 0.0:
        return 0.0
    value = value_account(w, holder).value
    if value >= 0.0:
        return 0.0
    debt = -value / w.now.price[w.tables.clearing.collateral_asset[0]]
    if debt < LEAST_GATED:
        return 0.0
    return debt * share_of_debt(w, holder, market) / abs(size)


@inner
def meets_insolvent(w: Path, account: int, market: int, delta: float) -> bool:
    """Whether a trade closes a position at a profit while an account opposite is insolvent."""
    size = w.state.clearing.size[account, market]
    if size * delta >= 0.0:
        return False
    owing = work_out(w, market)
    if profit_of(w, owing, account, market) <= 0.0:
        return False
    found = False
    for holder in range(w.tables.count.accounts):
        found = found or _gap(w, owing, holder, market, size) > 0.0
    return found


@inner
def _deepest(w: Path, market: int, side: float) -> tuple[int, float]:
    """The account opposite, of those without a turn, that owes most a unit, and how much."""
    clearing, owing = w.state.clearing, work_out(w, market)
    best, highest, earliest = -1, 0.0, 0.0
    for holder in range(w.tables.count.accounts):
        if clearing.asked[holder] != 0.0:
            continue
        gap, opened = _gap(w, owing, holder, market, side), clearing.opened[holder, market]
        if gap > highest or (gap == highest and gap > 0.0 and opened < earliest):
            best, highest, earliest = holder, gap, opened
    return best, highest


@inner
def _insure(w: Path, holder: int, market: int, closed: float, gap: float) -> float:
    """Have insurance pay the debt of ``closed`` units; what it does not of a unit, USDC."""
    clearing = w.state.clearing
    wanted, whole = gap * closed, gap * abs(clearing.size[holder, market])
    # As it would pay for all of it: or who leaves first took what is there for the others.
    part = min(insured(w, market) / whole, 1.0)
    paid = draw_insurance(w, market, wanted * part)
    clearing.cash[holder] += paid
    clearing.bad_debt += paid
    if part >= 1.0:
        return 0.0
    close_gate(w, wanted - paid)
    return (wanted - paid) / closed


@inner
def _close(w: Path, account: int, market: int, delta: float, price: float) -> None:
    """Close a part of the position at ``price``; what it leaves owing is the market's doing."""
    size = w.state.clearing.size[account, market]
    cash = w.state.clearing.cash[account]
    apply_fill(w, account, market, delta, price)
    note_debt(w, account, market, size, cash)


@inner
def close_with_insolvent(w: Path, account: int, market: int, delta: float) -> tuple[float, float]:
    """Close what it can of a trade against insolvent accounts, the deepest debt a unit first.

    Returns the size closed and what it went for, USDC. The market is accrued and covered;
    ``clearing.asked`` says in which turn each was, for the write-offs that follow.
    """
    clearing, index = w.state.clearing, w.now.price[w.tables.clearing.asset[market]]
    side, skew = 1.0 if delta < 0.0 else -1.0, clearing.skew[market]
    total = left = min(abs(delta), abs(clearing.size[account, market]))
    worth = turn = 0.0
    budget = gain_of(w, account, market)  # he may be asked for all that he has gained, and no more
    while left > 0.0:
        holder, gap = _deepest(w, market, side)
        if holder < 0:
            break
        turn += 1.0
        clearing.asked[holder] = turn
        held, cash = clearing.size[holder, market], clearing.cash[holder]
        closed = min(left, abs(held), affordable(budget, gap))
        if closed <= 0.0:
            continue
        unpaid = _insure(w, holder, market, closed, gap)
        budget = max(budget - unpaid * closed, 0.0)
        price = max(index - side * unpaid, 0.0)
        _close(w, account, market, -side * closed, price)
        apply_fill(w, holder, market, side * closed, price)
        note_debt(w, holder, market, held, cash)
        left -= closed
        worth += closed * price
    clearing.skew[market] = skew
    w.known.version += 1.0  # others' accounts have changed, too (model/known.py)
    return total - left, worth
