"""wind_down(), settle_market(), settle_position() (SPEC §3.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.mirror import HIGHEST, Mirror, account_of
from tests.reference.integers import WAD
from tests.reference.venue import wad

DAY = 86_400
NOTICE, FEED_WAIT = 7 * DAY, 3 * DAY


@pytest.fixture
def events(project: Any) -> dict[str, Any]:
    """ABI by name of what the Settlement logs for the ClearingHouse."""
    return {event.name: event for event in project.Settlement.contract_type.events}


@pytest.fixture
def held(mirror: Mirror, clearing: Any, owner: Any, trader: Any, counterparty: Any) -> Any:
    """The trader holds 2 BTC and the counterparty is short one; without funding."""
    terms = list(clearing.market(0))
    terms[4] = 0
    clearing.set_market(0, tuple(terms), sender=owner)
    for actor, size in ((trader, 2), (counterparty, -1)):
        mirror.deposit(actor, 100_000)
        mirror.trade(actor, 0, size)
    return clearing


def test_a_wind_down_is_announced_with_its_day_and_stops_more_risk(
    held: Any, chain: Any, owner: Any, trader: Any, events: dict[str, Any]
) -> None:
    receipt = held.wind_down(0, sender=owner)
    due = receipt.timestamp + NOTICE
    (event,) = receipt.decode_logs(events["WindDownAnnounced"])
    assert (event.market, event.due) == (0, due)
    assert tuple(held.settlement(0)) == (0, due, False, 0)
    with ape.reverts("clearing: winding down"):
        held.trade(0, 0, 1, HIGHEST, sender=trader)
    with ape.reverts("clearing: winding down"):
        held.trade(0, 0, -2 * WAD - 1, 0, sender=trader)
    held.trade(0, 0, -WAD, 0, sender=trader)
    assert held.position(account_of(trader), 0).size == WAD


def test_only_the_owner_winds_down_and_once(held: Any, owner: Any, trader: Any) -> None:
    with ape.reverts("roles: not the owner"):
        held.wind_down(0, sender=trader)
    with ape.reverts("clearing: wrong market"):
        held.wind_down(2, sender=owner)
    held.wind_down(0, sender=owner)
    with ape.reverts("clearing: winding down"):
        held.wind_down(0, sender=owner)


def test_everything_is_settled_at_the_index_to_the_unit(
    held: Any,
    owner: Any,
    trader: Any,
    counterparty: Any,
    keeper: Any,
    advance: Callable[..., None],
    set_price: Callable[..., None],
    events: dict[str, Any],
) -> None:
    """Down by 1,000: 2,000 from the long, 1,000 to the short, and the premiums come back."""
    with ape.reverts("clearing: too soon"):
        held.settle_market(0, sender=keeper)
    held.wind_down(0, sender=owner)
    advance(NOTICE)
    set_price(BTC=29_000)
    long, short = account_of(trader), account_of(counterparty)
    costs = held.position(long, 0).cost, held.position(short, 0).cost
    cash = held.cash(long), held.cash(short)
    pool = held.premium_pool(0)
    receipt = held.settle_market(0, sender=keeper)
    (event,) = receipt.decode_logs(events["MarketSettled"])
    assert (event.price, event.priced_at) == (wad(29_000), receipt.timestamp)
    # The skew of one is the longs': its claim, 29,000 · 1/(2 · 1,000), is all theirs.
    (part,) = receipt.decode_logs(events["PremiumReturned"])
    assert (part.account, part.amount) == (long, min(pool, wad("14.5")))
    assert held.premium_pool(0) == 0
    with ape.reverts("clearing: settled"):
        held.trade(0, 0, -WAD, 0, sender=trader)
    with ape.reverts("clearing: losses first"):
        held.settle_position(short, 0, sender=keeper)
    receipt = held.settle_position(long, 0, sender=keeper)
    (event,) = receipt.decode_logs(events["PositionSettled"])
    gain = 2 * wad(29_000) - costs[0]
    assert (event.size, event.price, event.gain) == (2 * WAD, wad(29_000), gain)
    assert held.cash(long) == cash[0] + part.amount + gain
    held.settle_position(short, 0, sender=keeper)
    assert held.cash(short) == cash[1] - wad(29_000) - costs[1]
    assert held.settlement(0).closed
    with ape.reverts("clearing: no position"):
        held.settle_position(short, 0, sender=keeper)


def test_a_dead_feed_settles_at_its_last_price_three_days_on(
    held: Any,
    owner: Any,
    trader: Any,
    oracle: Any,
    tokens: dict[str, Any],
    chain: Any,
    reporter: Any,
    advance: Callable[..., None],
) -> None:
    """And the account that was locked by it is free."""
    held.wind_down(0, sender=owner)
    seen = oracle.latest(tokens["BTC"])[1]

    def others() -> None:
        alive = [token for symbol, token in tokens.items() if symbol != "BTC"]
        prices = [oracle.latest(token)[0] for token in alive]
        oracle.report(alive, prices, chain.blocks.head.timestamp, sender=reporter)

    advance(NOTICE, refresh=False)
    others()
    with ape.reverts("oracle: stale"):
        held.settle_market(0, sender=trader)
    with ape.reverts("oracle: stale"):
        held.withdraw(0, 0, 1, trader, sender=trader)
    advance(FEED_WAIT, refresh=False)
    others()
    held.settle_market(0, sender=trader)
    assert held.settlement(0).price == wad(30_000)
    assert seen < chain.blocks.head.timestamp - NOTICE
    held.withdraw(0, 0, 1, trader, sender=trader)
