"""What happens when an account owes more than it has (contracts/SPEC.md §3.5).

Insurance fund, auto-deleveraging, maker, socialised loss: in this order, within the market's caps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.clearing import apply_fill
from simulator.model.venues.perps.debts import blame, note_debt
from simulator.model.venues.perps.maker import maker_value, open_interest
from simulator.model.venues.perps.margin import (
    Account,
    has_position,
    owed,
    unsettled,
    value_account,
)
from simulator.model.venues.perps.portfolio import has_pledge
from simulator.model.venues.perps.pricing import premium

# What float64 leaves of a debt that was covered in full, USDC: nobody's loss.
_NOTHING = 1e-9
# Policies of auto-deleveraging, as Deleveraging.vy numbers them; the fourth goes by size.
_QUEUE, _PRO_RATA_PROFIT, _PRO_RATA_EQUITY = 0, 1, 2
# USDC; a smaller debt closes no gate, or dust could hold it shut.
LEAST_GATED = 100.0


@inner
def draw_insurance(w: Path, market: int, debt: float) -> float:
    """USDC the insurance fund pays towards a market's ``debt``, within the market's cap."""
    clearing = w.state.clearing
    paid = min(debt, insured(w, market))
    clearing.insurance_fund -= paid
    clearing.insurance_drawn[market] += paid
    return paid


@inner
def insured(w: Path, market: int) -> float:
    """USDC the insurance fund could pay for a market now."""
    clearing = w.state.clearing
    left = w.tables.clearing.insurance_cap[market] - clearing.insurance_drawn[market]
    return max(min(clearing.insurance_fund, left), 0.0)


@inner
def close_gate(w: Path, uncovered: float) -> None:
    """Keep margin behind positions where it is for a while: the insurance fund was not enough."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    if uncovered >= LEAST_GATED:
        clearing.gate_until = oracle.clock + table.withdrawal_gate


@inner
def share_of_debt(w: Path, account: int, market: int) -> float:
    """Part of a negative value that ``market`` has made: by what was lost in each.

    In the positions that are open and in the debt that closes before have left.
    """
    clearing = w.state.clearing
    owes, blamed = max(-clearing.cash[account], 0.0), blame(w, account)
    own = total = 0.0
    for held in range(w.tables.count.markets):
        lost = max(-unsettled(w, account, held), 0.0)
        if blamed > 0.0:
            part = clearing.blamed[account, 2 * held] + clearing.blamed[account, 2 * held + 1]
            lost += part / blamed * owes
        total += lost
        if held == market:
            own = lost
    return own / total if total > 0.0 else 0.0


@inner
def gain_of(w: Path, account: int, market: int) -> float:
    """What closing at the index brings, costs and funding paid; the market is accrued."""
    clearing, price = w.state.clearing, w.now.price[w.tables.clearing.asset[market]]
    gain = clearing.size[account, market] * price - clearing.cost[account, market]
    return gain - owed(w, clearing.funding_index[market], account, market)


@inner
def affordable(gain: float, gap: float) -> float:
    """The size whose close ``gap`` a unit beside the index costs all that a position has gained.

    By the whole gain: by that of a unit, which falls as he adds to it, a winner would choose
    whether he is asked.
    """
    return gain / gap if gap > 0.0 else np.inf


@inner
def _rank(w: Path, account: int, market: int) -> float:
    """Profit ratio × leverage of a counterparty: the higher, the earlier it is taken.

    At last prices: a feed of his that stopped stops no liquidation of others.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    valued = value_account(w, account)
    size, cost = clearing.size[account, market], clearing.cost[account, market]
    if valued.equity <= 0.0 or cost == 0.0:
        return np.inf
    price = oracle.price[table.asset[market]]
    profit = size * price - cost
    notional = abs(size) * price
    return max(profit, 0.0) / abs(cost) * notional / valued.equity


@inner
def _weight(w: Path, account: int, market: int) -> float:
    """What a counterparty's part of a pro rata policy goes by: profit, equity or size."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    size = clearing.size[account, market]
    if table.deleveraging == _PRO_RATA_PROFIT:
        price = oracle.price[table.asset[market]]
        return max(size * price - clearing.cost[account, market], 0.0)
    if table.deleveraging == _PRO_RATA_EQUITY:
        return max(value_account(w, account).equity, 0.0)
    return abs(size)


class _Turn(NamedTuple):
    """Whose turn it is."""

    account: int  # -1: nobody's
    most: float  # size that can be asked of it
    part: float  # of what is left, its own; 1 by a queue


@inner
def _next(w: Path, market: int, side: float, gap: float) -> _Turn:
    """Of those without a turn who have gained, the one that comes first."""
    clearing, queue = w.state.clearing, w.tables.clearing.deleveraging == _QUEUE
    best, highest, earliest = -1, 0.0, 0.0
    weight = total = room = 0.0
    for other in range(w.tables.count.accounts):
        if clearing.size[other, market] * side >= 0.0 or clearing.asked[other] != 0.0:
            continue
        gain = gain_of(w, other, market)
        if gain <= 0.0:
            continue
        most = min(abs(clearing.size[other, market]), affordable(gain, gap))
        own = 0.0
        if queue:
            rank = _rank(w, other, market)
        else:
            own = _weight(w, other, market)
            rank = own / most
            total += own
        opened = clearing.opened[other, market]
        if best < 0 or rank > highest or (rank == highest and opened < earliest):
            best, highest, earliest, weight = other, rank, opened, own
            room = most
    return _Turn(best, room, weight / total if total > 0.0 else 1.0)


