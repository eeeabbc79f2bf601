"""The end of a market (contracts/SPEC.md §3.7), by a feed that is alive."""

from __future__ import annotations

from dataclasses import replace

from tests.reference.clearing import maker, perp, waterfall
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import Ledger, require
from tests.reference.integers import DAY, WAD, ceil, floor, sign

HEDGE_GRACE = DAY


def settle_market(ledger: Ledger, m: int) -> tuple[int]:
    """Fix the price; its owner has announced the end (``settlement_at``)."""
    market = ledger.markets[m]
    require(not market.settlement, "clearing: settled")
    due = market.settlement_at
    require(0 < due <= ledger.now, "clearing: too soon")
    price, ended = ledger.index_price(m), perp.accrued(ledger, m)
    ledger.markets[m] = market = replace(
        market, rate=0, index=ended.index, updated_at=ledger.now,
        settlement=price, settlement_at=ledger.now,
    )  # fmt: skip
    ledger.terms = list(ledger.terms)
    ledger.terms[m] = replace(ledger.terms[m], velocity=0)
    perp.sweep_pool(ledger, m)
    pool, side = market.pool, market.longs if market.skew > 0 else market.shorts
    for number in ledger.holders(m):
        account = ledger.account(number)
        size = account.positions[m].size
        if pool and sign(size) == sign(market.skew):
            part = floor(pool, abs(size), side)
            account.cash += part
            market.pool -= part
    market.maker_cash += market.pool
    market.pool = market.unpaid = 0
    # Borne as before, by the side that wins against the maker; from here on gains bear.
    market.settlement = 0
    maker.cover(ledger, m)
    ledger.markets[m].settlement = price
    ledger.markets[m].shortfall = max(-maker.value(ledger, m), 0)
    ledger.markets[m].gains = sum(max(gain(ledger, n, m), 0) for n in ledger.holders(m))
    return (price,)


def gain(ledger: Ledger, number: int, m: int) -> int:
    position, market = ledger.account(number).positions[m], ledger.markets[m]
    worth = floor(position.size, market.settlement, WAD)
    return worth - position.cost - perp.owed(market, position)


def settle_position(ledger: Ledger, caller: int, number: int, m: int) -> tuple[int]:
    market, account = ledger.markets[m], ledger.account(number)
    require(market.settlement != 0, "clearing: too soon")
    require(m in account.positions, "clearing: no position")
    if gain(ledger, number, m) < 0 and any(
        not ledger.markets[k].settlement for k in account.positions
    ):
        require(valuation(ledger, number).value >= 0, "clearing: losses first")
    if gain(ledger, number, m) > 0 and not market.closed:
        close_books(ledger, m)
    won, size = gain(ledger, number, m), account.positions[m].size
    stranger = number >> 8 != caller
    protected = stranger and ledger.now < market.settlement_at + HEDGE_GRACE
    protected = protected and healthy(ledger, number)
    before = account.cash
    perp.exchange(ledger, number, m, -size, market.settlement)
    waterfall.note_debt(ledger, number, m, size, before)
    value = valuation(ledger, number).value
    if won < 0 and account.cash < 0 and value < 0:
        missing = ceil(-value, WAD, ledger.price(ledger.usdc))
        debt = min(missing, -won, -account.cash)
        blamed = account.blamed.get((m, size > 0), 0)
        account.blamed[m, size > 0] = max(blamed - debt, 0)
        account.cash += debt
        ledger.bad_debt += debt
        waterfall.gate(ledger, waterfall.bear(ledger, m, debt, longs=size < 0))
    require(not protected or healthy(ledger, number), "clearing: too soon")
    waterfall.end(ledger)
    return (won,)


def healthy(ledger: Ledger, number: int) -> bool:
    state = valuation(ledger, number)
    return state.equity >= state.maintenance


def close_books(ledger: Ledger, m: int) -> None:
    """What is short is taken from all gains by one part, once."""
    gains = {number: gain(ledger, number, m) for number in ledger.holders(m)}
    require(min(gains.values()) >= 0, "clearing: losses first")
    market, total = ledger.markets[m], sum(gains.values())
    market.closed = True
    short = min(market.shortfall, total)
    for number, won in gains.items():
        position = ledger.account(number).positions[m]
        cut = ceil(won, short, total) if short else 0
        perp.store(ledger, number, m, replace(position, cost=position.cost + cut))
