"""Who was liquidated, when and for how much; to whom that sold, and who was left a debt.

Rows are those of :mod:`simulator.world.parties`. Around a liquidation it is seen what it did to the
skew, to winners' positions, to the holdings of those who trade outside and to the venue's funds;
skew that it left is handed on, forced first, to whoever takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books import deleveraged
from simulator.books.metric import PARTY, Ended, Metric
from simulator.books.operations import on_vault
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import LIQUIDATE, TRADE
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.outside import held
from simulator.model.venues.aave.borrowers import unbacked
from simulator.model.venues.perps.margin import standing
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.protocol.action_spec import Worth

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.types import Floats

_HOUR = 3600.0
_SIZE, _USDC_IN, _REPAID = int(Worth.SIZE), int(Worth.USDC_IN), int(Worth.REPAID)

#: To whom a party sold (< 0: of whom it bought), USD at the index or what was paid.
SOLD = {
    "to_outside": "in the market outside, itself or through those who passed it on there",
    "to_maker": "to the maker of the ClearingHouse, who has it until it is taken back",
    "to_winners": "to those on the other side who were closed against it, the vault apart",
    "to_vault": "to the vault, whose hedge was closed against it",
    "to_liquidator": "to the liquidator: collateral, pledged liquidity, what backed a loan",
}
#: Who bore a debt that it left, USD.
OWED = {
    "owes_insurance": "the insurance fund",
    "owes_venue": "the venue's own money",
    "owes_traders": "other traders, as socialised loss",
    "owes_elsewhere": "lenders, or its venue elsewhere",
}
LAYOUT: Layout = (
    *each("", ("fallen", "1", "parties that were liquidated so far")),
    *each(
        "parties",
        ("liquidated", "USD", "so far"),
        ("first", "seconds", "since the start, of its first liquidation; NaN: none"),
        ("place", "1", "as how-manyeth it fell; NaN: it did not"),
        *((name, "USD", what) for name, what in (SOLD | OWED).items()),
    ),
    *each("venues", ("at_venue", "USD", "liquidated there so far")),
    # As a liquidation or a trade begins.
    *each("markets", ("skew", "base units", ""), ("of_the_vault", "base units", "its hedge")),
    *each("assets", ("held", "tokens", "by those who trade outside")),
    *each("accounts markets", ("size", "base units", "while somebody is insolvent")),
    *each("", ("watched", "1", "whether somebody was insolvent as it began")),
    *each("", ("side", "1", "of the position; 0: none"), ("before_insured", "USDC", "drawn")),
    *each("", ("before_borne", "USDC", "drawn"), ("bad_debt", "USDC", "")),
)


@inner
def _begin(w: Path) -> None:
    book = w.book.cascade
    book.fallen = 0.0
    for party in range(w.tables.count.parties):
        book.liquidated[party] = 0.0
        book.first[party] = book.place[party] = np.nan
        book.to_outside[party] = book.to_maker[party] = book.to_winners[party] = 0.0
        book.to_vault[party] = book.to_liquidator[party] = 0.0
        book.owes_insurance[party] = book.owes_venue[party] = book.owes_traders[party] = 0.0
        book.owes_elsewhere[party] = 0.0
        for asset in range(w.tables.count.assets):
            w.outside.due[party, asset] = 0.0
        for market in range(w.tables.count.markets):
            w.outside.skewed[party, market] = 0.0
    for venue in range(w.tables.count.venues):
        book.at_venue[venue] = 0.0


@inner
def advanced(w: Path) -> None:
    """Whom the market closed elsewhere on the way here, and what was passed on outside."""
    book, outside, table = w.book.cascade, w.outside, w.tables.forced
    if w.tables.count.parties == 0:
        return
    if w.now.step == 0.0:
        _begin(w)
    for party in range(w.tables.count.parties):
        for asset in range(w.tables.count.assets):
            book.to_outside[party] -= outside.due[party, asset] * w.now.index[asset]
    for at_oracle in range(2):  # who goes by the index falls before who goes by the oracle's price
        rank = book.fallen + 1.0
        for crowd in range(w.tables.count.crowds):
            if w.tables.outside.crowd_at_oracle[crowd] != at_oracle:
                continue
            party = table.of_crowd[crowd]
            more = outside.sold[crowd] - book.liquidated[party]
            if more > 0.0:
                book.to_outside[party] += w.tables.outside.crowd_side[crowd] * more
                book.owes_elsewhere[party] = outside.deficit[crowd]
                _note(w, party, more, rank)


@inner
def _note(w: Path, party: int, usd: float, rank: float) -> None:
    """Somebody was liquidated of so much."""
    book = w.book.cascade
    if np.isnan(book.first[party]):
        book.first[party], book.place[party] = w.now.clock, rank
        book.fallen += 1.0
    book.liquidated[party] += usd
    book.at_venue[w.tables.forced.venue[party]] += usd


@inner
def _party(w: Path) -> int:
    """Whom the order liquidates."""
    table, order = w.tables.forced, w.order
    if table.worth[order.kind] == _REPAID:
        return table.of_borrower[order.borrower]
    found = table.of_kind[order.kind]
    return found if found >= 0 else table.of_account[order.account]


@inner
def acting(w: Path) -> None:
    """Before a liquidation, or before somebody trades on skew that one has left."""
    book, clearing, count, kind = w.book.cascade, w.state.clearing, w.tables.count, w.order.kind
    if count.parties == 0:
        return
    for market in range(count.markets):
        book.skew[market] = clearing.skew[market]
    book.watched = 0.0
    if w.tables.forced.worth[kind] == 0:
        _watch(w)
        return
    order = w.order
    book.side = 0.0
    if kind == LIQUIDATE:
        book.side = np.sign(clearing.size[order.account, order.market])
        deleveraged.acting(w)
    for market in range(count.markets):
        book.of_the_vault[market] = _hedge(w, market)
    for asset in range(count.assets):
        book.held[asset] = held(w, asset)
    book.before_insured, book.before_borne = _drawn(w)
    book.bad_debt = clearing.bad_debt


@inner
def _watch(w: Path) -> None:
    """Before a trade or an operation of the vault, which may close the insolvent (insolvent.py)."""
    book, count, clearing = w.book.cascade, w.tables.count, w.state.clearing
    if w.order.kind != TRADE and not on_vault(w):
        return
    for account in range(count.accounts):
        if standing(w, account).value < 0.0:
            book.watched = 1.0
    if book.watched == 0.0:
        return
    for account in range(count.accounts):
        for market in range(count.markets):
            book.size[account, market] = clearing.size[account, market]
    book.before_insured, book.before_borne = _drawn(w)
    book.bad_debt = clearing.bad_debt


@inner
def _hedge(w: Path, market: int) -> float:
    """Size of the vault's perp in a market, over its accounts."""
    size = 0.0
    for account in range(1 + w.tables.count.markets):
        size += w.state.clearing.size[account, market]
    return size


