"""Funding, fills and positions (contracts/SPEC.md §3.2, §3.3). Rounding is against the trader."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

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
    return replace(
        market,
        rate=rate,
        index=market.index + grown,
        updated_at=ledger.now,
        opening_skew=market.skew,
        liquidated=0,
    )


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


def skew_bound(ledger: Ledger, m: int) -> int:
    """B: from here on the premium rate is half the least maintenance margin."""
    terms, parameters = ledger.terms[m], ledger.parameters
    floor_rate = parameters.gross_floor if parameters.risk_multiple else WAD
    return terms.skew_scale * floor_rate * terms.maintenance_rate // (2 * WAD * WAD)


def half_spread(ledger: Ledger, m: int) -> int:
    """Half the spread charged: a round trip across one fall by the feed's deviation costs it."""
    terms = ledger.terms[m]
    fall, fee = Fraction(ledger.deviation.get(terms.asset, 0), WAD), Fraction(terms.taker_fee, WAD)
    # The price a seller must take and a buyer pay, (1 - h)/(1 + h), is at most this of each other.
    ratio = (1 - fall) * (1 + fee) / (1 - fee)
    return max(terms.half_spread, math.ceil((1 - ratio) / (1 + ratio) * WAD))


def booked_price(ledger: Ledger, m: int, delta: int) -> int:
    """Price at which a trade of ``delta`` enters cost and realised PnL."""
    index = ledger.index_price(m)
    half = ceil(index, half_spread(ledger, m), WAD)
    return index + half if delta > 0 else max(index - half, 0)


def double_integral(start: int, end: int, level: int, bound: int) -> int:
    """Twice the integral from ``start`` up to ``end`` of max(clamp(x), clamp(level)).

    Piece by piece, as the contract does not: constant at the level, then at -B, sloped, then at B.
    """
    flat = max(-bound, min(level, bound))
    corners = sorted({start, end, *(c for c in (-bound, bound, flat) if start < c < end)})
    total = 0
    for left, right in itertools.pairwise(corners):
        ends = [max(flat, -bound, min(x, bound)) for x in (left, right)]
        total += (ends[0] + ends[1]) * (right - left)
    return total


def premium(ledger: Ledger, m: int, delta: int) -> int:
    """USDC that trading ``delta`` pays into the pool, or (negative) is paid out of it."""
    market, terms = ledger.markets[m], ledger.terms[m]
    bound, index, side = skew_bound(ledger, m), ledger.index_price(m), sign(delta)
    start, opening = side * market.skew, side * market.opening_skew
    end, twice, paid = start + abs(delta), 2 * terms.skew_scale, 0
    if start < 0:
        home = min(end, 0)
        doubled = double_integral(start, home, opening, bound)
        if doubled < 0:
            before, after = claims(ledger, m, market.skew), claims(ledger, m, side * home)
            if before > after:
                free = max(-doubled - min(market.unpaid, potential(ledger, m, start)), 0)
                earned = floor(free // twice, index, WAD)
                paid -= min(earned, floor(market.pool, before - after, before))
        else:
            paid += ceil(-(-doubled // twice), index, WAD)
    if end > 0:
        doubled = double_integral(max(start, 0), end, opening, bound)
        paid += ceil(-(-doubled // twice), index, WAD)
    return paid


def potential(ledger: Ledger, m: int, skew: int) -> int:
    """Twice the integral of the clamped skew from zero, WAD**2."""
    return double_integral(0, abs(skew), 0, skew_bound(ledger, m))


def unpaid_at(ledger: Ledger, m: int, skew: int) -> int:
    """What is still unpaid once the skew has come home as far as ``skew``: the first goes first."""
    here = potential(ledger, m, ledger.markets[m].skew)
    released = here - potential(ledger, m, skew)
    return max(min(ledger.markets[m].unpaid, here) - released, 0)


def claims(ledger: Ledger, m: int, skew: int) -> int:
    """The part of the potential at ``skew``, on the way home, whose premium was paid."""
    return potential(ledger, m, skew) - unpaid_at(ledger, m, skew)


def moved_unpaid(ledger: Ledger, m: int, delta: int, missing: int = 0) -> int:
    """What is unpaid after a trade of ``delta`` of whose premium ``missing`` USDC was not paid.

    Before the trade changes the skew.
    """
    skew = ledger.markets[m].skew
    turn = sorted((0, skew, skew + delta))[1] if skew * delta < 0 else skew
    lacking = ceil(missing, WAD, ledger.index_price(m)) * 2 * ledger.terms[m].skew_scale
    out = potential(ledger, m, skew + delta) - potential(ledger, m, turn)
    return unpaid_at(ledger, m, turn) + min(lacking, out)


def pay_premium(ledger: Ledger, number: int, m: int, paid: int) -> None:
    ledger.account(number).cash -= paid
    ledger.markets[m].pool += paid
    require(ledger.markets[m].pool >= 0, "reference: a pool that owes")


def sweep_pool(ledger: Ledger, m: int) -> None:
    """What the pool holds beyond what closing the skew would earn goes to the maker."""
    market, claim = ledger.markets[m], 0
    if market.skew:
        paid_for = claims(ledger, m, market.skew)
        claim = floor(paid_for // (2 * ledger.terms[m].skew_scale), ledger.index_price(m), WAD)
    surplus = max(market.pool - claim, 0)
    market.pool -= surplus
    market.maker_cash += surplus


def effective_price(delta: int, booked: int, paid: int) -> int:
    """What a unit costs a buyer or brings a seller, premium included."""
    return max(booked + sign(delta) * ceil(paid, WAD, abs(delta)), 0)


def mark_price(ledger: Ledger, m: int) -> int:
    terms, bound = ledger.terms[m], skew_bound(ledger, m)
    scaled = terms.skew_scale + max(-bound, min(ledger.markets[m].skew, bound))
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
        if account.positions.pop(m, None):
            ledger.emptied.append(number)
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
    market.maker_cash -= realised - paid
    return realised
