"""What happens when an account owes more than it has (contracts/SPEC.md §3.5).

Insurance fund, auto-deleveraging, maker, socialised loss: in this order, within the market's caps.
"""

from __future__ import annotations

import numpy as np

from simulator.world.model.clearing import apply_fill
from simulator.world.model.debts import blame, note_debt
from simulator.world.model.jit import inner
from simulator.world.model.maker import maker_value, open_interest
from simulator.world.model.margin import (
    Account,
    has_position,
    owed,
    unsettled,
    value_account,
)
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.portfolio import has_pledge
from simulator.world.model.pricing import premium
from simulator.world.model.state import ClearingState, Oracle

# What float64 leaves of a debt that was covered in full, USDC: nobody's loss.
_NOTHING = 1e-9
# USDC; a smaller debt closes no gate, or dust could hold it shut.
_LEAST_GATED = 100.0


@inner
def draw_insurance(
    table: ClearingTable, clearing: ClearingState, market: int, debt: float, i: int
) -> float:
    """USDC the insurance fund pays towards a market's ``debt``, within the market's cap."""
    left = table.insurance_cap[market] - clearing.insurance_drawn[market, i]
    paid = max(min(debt, clearing.insurance_fund[i], left), 0.0)
    clearing.insurance_fund[i] -= paid
    clearing.insurance_drawn[market, i] += paid
    return paid


@inner
def close_gate(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, uncovered: float, i: int
) -> None:
    """Keep margin behind positions where it is for a while: the insurance fund was not enough."""
    if uncovered >= _LEAST_GATED:
        clearing.gate_until[i] = oracle.clock[0] + table.withdrawal_gate


@inner
def _share(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, market: int, i: int
) -> float:
    """Part of a negative value that ``market`` has made: by what was lost in each.

    In the positions that are open and in the debt that closes before have left.
    """
    owes, blamed = max(-clearing.cash[account, i], 0.0), blame(clearing, account, i)
    own = total = 0.0
    for held in range(table.asset.size):
        lost = max(-unsettled(table, clearing, oracle, account, held, i), 0.0)
        if blamed > 0.0:
            part = clearing.blamed[account, 2 * held, i] + clearing.blamed[account, 2 * held + 1, i]
            lost += part / blamed * owes
        total += lost
        if held == market:
            own = lost
    return own / total if total > 0.0 else 0.0


@inner
def _gains_at(clearing: ClearingState, account: int, market: int, price: float, i: int) -> bool:
    """Whether closing at ``price`` leaves the position, costs and funding paid, with a profit."""
    size = clearing.size[account, market, i]
    gain = size * price - clearing.cost[account, market, i]
    return gain - owed(clearing, clearing.funding_index[market, i], account, market, i) > 0.0


@inner
def _rank(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, market: int, i: int
) -> float:
    """Profit ratio × leverage of a counterparty: the higher, the earlier it is taken.

    At last prices: a feed of his that stopped stops no liquidation of others.
    """
    valued = value_account(table, clearing, oracle, account, i)
    size, cost = clearing.size[account, market, i], clearing.cost[account, market, i]
    if valued.equity <= 0.0 or cost == 0.0:
        return np.inf
    price = oracle.price[table.asset[market], i]
    profit = size * price - cost
    notional = abs(size) * price
    return max(profit, 0.0) / abs(cost) * notional / valued.equity


@inner
def _deleverage(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    part: float,
    price: float,
    i: int,
) -> float:
    """Close ``part`` of the position against profitable counterparties by rank; the size closed.

    ``clearing.asked`` says in which turn each was.
    Ranks are of before: a counterparty taken whole is flat, so is no candidate again, and taking it
    changes nothing the others are ranked by.
    """
    skew = clearing.skew[market, i]
    size = clearing.size[account, market, i]
    side = 1.0 if size > 0.0 else -1.0
    left = asked = part * abs(size)
    turn = 0.0
    while left > 0.0:
        best, highest, earliest = -1, 0.0, 0.0
        for other in range(clearing.size.shape[0]):
            if clearing.size[other, market, i] * side >= 0.0:
                continue
            if not _gains_at(clearing, other, market, price, i):
                continue
            rank = _rank(table, clearing, oracle, other, market, i)
            opened = clearing.opened[other, market, i]
            if best < 0 or rank > highest or (rank == highest and opened < earliest):
                best, highest, earliest = other, rank, opened
        if best < 0:
            break
        held = clearing.size[best, market, i]
        taken = min(left, abs(held))
        cash = clearing.cash[best, i]
        apply_fill(clearing, best, market, side * taken, price, i)
        note_debt(clearing, best, market, held, cash, i)
        apply_fill(clearing, account, market, -side * taken, price, i)
        left -= taken
        turn += 1.0
        clearing.asked[best, i] = turn
    clearing.skew[market, i] = skew
    return asked - left


