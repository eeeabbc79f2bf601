"""A :class:`Ledger` as storage words of the ClearingHouse: to write a state, and to check one.

Layout: ``contracts/modules/ledger.vy`` in declaration order, slots from the compiler. Assets are
addresses as integers. Who sits on which seat of a market is history, not state: checked as a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from simulator.chain.deploy.artifacts import load
from simulator.chain.reading.storage import mapping_slot as _mapping_slot
from tests.reference.amounts import sqrt_ratio_at_tick
from tests.reference.clearing import maker
from tests.reference.clearing.state import Ledger

Words = dict[int, int]
Read = Callable[[int], int]

mapping_slot = cache(_mapping_slot)
_ROW = 2**32 - 1


@cache
def slot(name: str) -> int:
    return load("ClearingHouse").slots[name]


def _struct(first: int, values: Iterable[int]) -> Iterator[tuple[int, int]]:
    return ((first + i, value % 2**256) for i, value in enumerate(values))


def state_words(ledger: Ledger) -> Words:
    """Everything operations change, except seats."""
    words: Words = {}

    def put(name: str, value: int, *keys: int) -> None:
        words[mapping_slot(slot(name), *keys)] = value % 2**256

    for m, market in enumerate(ledger.markets):
        state = (market.skew, market.rate, market.index, market.updated_at)
        words.update(_struct(mapping_slot(slot("state"), m), state))
        put("basis", maker.basis(ledger, m), m)
        put("long_interest", market.longs, m)
        put("loss_long", market.loss_long, m)
        put("loss_short", market.loss_short, m)
        put("insurance_drawn", market.insurance_drawn, m)
        put("maker_drawn", market.maker_drawn, m)
        put("scaled_at", market.scaled_at, m)
        put("premium_pool", market.pool, m)
        put("unpaid_premium", market.unpaid, m)
        put("maker_cash", market.maker_cash, m)
        put("opening_skew", market.opening_skew, m)
        put("liquidated", market.liquidated, m)
        at = market.closed << 63 | market.settlement_at
        put("settlement", market.settlement << 64 | at, m)
        put("shortfall", market.shortfall, m)
        put("gains", market.gains, m)
        put("seating", market.opened << 8 | len(ledger.holders(m)), m)
    for number, account in ledger.accounts.items():
        put("cash", account.cash, number)
        for m in range(len(ledger.markets)):
            for long in (False, True):
                put("blamed", account.blamed.get((m, long), 0), number, 2 * m + long)
        for c in range(1, len(ledger.collaterals)):
            put("collateral_balance", account.basket.get(c, 0), number, c)
        for m in range(len(ledger.markets)):
            p = account.positions.get(m)
            values = (p.size, p.cost, p.index, p.loss) if p else (0, 0, 0, 0)
            words.update(_struct(mapping_slot(slot("position"), number, m), values))
        for token_id, pledge in account.pledges.items():
            edges = (sqrt_ratio_at_tick(pledge.lower), sqrt_ratio_at_tick(pledge.upper))
            terms = (number, pledge.liquidity, *edges)
            words.update(_struct(mapping_slot(slot("pledge_terms"), token_id), terms))
    for c, raw in enumerate(ledger.held):
        put("collateral_held", raw, c)
    for name in ("insurance_fund", "bad_debt", "gate_until", "pledged_liquidity"):
        put(name, getattr(ledger, name))
    put("paused", int(ledger.paused))
    return words


def initial_words(ledger: Ledger) -> Words:
    """The above with what it is not compared by: seats, pledge lists, consents."""
    words = state_words(ledger)
    for m in range(len(ledger.markets)):
        order = sorted(ledger.holders(m), key=lambda n: ledger.accounts[n].positions[m].opened)
        for seat, number in enumerate(order):
            opened = ledger.accounts[number].positions[m].opened
            words[mapping_slot(slot("holder"), m, seat)] = number
            words[mapping_slot(slot("seat"), number, m)] = opened << 8 | (seat + 1)
    for number, account in ledger.accounts.items():
        first = mapping_slot(slot("pledges"), number)
        words.update(_struct(first, (len(account.pledges), *account.pledges)))
    for receiver, giver in ledger.consents:
        words[mapping_slot(slot("slice_consent"), receiver, giver)] = 1
    return words


def terms_words(ledger: Ledger, manager: int, pool: int, fee: int) -> Words:
    """Parameters, markets, collaterals, covariance, and the terms of liquidity in a pool."""
    words: Words = {}
    liquidity = ledger.liquidity_terms
    if liquidity:
        pledged = (manager, pool, liquidity.haircut, liquidity.cap)
        words.update(_struct(slot("lp_collateral"), pledged))
        words[slot("lp_base")] = liquidity.base
        words[slot("lp_fee")] = fee
        words[slot("lp_unit_ratio")] = 10 ** ((liquidity.base_decimals - 6) // 2)
    p = ledger.parameters
    words[slot("market_count")] = len(ledger.terms)
    words[slot("collateral_count")] = len(ledger.collaterals)
    words.update(
        _struct(
            slot("parameters"),
            (
                p.initial_multiple,
                p.liquidation_penalty,
                p.liquidator_share,
                p.profit_cap,
                p.gross_floor,
                p.risk_multiple,
                p.withdrawal_gate,
                p.deleveraging,
            ),
        )
    )
    for m, t in enumerate(ledger.terms):
        values = (
            t.asset,
            t.skew_scale,
            t.half_spread,
            t.taker_fee,
            t.velocity,
            t.max_skew,
            t.maintenance_rate,
            t.max_open_interest,
            t.insurance_cap,
            t.maker_loss_cap,
        )
        words.update(_struct(mapping_slot(slot("market"), m), values))
    for i, c in enumerate(ledger.collaterals):
        first = mapping_slot(slot("collateral"), i)
        words.update(_struct(first, (c.asset, c.haircut, c.cap, c.unit)))
    words[slot("covariance_posted_at")] = ledger.rows_posted_at
    for name, rows in (("row", ledger.rows), ("row_before", ledger.rows_before)):
        for asset, row in rows.items():
            word = sum((entry & _ROW) << 32 * j for j, entry in enumerate(row))
            words[mapping_slot(slot(name), asset)] = word
    return words


def differences(ledger: Ledger, read: Read) -> list[str]:
    """Where the contract's storage is not what the ledger says."""
    found = [
        f"slot {place:#x}: {read(place):#x}, expected {word:#x}"
        for place, word in state_words(ledger).items()
        if read(place) != word
    ]
    for m in range(len(ledger.markets)):
        expected = set(ledger.holders(m))
        seats = {read(mapping_slot(slot("holder"), m, seat)) for seat in range(len(expected))}
        if seats != expected:
            found.append(f"holders of {m}: {seats}, expected {expected}")
    for number, account in ledger.accounts.items():
        first = mapping_slot(slot("pledges"), number)
        count = read(first)
        listed = {read(first + 1 + i) for i in range(count)}
        if count != len(account.pledges) or listed != set(account.pledges):
            found.append(f"pledges of {number:#x}: {listed}, expected {set(account.pledges)}")
    return found
