"""trade(): fills, costs, fees, limits (SPEC §3.3, §3.5)."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from tests.contracts.conftest import rescale
from tests.contracts.mirror import HIGHEST, Mirror, account_of
from tests.reference.integers import WAD
from tests.reference.venue import wad


@pytest.fixture
def long(mirror: Mirror, trader: Any) -> Mirror:
    """The trader holds 10 BTC on 100,000 USDC."""
    mirror.deposit(trader, 100_000)
    mirror.trade(trader, 0, 10)
    return mirror


def test_fill_is_the_index_half_the_spread_and_the_premium(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 100_000)
    event = mirror.trade(trader, 0, 10)
    # Premium 30,000 · 10²/(2 · 1,000) = 1,500, 150 a BTC; 30,000 · 1.0005 + 150 = 30,165; fee
    # 10 · 30,165 · 0.0002 = 60.33
    assert (event.fill, event.fee, event.realised) == (wad(30_165), wad("60.33"), 0)
    assert event.premium == mirror.clearing.premium_pool(0) == wad(1_500)
    state = mirror.clearing.account_state(account_of(trader))
    # booked at 30,015 and worth 30,000: unrealised -150; M = 10 · 30,000 · 5 %
    assert state.balance == wad("98289.67")
    assert state.equity == wad("97306.7733")
    assert state.maintenance == wad(15_000)
    mirror.check()


def test_seller_fills_below_the_index(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 100_000)
    assert mirror.trade(trader, 0, -10).fill == wad(29_835)
    mirror.check()


def test_adding_reducing_and_flipping_follow_the_reference(
    mirror: Mirror, trader: Any, counterparty: Any
) -> None:
    mirror.deposit(trader, 200_000)
    mirror.deposit(counterparty, 200_000)
    for actor, size in [(trader, 3), (counterparty, "-7.5"), (trader, "1.234567891"), (trader, -2)]:
        mirror.trade(actor, 0, size)
    mirror.set_price(BTC=31_500)
    mirror.trade(trader, 0, "-5.000000000000000001")
    mirror.trade(counterparty, 0, "7.5")
    mirror.trade(trader, 1, 250)
    mirror.set_price(BTC=29_000, SOL="88.5", USDC="0.985")
    mirror.trade(trader, 0, "1.5")
    mirror.check()


def test_closing_everything_leaves_no_position_and_no_skew(long: Mirror, trader: Any) -> None:
    long.trade(trader, 0, -10)
    assert tuple(long.clearing.position(account_of(trader), 0)) == (0, 0, 0, 0)
    assert long.clearing.market_state(0).skew == 0
    # round trip at an unmoved index: two half spreads (15 USD · 10 each) and two fees; the premium
    # comes back in another block
    assert long.clearing.premium_pool(0) == 0
    assert long.clearing.cash(account_of(trader)) == wad(100_000) - wad(300) - wad("60.33") - wad(
        "60.27"
    )
    long.check()


def test_partial_close_in_steps_costs_what_one_close_costs(
    long: Mirror, trader: Any, chain: Any
) -> None:
    before = chain.snapshot()
    long.clearing.trade(0, 0, wad(-10), 0, sender=trader)
    at_once = long.clearing.cash(account_of(trader))
    chain.restore(before)
    for _ in range(4):
        long.clearing.trade(0, 0, wad("-2.5"), 0, sender=trader)
    in_steps = long.clearing.cash(account_of(trader))
    assert abs(at_once - in_steps) < wad("0.01")  # fees are on slightly different fills
    assert long.clearing.market_state(0).skew == 0


def test_mark_price_is_index_times_one_plus_skew(long: Mirror) -> None:
    assert long.clearing.mark_price(0) == long.clearing.last_mark_price(0) == wad(30_300)
    assert long.clearing.mark_price(1) == wad(100)


def test_limit_price_bounds_the_fill(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 100_000)
    clearing = mirror.clearing
    with ape.reverts("clearing: slippage"):
        clearing.trade(0, 0, wad(10), wad(30_165) - 1, sender=trader)
    with ape.reverts("clearing: slippage"):
        clearing.trade(0, 0, wad(-10), wad(29_835) + 1, sender=trader)
    clearing.trade(0, 0, wad(10), wad(30_165), sender=trader)


def test_no_fill_takes_more_than_the_pool_holds(mirror: Mirror, trader: Any, owner: Any) -> None:
    """At a depth of 9 the skew of -20 would earn 14,916; 30,000 · 20²/2,000 = 6,000 were paid."""
    clearing = mirror.clearing
    mirror.deposit(trader, 10_000_000)
    mirror.trade(trader, 0, -20)
    rescale(clearing, wad(9), owner)
    receipt = clearing.trade(0, 0, wad(20), HIGHEST, sender=trader)
    (event,) = receipt.decode_logs(mirror.engine_events["Traded"])
    assert (event.premium, event.fill) == (wad(-6_000), wad(30_015 - 300))
    assert clearing.premium_pool(0) == 0


def test_zero_size_and_unknown_markets_are_refused(mirror: Mirror, trader: Any) -> None:
    clearing = mirror.clearing
    with ape.reverts("clearing: zero size"):
        clearing.trade(0, 0, 0, HIGHEST, sender=trader)
    with ape.reverts("clearing: wrong market"):
        clearing.trade(0, 2, WAD, HIGHEST, sender=trader)
    with ape.reverts("clearing: wrong market"):
        clearing.trade(3, 0, WAD, HIGHEST, sender=trader)


def test_isolated_account_trades_its_own_market_only(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 10_000, sub=2)
    with ape.reverts("clearing: wrong market"):
        mirror.clearing.trade(2, 0, WAD, HIGHEST, sender=trader)
    mirror.trade(trader, 1, 100, sub=2)
    assert mirror.clearing.position(account_of(trader, 2), 1).size == 100 * WAD
    assert mirror.clearing.position(account_of(trader), 1).size == 0
    mirror.check()


def test_inventory_limit_stops_growing_skew_only(
    mirror: Mirror, trader: Any, counterparty: Any, owner: Any
) -> None:
    clearing = mirror.clearing
    for actor in (trader, counterparty):
        mirror.deposit(actor, 4_000_000)
    mirror.trade(trader, 0, 25)
    with ape.reverts("clearing: inventory limit"):
        clearing.trade(0, 0, 1, HIGHEST, sender=counterparty)
    with ape.reverts("clearing: inventory limit"):
        clearing.trade(0, 0, wad(-51), 0, sender=counterparty)
    mirror.trade(counterparty, 0, -10)
    # A limit lowered below the skew still lets it shrink.
    terms = list(clearing.market(0))
    terms[5] = wad(10)
    clearing.set_market(0, terms, sender=owner)
    clearing.trade(0, 0, wad(-1), 0, sender=trader)
    # And a reduction lets it grow.
    clearing.trade(0, 0, wad(1), HIGHEST, sender=counterparty)
    assert clearing.last_market_state(0).skew == wad(15)
    with ape.reverts("clearing: inventory limit"):
        clearing.trade(0, 0, wad(1), HIGHEST, sender=trader)


def test_new_position_needs_initial_margin(mirror: Mirror, trader: Any) -> None:
    # 10 BTC: μ·M = 30,000; entry costs 150 + 60.33 + 1,500; a USDC counts 0.99:
    # 30,000/0.99 + 1,710.33
    mirror.deposit(trader, "32013.360303")
    with ape.reverts("clearing: below initial margin"):
        mirror.clearing.trade(0, 0, wad(10), HIGHEST, sender=trader)
    mirror.deposit(trader, "0.000001")
    mirror.trade(trader, 0, 10)
    mirror.check()


def test_flip_needs_initial_margin_and_reduction_never_does(long: Mirror, trader: Any) -> None:
    long.set_price(BTC=20_500)  # E falls to 3,257, μ·M of 4 BTC would be 8,200
    with ape.reverts("clearing: below initial margin"):
        long.clearing.trade(0, 0, wad("-14"), 0, sender=trader)
    with ape.reverts("clearing: below initial margin"):
        long.clearing.trade(0, 0, 1, HIGHEST, sender=trader)
    long.trade(trader, 0, -1)
    long.check()


def test_reduction_needs_only_the_price_of_its_own_market(
    mirror: Mirror, trader: Any, advance: Any, set_price: Any
) -> None:
    mirror.deposit(trader, 100_000)
    mirror.trade(trader, 0, 1)
    mirror.trade(trader, 1, 10)
    advance(86_401, refresh=False)
    set_price(BTC=30_000)
    mirror.clearing.trade(0, 0, wad("-0.5"), 0, sender=trader)
    with ape.reverts("oracle: stale"):
        mirror.clearing.trade(0, 0, wad("0.5"), HIGHEST, sender=trader)
    with ape.reverts("oracle: stale"):
        mirror.clearing.trade(0, 1, wad(-5), 0, sender=trader)


def test_pause_stops_risk_never_reductions(
    long: Mirror, trader: Any, guardian: Any, owner: Any
) -> None:
    clearing = long.clearing
    clearing.pause(sender=guardian)
    for size in (1, wad(-20)):
        with ape.reverts("clearing: paused"):
            clearing.trade(0, 0, size, HIGHEST if size > 0 else 0, sender=trader)
    clearing.trade(0, 0, wad(-4), 0, sender=trader)
    clearing.withdraw(0, 0, 10**6, trader, sender=trader)
    clearing.trade(0, 0, wad(-6), 0, sender=trader)
    clearing.unpause(sender=owner)
    clearing.trade(0, 0, wad(1), HIGHEST, sender=trader)


def test_a_trade_costs_spread_fee_and_premium_however_large_it_is(
    mirror: Mirror, trader: Any, counterparty: Any
) -> None:
    """Positions are worth the index, so that no order moves what its trader has (bZx's lesson)."""
    mirror.deposit(trader, 1_000_000)
    mirror.deposit(counterparty, 1_000_000)
    mirror.trade(counterparty, 0, -20)
    before = mirror.clearing.account_state(account_of(trader)).value
    event = mirror.trade(trader, 0, 45)
    after = mirror.clearing.account_state(account_of(trader))
    assert event.premium == wad(3_375)  # 30,000 · (25² - 20²)/2,000: 6,000 earned, 9,375 paid
    assert abs(before - after.value - event.fee - event.premium - 45 * wad(15)) < 1_000
    assert event.fill == wad(30_015 + 75)
    mirror.trade(counterparty, 0, 20)  # the skew leaps to 45, the index stands
    assert mirror.clearing.account_state(account_of(trader)) == after