@inner
def _deleverage(
    w: Path,
    account: int,
    market: int,
    part: float,
    price: float,
) -> float:
    """Close ``part`` of the position against those who have gained; the size closed.

    By the queue each in turn, highest rank first, as far as its gain goes. Pro rata each by its
    weight, at most that: in the order of weight per unit of size, so that whoever gives all it has
    comes before those who share what it could not; who has no weight comes last. ``clearing.asked``
    says in which turn each was. Ranks and weights are of before: taking from one changes nothing
    the others go by.
    """
    clearing = w.state.clearing
    skew = clearing.skew[market]
    size = clearing.size[account, market]
    side = 1.0 if size > 0.0 else -1.0
    left = asked = part * abs(size)
    gap = abs(w.now.price[w.tables.clearing.asset[market]] - price)
    turn = 0.0
    while left > 0.0:
        found = _next(w, market, side, gap)
        if found.account < 0:
            break
        held, cash = clearing.size[found.account, market], clearing.cash[found.account]
        taken = min(left, found.most)
        if found.part < 1.0:
            taken = min(taken, left * found.part)
        apply_fill(w, found.account, market, side * taken, price)
        note_debt(w, found.account, market, held, cash)
        apply_fill(w, account, market, -side * taken, price)
        left -= taken
        turn += 1.0
        clearing.asked[found.account] = turn
    clearing.skew[market] = skew
    return asked - left


@inner
def absorb(
    w: Path,
    valued: Account,
    account: int,
    market: int,
    most: float,
) -> float:
    """The waterfall's part before an insolvent position closes; the size deleveraged.

    ``most``: what may be closed against the maker in this block. What it earns comes first, and
    what cannot be closed now keeps its part of the debt. Of what insurance cannot pay for, the
    size is asked of the winners, at the price at which a unit owes nothing.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    debt = -valued.value / oracle.price[table.collateral_asset[0]]
    debt *= share_of_debt(w, account, market)
    size = clearing.size[account, market]
    delta = -most if size > 0.0 else most
    opening = clearing.opening_skew[market]
    earned = max(-premium(w, market, delta, opening), 0.0)
    wanted = debt * most / abs(size) - earned
    if wanted <= 0.0:
        return 0.0
    paid = draw_insurance(w, market, wanted)
    clearing.cash[account] += paid
    clearing.bad_debt += paid
    if paid >= wanted:
        return 0.0
    part = (wanted - paid) / wanted
    close_gate(w, debt * part)
    index = oracle.price[table.asset[market]]
    bankruptcy = max(index + debt / size, 0.0)
    return _deleverage(w, account, market, part, bankruptcy)


@inner
def _socialise(w: Path, market: int, side: float, loss: float) -> None:
    """Spread a loss over the open size of ``side``, else of the other; the maker advances it."""
    clearing = w.state.clearing
    held = open_interest(w, market, side)
    if held == 0.0:
        side = -side
        held = open_interest(w, market, side)
    if held == 0.0:  # nobody is left: it stays with the maker
        return
    if side > 0.0:
        clearing.loss_long[market] += loss / held
    else:
        clearing.loss_short[market] += loss / held


@inner
def _bear(
    w: Path,
    market: int,
    other: float,
    debt: float,
) -> float:
    """Cover a market's part of a debt; what insurance did not pay. ``other``: the winners' side."""
    table, clearing = w.tables.clearing, w.state.clearing
    insured = draw_insurance(w, market, debt)
    left = table.maker_loss_cap[market] - clearing.maker_drawn[market]
    worth = maker_value(w, market)
    borne = max(min(debt - insured, left, worth), 0.0)
    clearing.maker_drawn[market] += borne
    rest = debt - insured - borne
    if rest > 0.0:
        _socialise(w, market, other, rest)
    clearing.maker_cash[market] -= debt - insured
    return debt - insured


@inner
def write_off_asked(w: Path) -> None:
    """Cover the debts of those from whom was taken, and who have nothing left, in turn."""
    clearing = w.state.clearing
    accounts = w.tables.count.accounts
    for turn in range(1, accounts + 1):
        for account in range(accounts):
            if clearing.asked[account] == turn:
                clearing.asked[account] = 0.0
                write_off(w, account)


@inner
def write_off(w: Path, account: int) -> None:
    """Cover the debt of an account with nothing left, by the markets that have made it."""
    clearing = w.state.clearing
    debt = -clearing.cash[account]
    if debt <= 0.0 or has_position(w, account):
        return
    for collateral in range(1, w.tables.count.collaterals):
        if clearing.collateral[account, collateral] > 0.0:
            return
    if has_pledge(w, account):
        return
    total = blame(w, account)
    if total == 0.0:
        return
    clearing.cash[account] = 0.0
    if debt > _NOTHING:
        clearing.bad_debt += debt
    uncovered = 0.0
    for key in range(2 * w.tables.count.markets):
        part = debt * clearing.blamed[account, key] / total
        clearing.blamed[account, key] = 0.0
        if debt <= _NOTHING:
            clearing.maker_cash[key // 2] -= part
        elif part > 0.0:
            other = 1.0 if key % 2 == 0 else -1.0
            uncovered += _bear(w, key // 2, other, part)
    close_gate(w, uncovered)
