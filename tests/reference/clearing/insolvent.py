"""A winner closes while accounts opposite are worth less than nothing (SPEC §3.5, `trade`)."""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.clearing import perp, waterfall
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import Ledger
from tests.reference.integers import WAD, ceil, floor, sign


class Met(NamedTuple):
    """An insolvent account opposite, in the order in which they are met, the last first."""

    gap: int  # what a unit owes, USDC WAD
    later: int
    number: int


def insolvent(ledger: Ledger, m: int, side: int) -> list[Met]:
    """Those who hold against ``side``, lose at the index and owe more than dust."""
    last, found = ledger.at_last_prices(), []
    for number in ledger.holders(m):
        position = ledger.account(number).positions[m]
        if sign(position.size) == side or waterfall.gain(ledger, number, m) >= 0:
            continue
        value = valuation(last, number).value
        debt = ceil(max(-value, 0), WAD, last.price(last.usdc)) if value < 0 else 0
        if debt < waterfall.LEAST_GATED:
            continue
        gap = floor(waterfall.share_of(ledger, number, m, debt), WAD, abs(position.size))
        if gap:
            found.append(Met(min(gap, 2**192 - 1), -position.opened, number))
    return sorted(found, reverse=True)


def close_with(ledger: Ledger, number: int, m: int, delta: int) -> tuple[int, int]:
    """(size closed against them, what it went for): the deepest debt a unit first."""
    positions, index, side = ledger.account(number).positions, ledger.index_price(m), -sign(delta)
    total = left = min(abs(delta), abs(positions[m].size))
    worth = 0
    budget = waterfall.gain(ledger, number, m)
    if budget <= 0:
        return 0, 0
    for met in insolvent(ledger, m, side):
        if not left:
            break
        other = ledger.account(met.number)
        held, cash = other.positions[m].size, other.cash
        part = min(left, abs(held), waterfall.affordable(budget, met.gap))
        if not part:
            continue
        wanted, whole = ceil(met.gap, part, WAD), ceil(met.gap, abs(held), WAD)
        insured = min(whole, waterfall.insured(ledger, m))
        paid = waterfall.from_insurance(ledger, m, floor(wanted, insured, whole))
        other.cash += paid
        ledger.bad_debt += paid
        waterfall.gate(ledger, wanted - paid)
        unpaid = floor(wanted - paid, WAD, part)
        budget -= min(ceil(unpaid, part, WAD), budget)
        price = max(index - side * unpaid, 0)
        before = ledger.account(number).cash
        perp.exchange(ledger, number, m, -side * part, price)
        waterfall.note_debt(ledger, number, m, side, before)
        perp.exchange(ledger, met.number, m, side * part, price)
        waterfall.note_debt(ledger, met.number, m, held, cash)
        left -= part
        worth += floor(part, price, WAD) if side > 0 else ceil(part, price, WAD)
    return total - left, worth
