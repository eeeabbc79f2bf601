"""Deposits, withdrawals, trades and slices (contracts/SPEC.md §3.5)."""

from __future__ import annotations

from dataclasses import replace

from tests.reference.clearing import insolvent, maker, perp, waterfall
from tests.reference.clearing.margin import require_initial_margin, require_release, valuation
from tests.reference.clearing.state import Account, Ledger, Position, require
from tests.reference.integers import WAD, ceil, floor, sign, truncate

SCALE_INTERVAL = 3_600
SIDES = 4  # times the inventory limit: the most longs, or shorts, may hold of a market
LEAST_MOVED = 10**6  # raw units of a collateral that go with what it backs
LEAST_SLICE = 100 * WAD  # USD at entry, of the positions in a part of an account


def account_number(ledger: Ledger, owner: int, sub: int) -> int:
    require(sub <= len(ledger.terms), "clearing: wrong market")
    return owner << 8 | sub


def check_collateral(ledger: Ledger, c: int) -> None:
    require(c < len(ledger.collaterals), "clearing: no collateral")


def credit(ledger: Ledger, account: Account, c: int, raw: int) -> None:
    if c == 0:
        account.cash += raw * ledger.cash_unit
    else:
        account.basket[c] = account.basket.get(c, 0) + raw


def debit(ledger: Ledger, account: Account, c: int, raw: int) -> None:
    if c == 0:
        require(account.cash >= raw * ledger.cash_unit, "clearing: insufficient collateral")
        account.cash -= raw * ledger.cash_unit
    else:
        require(account.basket.get(c, 0) >= raw, "clearing: insufficient collateral")
        account.basket[c] = account.basket.get(c, 0) - raw


def deposit(
    ledger: Ledger, owner: int, sub: int, c: int, raw: int, payer: int | None = None
) -> None:
    """``payer``: who calls, the owner unless another is named."""
    number = account_number(ledger, owner, sub)
    check_collateral(ledger, c)
    require(c == 0 or payer in (None, owner), "clearing: no consent")
    require_room(ledger, number, c, raw)
    credit(ledger, ledger.account(number), c, raw)
    ledger.held[c] += raw


def require_room(ledger: Ledger, number: int, c: int, raw: int) -> None:
    """The cap of a collateral, which keeps no USDC from an account with a position."""
    free = c == 0 and ledger.account(number).positions
    fits = ledger.held[c] + raw <= ledger.collaterals[c].cap
    require(bool(free) or fits, "clearing: collateral cap")


def withdraw(ledger: Ledger, owner: int, sub: int, c: int, raw: int) -> None:
    number = account_number(ledger, owner, sub)
    check_collateral(ledger, c)
    debit(ledger, ledger.account(number), c, raw)
    require_release(ledger, number)
    ledger.held[c] -= raw


def transfer_margin(ledger: Ledger, owner: int, from_sub: int, to_sub: int, raw: int) -> None:
    giver = account_number(ledger, owner, from_sub)
    taker = account_number(ledger, owner, to_sub)
    debit(ledger, ledger.account(giver), 0, raw)
    credit(ledger, ledger.account(taker), 0, raw)
    require_release(ledger, giver)


def trade(ledger: Ledger, owner: int, sub: int, m: int, delta: int, limit: int) -> tuple[int, int]:
    """(fill, fee)."""
    require(delta != 0, "clearing: zero size")
    number = account_number(ledger, owner, sub)
    require(m < len(ledger.terms), "clearing: wrong market")
    require(sub in (0, m + 1), "clearing: wrong market")
    account = ledger.account(number)
    position = account.positions.get(m)
    before = position.size if position else 0
    after = before + delta
    adds = abs(after) > abs(before) or sign(before) * sign(after) < 0
    require(not (adds and ledger.paused), "clearing: paused")

    perp.accrue(ledger, m)
    ledger.index_price(m)
    if adds:
        require_room_to_trade(ledger, m, before, delta)
    maker.cover(ledger, m)
    closed = worth = 0
    if before * delta < 0:
        closed, worth = insolvent.close_with(ledger, number, m, delta)
    fill, fee = with_maker(ledger, number, m, delta - sign(delta) * closed, before)
    if closed:
        divided = ceil if delta > 0 else floor
        fill = divided(worth + divided(abs(delta) - closed, fill, WAD), WAD, abs(delta))
    require(fill <= limit if delta > 0 else fill >= limit, "clearing: slippage")
    if adds:
        maker.require_reserve(ledger, m)
    elif account.cash < 0:
        value = valuation(ledger.at_last_prices(), number).value
        require(value >= 0, "clearing: insolvent")
    waterfall.end(ledger)
    if adds:
        perp.accrue_held(ledger, number)
        require_initial_margin(ledger, number)
    return fill, fee