@inner
def _drawn(w: Path) -> tuple[float, float]:
    """USDC that insurance and the venue have paid for debts."""
    insured = borne = 0.0
    for market in range(w.tables.count.markets):
        insured += w.state.clearing.insurance_drawn[market]
        borne += w.state.clearing.maker_drawn[market]
    return insured, borne


@inner
def acted(w: Path) -> None:
    """What came of it."""
    if w.tables.count.parties == 0 or w.order.status != OK:
        return
    if w.tables.forced.worth[w.order.kind] != 0:
        _liquidated(w, _party(w))
    else:
        if w.book.cascade.watched != 0.0:
            _closed_with(w)
        _taken_back(w)


@inner
def _is_actor(w: Path, account: int) -> bool:
    """Whether an account is of whoever closed: an agent's, or one of the vault's."""
    if w.order.kind == TRADE:
        return bool(account == w.tables.agent.account[w.order.agent])
    return account <= w.tables.count.markets


@inner
def _closed_usd(w: Path, account: int, market: int) -> float:
    """USD by which somebody else's close has made a position smaller."""
    if _is_actor(w, account):
        return 0.0
    closed = abs(w.book.cascade.size[account, market])
    closed -= abs(w.state.clearing.size[account, market])
    return max(closed, 0.0) * w.now.price[w.tables.clearing.asset[market]]


@inner
def _closed_with(w: Path) -> None:
    """Count whom somebody's close at a profit has closed; what was paid is theirs by what went."""
    book, count = w.book.cascade, w.tables.count
    total = 0.0
    for account in range(count.accounts):
        for market in range(count.markets):
            total += _closed_usd(w, account, market)
    if total == 0.0:
        return
    lacked = (w.state.clearing.bad_debt - book.bad_debt) * w.now.price[USDC_ASSET]
    deleveraged.note(w, total, total, lacked)
    rank, own = book.fallen + 1.0, w.order.kind != TRADE
    for account in range(count.accounts):
        for market in range(count.markets):
            usd = _closed_usd(w, account, market)
            if usd == 0.0:
                continue
            party, side = w.tables.forced.of_account[account], np.sign(book.size[account, market])
            if own:
                book.to_vault[party] += side * usd
            else:
                book.to_winners[party] += side * usd
            if _trades_outside(w, account):
                asset = w.tables.clearing.asset[market]
                moved = book.size[account, market] - w.state.clearing.size[account, market]
                w.outside.due[party, asset] += moved
            _left_owed(w, party, usd / total)
            _note(w, party, usd, rank)


@inner
def _trades_outside(w: Path, account: int) -> bool:
    """Whether an account is of somebody who trades outside what its holdings change by."""
    found = False
    for agent in range(w.tables.count.agents):
        if w.tables.agent.account[agent] == account:
            found = found or _passes_on(w, agent)
    return found


