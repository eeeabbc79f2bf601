"""PriceOracle (SPEC §2) through ape; tests/properties holds what one reporter cannot do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.conftest import MAX_AGE, PRICES
from tests.reference.integers import WAD
from tests.reference.venue import wad

ZERO_ADDRESS = "0x" + "00" * 20


@pytest.fixture
def report(oracle: Any, reporter: Any, chain: Any) -> Callable[..., Any]:
    """``report(asset, price, age=0)``: one round observed ``age`` seconds before the head block."""

    def send(asset: Any, price: int, age: int = 0) -> Any:
        timestamp = chain.blocks.head.timestamp - age
        return oracle.report([asset], [price], timestamp, sender=reporter)

    return send


def test_serves_the_last_round(
    oracle: Any, btc: Any, sol: Any, report: Callable[..., Any], chain: Any
) -> None:
    assert oracle.price(btc) == wad(PRICES["BTC"])
    timestamp = chain.blocks.head.timestamp
    receipt = report(btc, 31_000 * WAD)
    assert oracle.price(btc) == 31_000 * WAD
    assert tuple(oracle.latest(btc)) == (31_000 * WAD, timestamp)
    max_age, last = oracle.feed(btc)
    assert (max_age, last.round_id) == (MAX_AGE, 2)
    assert oracle.price(sol) == wad(PRICES["SOL"])
    (event,) = receipt.events.filter(oracle.PriceUpdated)
    assert (event.price, event.updated_at, event.round_id) == (31_000 * WAD, timestamp, 2)
    (seen,) = receipt.events.filter(oracle.PriceObserved)
    assert (seen.price, seen.observed_at) == (31_000 * WAD, timestamp)


def test_one_report_carries_many_assets(
    oracle: Any, btc: Any, sol: Any, reporter: Any, chain: Any
) -> None:
    oracle.report([btc, sol], [1, 2], chain.blocks.head.timestamp, sender=reporter)
    assert (oracle.price(btc), oracle.price(sol)) == (1, 2)


def test_refuses_a_stale_price_but_shows_it(
    oracle: Any, btc: Any, advance: Callable[..., None], report: Callable[..., Any]
) -> None:
    advance(MAX_AGE - 30, refresh=False)
    assert oracle.price(btc) == wad(PRICES["BTC"])
    advance(60, refresh=False)
    with ape.reverts("oracle: stale"):
        oracle.price(btc)
    assert oracle.latest(btc)[0] == wad(PRICES["BTC"])
    report(btc, 1)
    assert oracle.price(btc) == 1


def test_refuses_an_asset_without_feed_or_round(
    oracle: Any, owner: Any, reporter: Any, chain: Any
) -> None:
    with ape.reverts("oracle: no feed"):
        oracle.price(owner)
    with ape.reverts("oracle: no feed"):
        oracle.report([owner], [WAD], chain.blocks.head.timestamp, sender=reporter)
    oracle.add_feed(owner, 60, 0, sender=owner)
    with ape.reverts("oracle: no round"):
        oracle.price(owner)
    assert tuple(oracle.latest(owner)) == (0, 0)


def test_refuses_zero_future_and_older_rounds(
    oracle: Any,
    btc: Any,
    reporter: Any,
    chain: Any,
    advance: Callable[..., None],
    report: Callable[..., Any],
) -> None:
    with ape.reverts("oracle: price not positive"):
        report(btc, 0)
    with ape.reverts("oracle: future round"):
        oracle.report([btc], [WAD], chain.blocks.head.timestamp + 1_000_000, sender=reporter)
    advance(600)
    report(btc, WAD)
    with ape.reverts("oracle: round out of order"):
        report(btc, WAD, age=300)


def test_refuses_arrays_of_different_length(oracle: Any, btc: Any, sol: Any, reporter: Any) -> None:
    with ape.reverts("oracle: length mismatch"):
        oracle.report([btc, sol], [WAD], 0, sender=reporter)


def test_only_reporters_report(
    oracle: Any, btc: Any, owner: Any, reporter: Any, chain: Any
) -> None:
    with ape.reverts("oracle: not a reporter"):
        oracle.report([btc], [WAD], chain.blocks.head.timestamp, sender=owner)
    oracle.set_reporter(reporter, False, sender=owner)
    with ape.reverts("oracle: not a reporter"):
        oracle.report([btc], [WAD], chain.blocks.head.timestamp, sender=reporter)


def test_only_the_owner_configures(oracle: Any, btc: Any, trader: Any) -> None:
    with ape.reverts("roles: not the owner"):
        oracle.add_feed(btc, 60, 0, sender=trader)
    with ape.reverts("roles: not the owner"):
        oracle.set_reporter(trader, True, sender=trader)
    with ape.reverts("roles: not the owner"):
        oracle.transfer_ownership(trader, sender=trader)


def test_feeds_are_bounded(oracle: Any, btc: Any, owner: Any) -> None:
    for max_age in (0, 30 * 86_400 + 1):
        with ape.reverts("oracle: bad max age"):
            oracle.add_feed(btc, max_age, 0, sender=owner)
    with ape.reverts("oracle: zero asset"):
        oracle.add_feed(ZERO_ADDRESS, 60, 0, sender=owner)
    oracle.add_feed(btc, 30 * 86_400, 0, sender=owner)
    assert oracle.price(btc) == wad(PRICES["BTC"])  # a longer age keeps the round


def test_ownership_moves_in_two_steps(oracle: Any, owner: Any, trader: Any, keeper: Any) -> None:
    oracle.transfer_ownership(trader, sender=owner)
    assert oracle.owner() == owner
    with ape.reverts("roles: not the pending owner"):
        oracle.accept_ownership(sender=keeper)
    oracle.accept_ownership(sender=trader)
    assert oracle.owner() == trader
    with ape.reverts("roles: not the owner"):
        oracle.set_reporter(keeper, True, sender=owner)


def test_the_median_of_three_reporters_outvotes_one(
    oracle: Any, btc: Any, owner: Any, reporter: Any, trader: Any, keeper: Any, chain: Any
) -> None:
    for another in (trader, keeper):
        oracle.set_reporter(another, True, sender=owner)
    oracle.set_quorum(2, sender=owner)
    timestamp = chain.blocks.head.timestamp
    for source, price in ((reporter, 100), (trader, 101), (keeper, 10**30)):
        oracle.report([btc], [price], timestamp, sender=source)
    assert oracle.price(btc) == 101
    with ape.reverts("oracle: bad quorum"):
        oracle.set_quorum(4, sender=owner)


def test_an_oracle_reads_another_through_a_price_feed(
    project: Any, oracle: Any, btc: Any, owner: Any, chain: Any, advance: Callable[..., None]
) -> None:
    """A PriceFeed is an AggregatorV3 like Chainlink's: 8 decimals, its own age limit."""
    feed = owner.deploy(project.PriceFeed, oracle, btc, 8, "BTC/USD")
    reader = owner.deploy(project.PriceOracle, owner)
    reader.add_aggregator(btc, feed, 600, WAD // 200, sender=owner)
    assert feed.latestAnswer() == PRICES["BTC"] * 10**8
    assert reader.price(btc) == wad(PRICES["BTC"])
    assert reader.deviation(btc) == WAD // 200
    advance(1_200, refresh=False)
    with ape.reverts("oracle: stale"):
        reader.price(btc)
    assert reader.latest(btc)[0] == wad(PRICES["BTC"])
    assert oracle.price(btc) == wad(PRICES["BTC"])
