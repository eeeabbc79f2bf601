"""Funding, fills and positions (contracts/SPEC.md §3.2, §3.3). Rounding is against the trader."""

from __future__ import annotations

from dataclasses import replace

from tests.reference.clearing.state import MAX_HOLDERS, Ledger, Market, Position, require
from tests.reference.integers import DAY, WAD, ceil, floor, sign


def accrued(ledger: Ledger, m: int) -> Market:
    """The market as of now; reads no price when it was accrued in this block."""
    market, terms = ledger.markets[m], ledger.terms[m]
    elapsed = ledger.now - market.updated_at
    if not elapsed:
        return market
    clamped = max(-terms.skew_scale, min(market.skew, terms.skew_scale))
    rate = market.rate + floor(clamped, terms.velocity * elapsed, terms.skew_scale * DAY)
    grown = floor(market.rate + rate, ledger.index_price(m) * elapsed, 2 * WAD * DAY)
    return replace(market, rate=rate, index=market.index + grown, updated_at=ledger.now)


def accrue(ledger: Ledger, m: int) -> None:
    ledger.markets[m] = accrued(ledger, m)


def accrue_held(ledger: Ledger, number: int) -> bool:
    """Accrue every market in which the account has a position; whether it has any."""
    for m in sorted(ledger.account(number).positions):
        accrue(ledger, m)
    return bool(ledger.account(number).positions)


def owed(market: Market, position: Position) -> int:
    """Funding and socialised loss since the last settlement; positive: the trader pays."""
    funding = ceil(position.size, market.index - position.index, WAD)
    return funding + ceil(abs(position.size), market.loss(position.size) - position.loss, WAD)


def fill_price(ledger: Ledger, m: int, delta: int, *, spread: bool = True) -> int:
    """Price of trading ``delta`` at the market's skew, floored at 0."""
    terms, index = ledger.terms[m], ledger.index_price(m)
    scaled = 2 * terms.skew_scale + 2 * ledger.markets[m].skew + delta
    half = ceil(index, terms.half_spread, WAD) if spread else 0
    if delta > 0:
        price = ceil(scaled, index, 2 * terms.skew_scale) + half
    else:
        price = floor(scaled, index, 2 * terms.skew_scale) - half
    return max(price, 0)


def closeout_value(ledger: Ledger, m: int, size: int) -> int:
    """Signed USD of closing a position now without spread."""
    return floor(size, fill_price(ledger, m, -size, spread=False), WAD)


def mark_price(ledger: Ledger, m: int) -> int:
    terms = ledger.terms[m]
    scaled = terms.skew_scale + ledger.markets[m].skew
    return max(floor(scaled, ledger.index_price(m), terms.skew_scale), 0)


def applied(position: Position | None, delta: int, price: int) -> tuple[int, int, int]:
    """(size, cost, realised) after trading ``delta`` at ``price``."""
    size, cost = (position.size, position.cost) if position else (0, 0)
    if sign(size) * sign(delta) >= 0:
        return size + delta, cost + ceil(delta, price, WAD), 0
    closing = -size if abs(delta) >= abs(size) else delta
    released = cost if closing == -size else ceil(cost, abs(delta), abs(size))
    realised = -ceil(closing, price, WAD) - released
    return size + delta, cost - released + ceil(delta - closing, price, WAD), realised


def store(ledger: Ledger, number: int, m: int, new: Position) -> None:
    """Replace a position (size 0: none), and what follows from it in the market."""
    account, market = ledger.account(number), ledger.markets[m]
    old = account.positions.get(m)
    before = old.size if old else 0
    market.skew += new.size - before
    market.longs += max(new.size, 0) - max(before, 0)
    if not new.size:
        account.positions.pop(m, None)
        return
    if not old:
        require(len(ledger.holders(m)) < MAX_HOLDERS, "clearing: too many accounts")
        market.opened += 1
    account.positions[m] = replace(new, opened=old.opened if old else market.opened)


def exchange(ledger: Ledger, number: int, m: int, delta: int, price: int) -> int:
    """Settle what the position owes and trade against the maker; returns the realised PnL.

    The market must be accrued.
    """
    account, market = ledger.account(number), ledger.markets[m]
    old = account.positions.get(m)
    paid = owed(market, old) if old else 0
    size, cost, realised = applied(old, delta, price)
    store(ledger, number, m, Position(size, cost, market.index, market.loss(size)))
    account.cash += realised - paid
    ledger.maker_cash -= realised - paid
    return realised