@inner
def _left_owed(w: Path, party: int, part: float) -> None:
    """Charge a party its part of what others have paid for debts since it began."""
    book, usdc = w.book.cascade, w.now.price[USDC_ASSET]
    insured, borne = _drawn(w)
    insured, borne = insured - book.before_insured, borne - book.before_borne
    book.owes_insurance[party] += part * insured * usdc
    book.owes_venue[party] += part * borne * usdc
    left = max(w.state.clearing.bad_debt - book.bad_debt - insured - borne, 0.0)
    book.owes_traders[party] += part * left * usdc


@inner
def _liquidated(w: Path, party: int) -> None:
    """Count a liquidation, and to whom it sold."""
    book, clearing, order, now = w.book.cascade, w.state.clearing, w.order, w.now
    usdc, worth = now.price[USDC_ASSET], w.tables.forced.worth[order.kind]
    asset = w.tables.clearing.asset
    usd = order.amount_in * usdc if worth == _USDC_IN else order.amount_out * usdc
    if worth == _SIZE:
        usd = order.amount_in * now.price[asset[order.market]]
    elif worth == _REPAID:
        usd = order.amount_in * now.price[w.tables.lending.asset[order.repaid]]
        book.owes_elsewhere[party] = unbacked(w, order.borrower)
    closed = vaults = 0.0
    for market in range(w.tables.count.markets):
        moved = clearing.skew[market] - book.skew[market]
        w.outside.skewed[party, market] += moved
        closed += abs(moved) * now.price[asset[market]]
        book.to_maker[party] -= moved * now.price[asset[market]]
        change = abs(_hedge(w, market) - book.of_the_vault[market])
        vaults += change * now.price[asset[market]]
    if worth == _SIZE:
        taken = max(usd - closed, 0.0)
        deleveraged.note(w, usd, taken, deleveraged.lacking(w))
        vaults = 0.0 if order.account <= w.tables.count.markets else min(vaults, taken)
        book.to_vault[party] += book.side * vaults
        book.to_winners[party] += book.side * (taken - vaults)
    else:
        book.to_liquidator[party] += usd
    for number in range(w.tables.count.assets):
        if number != USDC_ASSET:  # which pays for it
            w.outside.due[party, number] += book.held[number] - held(w, number)
    _left_owed(w, party, 1.0)
    _note(w, party, usd, book.fallen + 1.0)


@inner
def _taken_back(w: Path) -> None:
    """Skew that moves back is first what liquidations left, of all of them in proportion.

    Who trades outside passes it on there; with anybody else it has found its buyer.
    """
    book, outside, order = w.book.cascade, w.outside, w.order
    passes = order.kind == TRADE and _passes_on(w, order.agent)
    for market in range(w.tables.count.markets):
        moved = w.state.clearing.skew[market] - book.skew[market]
        if moved == 0.0:
            continue
        waiting = 0.0
        for party in range(w.tables.count.parties):
            waiting += max(-outside.skewed[party, market] * np.sign(moved), 0.0)
        if waiting == 0.0:
            continue
        share = min(abs(moved) / waiting, 1.0)
        for party in range(w.tables.count.parties):
            if outside.skewed[party, market] * moved < 0.0:
                back = share * outside.skewed[party, market]
                outside.skewed[party, market] -= back
                if passes:
                    outside.due[party, w.tables.clearing.asset[market]] += back


@inner
def _passes_on(w: Path, agent: int) -> bool:
    """Whether an agent trades outside what its holdings change by."""
    table = w.tables.outside
    for place in range(table.trader_count):
        if table.trader[place] == agent:
            return bool(table.on)
    return False


def _column(name: str) -> Callable[[Ended], Floats]:
    def of(ended: Ended) -> Floats:
        found: Floats = getattr(ended.book.cascade, name)
        return found

    return of


METRICS = (
    Metric(
        f"liquidated_{PARTY}",
        "USD",
        "what was liquidated of it: perps at notional, else what liquidators paid or took",
        _column("liquidated"),
        form=",.4g",
    ),
    Metric(
        f"fell_hours_{PARTY}",
        "hours",
        "since the start, of its first liquidation; NaN: there was none",
        lambda ended: ended.book.cascade.first / _HOUR,
    ),
    Metric(
        f"fell_place_{PARTY}",
        "number",
        "as how-manyeth of all it fell; those elsewhere of one venue and moment share a place",
        _column("place"),
    ),
    *(
        Metric(
            f"sold_{name}_{PARTY}", "USD", f"sold by force (< 0: bought) {what}",
            _column(name), statistics=(),
        )
        for name, what in SOLD.items()
    ),
    *(
        Metric(
            f"{name}_{PARTY}", "USD", f"debt it left, borne by {what}",
            _column(name), statistics=(),
        )
        for name, what in OWED.items()
    ),
)  # fmt: skip