@inner
def absorb(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    valued: Account,
    account: int,
    market: int,
    most: float,
    i: int,
) -> float:
    """The waterfall's part before an insolvent position closes; the size deleveraged.

    ``most``: what may be closed against the maker in this block. What it earns comes first, and
    what cannot be closed now keeps its part of the debt. Of what insurance cannot pay for, the
    size is asked of the winners, at the price at which a unit owes nothing.
    """
    debt = -valued.value / oracle.price[table.collateral_asset[0], i]
    debt *= _share(table, clearing, oracle, account, market, i)
    size = clearing.size[account, market, i]
    delta = -most if size > 0.0 else most
    opening = clearing.opening_skew[market, i]
    earned = max(-premium(table, clearing, oracle, market, delta, opening, i), 0.0)
    wanted = debt * most / abs(size) - earned
    if wanted <= 0.0:
        return 0.0
    paid = draw_insurance(table, clearing, market, wanted, i)
    clearing.cash[account, i] += paid
    clearing.bad_debt[i] += paid
    if paid >= wanted:
        return 0.0
    part = (wanted - paid) / wanted
    close_gate(table, clearing, oracle, debt * part, i)
    index = oracle.price[table.asset[market], i]
    bankruptcy = max(index + debt / size, 0.0)
    return _deleverage(table, clearing, oracle, account, market, part, bankruptcy, i)


@inner
def _socialise(clearing: ClearingState, market: int, side: float, loss: float, i: int) -> None:
    """Spread a loss over the open size of ``side``, else of the other; the maker advances it."""
    held = open_interest(clearing, market, side, i)
    if held == 0.0:
        side = -side
        held = open_interest(clearing, market, side, i)
    if held == 0.0:  # nobody is left: it stays with the maker
        return
    if side > 0.0:
        clearing.loss_long[market, i] += loss / held
    else:
        clearing.loss_short[market, i] += loss / held


@inner
def _bear(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    market: int,
    other: float,
    debt: float,
    i: int,
) -> float:
    """Cover a market's part of a debt; what insurance did not pay. ``other``: the winners' side."""
    insured = draw_insurance(table, clearing, market, debt, i)
    left = table.maker_loss_cap[market] - clearing.maker_drawn[market, i]
    worth = maker_value(table, clearing, oracle, market, i)
    borne = max(min(debt - insured, left, worth), 0.0)
    clearing.maker_drawn[market, i] += borne
    rest = debt - insured - borne
    if rest > 0.0:
        _socialise(clearing, market, other, rest, i)
    clearing.maker_cash[market, i] -= debt - insured
    return debt - insured


@inner
def write_off_asked(table: ClearingTable, clearing: ClearingState, oracle: Oracle, i: int) -> None:
    """Cover the debts of the winners whom auto-deleveraging has left with nothing, in turn."""
    accounts = clearing.asked.shape[0]
    for turn in range(1, accounts + 1):
        for account in range(accounts):
            if clearing.asked[account, i] == turn:
                clearing.asked[account, i] = 0.0
                write_off(table, clearing, oracle, account, i)


@inner
def write_off(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> None:
    """Cover the debt of an account with nothing left, by the markets that have made it."""
    debt = -clearing.cash[account, i]
    if debt <= 0.0 or has_position(clearing, account, i):
        return
    for collateral in range(1, clearing.collateral.shape[1]):
        if clearing.collateral[account, collateral, i] > 0.0:
            return
    if has_pledge(table, clearing, account, i):
        return
    total = blame(clearing, account, i)
    if total == 0.0:
        return
    clearing.cash[account, i] = 0.0
    if debt > _NOTHING:
        clearing.bad_debt[i] += debt
    uncovered = 0.0
    for key in range(clearing.blamed.shape[1]):
        part = debt * clearing.blamed[account, key, i] / total
        clearing.blamed[account, key, i] = 0.0
        if debt <= _NOTHING:
            clearing.maker_cash[key // 2, i] -= part
        elif part > 0.0:
            other = 1.0 if key % 2 == 0 else -1.0
            uncovered += _bear(table, clearing, oracle, key // 2, other, part, i)
    close_gate(table, clearing, oracle, uncovered, i)
