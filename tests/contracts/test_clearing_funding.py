"""Funding by velocity (SPEC §3.2). Times come from receipts: networks mine at their own pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.contracts.conftest import VENUE, rescale
from tests.contracts.mirror import Mirror, account_of, agree
from tests.reference.integers import WAD
from tests.reference.venue import wad

DAY = 86_400
BTC = replace(VENUE.markets[0], velocity=Fraction(9))
SOL = replace(VENUE.markets[1], velocity=Fraction(2))


@pytest.fixture
def funding(
    mirror: Mirror, owner: Any, tokens: dict[str, Any], trader: Any, counterparty: Any
) -> Mirror:
    """The venue with funding on, and two traders with cash."""
    for market, terms in enumerate((BTC, SOL)):
        words = terms.market(tokens[terms.asset].address)
        mirror.clearing.set_market(market, words, sender=owner)
        mirror.ledger.terms[market] = terms.ledger_terms()
    mirror.deposit(trader, 500_000)
    mirror.deposit(counterparty, 500_000)
    return mirror


def stored(mirror: Mirror, market: int) -> None:
    """Funding just accrued is the reference's. Call after an operation on `market`."""
    state, expected = mirror.clearing.last_market_state(market), mirror.ledger.markets[market]
    if state.updated_at == expected.updated_at:  # no time has passed on this network since
        assert (state.funding_rate, state.funding_index) == (expected.rate, expected.index)
    mirror.check()


def test_funding_of_one_day_by_hand(
    funding: Mirror, trader: Any, advance: Callable[..., None]
) -> None:
    opened = funding.trade(trader, 0, 10)
    start = funding.ledger.now
    advance(DAY)
    closed = funding.trade(trader, 0, -10)
    days = Fraction(funding.ledger.now - start, DAY)
    # r grows by 9 · 10/1,000 per day; F by the mean rate times 30,000 times the days
    index = Fraction(9, 100) * days / 2 * 30_000 * days
    spread_and_fees = 300 + Fraction(opened.fee + closed.fee, WAD)
    agree(funding.clearing.cash(account_of(trader)), 500_000 - spread_and_fees - 10 * index, "cash")
    assert 13_400 < 10 * index < 13_700
    stored(funding, 0)


def test_longs_pay_shorts_and_the_maker_takes_the_rest(
    funding: Mirror, trader: Any, counterparty: Any, advance: Callable[..., None]
) -> None:
    funding.trade(trader, 0, 10)
    funding.trade(counterparty, 0, -4)
    advance(6 * 3_600)
    funding.trade(trader, 0, 1)
    funding.trade(counterparty, 0, 1)
    stored(funding, 0)
    advance(2 * DAY)
    funding.trade(trader, 0, -15)  # flips: skew turns negative, the rate starts to fall
    advance(DAY)
    funding.set_price(BTC=33_333)
    funding.trade(trader, 0, 4)
    funding.trade(counterparty, 0, 3)
    stored(funding, 0)
    clearing = funding.clearing
    total = sum(clearing.cash(account_of(actor)) for actor in (trader, counterparty))
    total += clearing.maker_cash(0) + clearing.maker_cash(1) + clearing.insurance_fund()
    total += clearing.premium_pool(0) + clearing.premium_pool(1)
    assert total == clearing.collateral_held(0) * 10**12


def test_rate_is_clamped_at_the_skew_scale(
    funding: Mirror, trader: Any, owner: Any, advance: Callable[..., None]
) -> None:
    funding.trade(trader, 0, 10)
    receipt = rescale(funding.clearing, wad(5), owner)
    before = funding.clearing.last_market_state(0)
    advance(3_600)
    later = funding.clearing.last_market_state(0)
    elapsed = later.updated_at - before.updated_at
    assert before.updated_at >= receipt.timestamp
    assert abs(later.funding_rate - before.funding_rate - 9 * WAD * elapsed // DAY) <= 1


def test_view_is_what_the_next_operation_writes(
    funding: Mirror, trader: Any, advance: Callable[..., None], chain: Any
) -> None:
    funding.trade(trader, 0, 10)
    advance(DAY)
    receipt = funding.clearing.trade(0, 0, wad(-1), 0, sender=trader)
    (event,) = receipt.events.filter(funding.clearing.FundingAccrued)
    state = funding.clearing.market_state(0)
    elapsed = state.updated_at - receipt.timestamp
    assert elapsed <= 5
    assert (
        0 <= state.funding_rate - event.funding_rate <= 9 * WAD * 9 // 1_000 * (elapsed + 1) // DAY
    )


def test_position_in_one_market_settles_only_that_market(
    funding: Mirror, trader: Any, advance: Callable[..., None]
) -> None:
    funding.trade(trader, 0, 10)
    funding.trade(trader, 1, -3_000)
    advance(DAY)
    funding.trade(trader, 1, 1_000)
    entry = funding.clearing.position(account_of(trader), 0).funding_index
    assert entry == 0  # market 0 is accrued neither for a reduction in market 1 nor settled
    funding.check()
    advance(DAY)
    funding.trade(trader, 1, -500)  # checks margin, so it accrues market 0 without settling it
    assert funding.ledger.markets[0].updated_at == funding.ledger.now
    funding.check()
    funding.trade(trader, 0, -10)
    stored(funding, 0)