def with_maker(ledger: Ledger, number: int, m: int, delta: int, before: int) -> tuple[int, int]:
    """(fill, fee) of what the maker takes; nothing where nothing is left for it."""
    if not delta:
        return 0, 0
    account, terms = ledger.account(number), ledger.terms[m]
    paid, booked = perp.premium(ledger, m, delta), perp.booked_price(ledger, m, delta)
    fill = perp.effective_price(delta, booked, paid)
    ledger.markets[m].unpaid = perp.moved_unpaid(ledger, m, delta)
    cash = account.cash
    perp.exchange(ledger, number, m, delta, booked)
    perp.pay_premium(ledger, number, m, paid)
    fee = ceil(ceil(abs(delta), fill, WAD), terms.taker_fee, WAD)
    account.cash -= fee
    ledger.markets[m].maker_cash += fee
    waterfall.note_debt(ledger, number, m, before or delta, cash)
    return fill, fee


def require_room_to_trade(ledger: Ledger, m: int, before: int, delta: int) -> None:
    """What the maker takes of more risk: inventory, open interest, a side."""
    market, terms, most = ledger.markets[m], ledger.terms[m], inventory_limit(ledger, m)
    after, skew = before + delta, abs(market.skew + delta)
    require(skew <= most or skew <= abs(market.skew), "clearing: inventory limit")
    interest = market.longs + market.shorts - abs(before) + abs(after)
    side = (market.longs if delta > 0 else market.shorts) - held_on(before, delta) + abs(after)
    fits = interest <= terms.max_open_interest and side <= SIDES * most
    require(fits, "clearing: open interest cap")


def held_on(size: int, delta: int) -> int:
    """What a position of ``size`` has on the side that ``delta`` trades to."""
    return max(size * sign(delta), 0)


def inventory_limit(ledger: Ledger, m: int) -> int:
    """S: the largest skew into which risk may be added."""
    return min(ledger.terms[m].max_skew, perp.skew_bound(ledger, m))


def set_skew_scale(ledger: Ledger, m: int, scale: int) -> None:
    """Risk manager; a lower scale must hold what is open by the rules of a trade (SPEC §3.5)."""
    old = ledger.terms[m]
    if scale == old.skew_scale:
        return
    due = ledger.markets[m].scaled_at + SCALE_INTERVAL
    require(ledger.now >= due, "clearing: too soon")
    perp.accrue(ledger, m)
    highest = min(2 * old.skew_scale, ledger.deepest[m])
    require(2 * scale >= old.skew_scale and scale <= highest, "clearing: bad parameter")
    perp.sweep_pool(ledger, m)
    market = ledger.markets[m]
    ledger.terms = list(ledger.terms)
    ledger.terms[m] = replace(old, skew_scale=scale)
    market.scaled_at = ledger.now
    if scale < old.skew_scale:
        side = max(market.longs, market.shorts)
        most = inventory_limit(ledger, m)
        held = abs(market.skew) <= most and side <= SIDES * most
        require(held, "clearing: inventory limit")


def set_slice_consent(ledger: Ledger, receiver: int, giver: int, allowed: bool) -> None:
    (ledger.consents.add if allowed else ledger.consents.discard)((receiver, giver))


def transfer_slice(ledger: Ledger, giver: int, sub: int, fraction: int, taker: int) -> None:
    """Without pledges: what is burnt of them is credited, and ``waterfall.end`` called, after."""
    require(0 < fraction <= WAD, "clearing: zero size")
    source = account_number(ledger, giver, sub)
    target = account_number(ledger, taker, sub)
    require((taker, giver) in ledger.consents, "clearing: no consent")
    a, b = ledger.account(source), ledger.account(target)
    in_use = b.positions or b.pledges or b.cash < 0
    require(not in_use and source != target, "clearing: account in use")

    cash = a.cash * fraction // WAD
    a.cash -= cash
    b.cash += cash
    free = cash >= 0 and not a.positions
    for c, raw in a.basket.items():
        part = raw * fraction // WAD
        fine = ledger.collaterals[c].unit >= LEAST_MOVED
        enough = free or fine or part == raw or part >= LEAST_MOVED
        require(enough, "clearing: zero size")
        a.basket[c] -= part
        b.basket[c] = b.basket.get(c, 0) + part
    if cash < 0:
        total = max(sum(a.blamed.values()), 1)
        b.blamed = {key: ceil(part, -cash, total) for key, part in a.blamed.items()}
    worth, had = 0, bool(a.positions)
    for m, position in sorted(a.positions.items()):
        size = truncate(position.size, fraction, WAD)
        cost = truncate(position.cost, fraction, WAD)
        worth += abs(cost)
        if not size:
            continue
        rest = replace(position, size=position.size - size, cost=position.cost - cost)
        perp.store(ledger, source, m, rest)
        moved = Position(size, cost, position.index, position.loss)
        perp.store(ledger, target, m, moved)
    require(not had or fraction == WAD or worth >= LEAST_SLICE, "clearing: zero size")
    ledger.emptied.append(target)
    if not a.pledges:
        waterfall.end(ledger)
