"""The risk manager's word on a market's depth: how far, how often, what it settles (SPEC §3.1)."""

from __future__ import annotations

import pytest

from tests.properties.revm_venue import RevmVenue
from tests.reference.integers import WAD

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def venue() -> RevmVenue:
    """With a trader and a hedger who have money; the owner is the risk manager."""
    venue = RevmVenue()
    for actor in ("trader", "hedger"):
        venue.deposit(actor, 4_000_000 * 10**6)
    return venue


def rescale(venue: RevmVenue, market: int, scale: int) -> str:
    return venue.attempt("owner", "set_skew_scale", market, scale)


def test_depth_falls_no_further_than_what_is_open_allows(venue: RevmVenue) -> None:
    """Skew 10 of a limit K mmr / 2 = K/40: K >= 400. Sides of 40, four times it: likewise."""
    assert not venue.trade("trader", 0, 10 * WAD)
    assert rescale(venue, 0, 400 * WAD - 1) == "clearing: inventory limit"
    assert rescale(venue, 0, 400 * WAD) == ""
    assert not venue.trade("hedger", 0, -10 * WAD)
    for _ in range(3):
        assert not venue.trade("trader", 0, 10 * WAD)
        assert not venue.trade("hedger", 0, -10 * WAD)
    assert venue.get("long_interest", 0) == 40 * WAD
    assert venue.get("market_state", 0)[0] == 0
    venue.advance(HOUR)
    assert rescale(venue, 0, 400 * WAD - 40) == "clearing: inventory limit"  # 4 units short
    assert not venue.trade("trader", 0, -4 * WAD)
    assert not venue.trade("hedger", 0, 4 * WAD)
    assert rescale(venue, 0, 360 * WAD - 1) == "clearing: inventory limit"
    assert rescale(venue, 0, 360 * WAD) == ""


def test_a_side_holds_no_more_than_four_times_the_inventory_limit(venue: RevmVenue) -> None:
    """The limit is max_skew = 12: a side of 48, whatever the skew and the cap of both."""
    limit = 12 * WAD
    for _ in range(4):
        assert not venue.trade("trader", 0, limit)
        assert not venue.trade("hedger", 0, -limit)
    assert venue.trade("trader", 0, 1) == "clearing: open interest cap"
    assert venue.trade("hedger", 0, -1) == "clearing: open interest cap"
    assert not venue.trade("trader", 0, -limit)
    assert not venue.trade("hedger", 0, limit)


def test_depth_changes_once_an_hour_and_rises_whatever_is_open(venue: RevmVenue) -> None:
    assert not venue.trade("trader", 0, 10 * WAD)
    assert rescale(venue, 0, 400 * WAD) == ""
    assert rescale(venue, 0, 500 * WAD) == "clearing: too soon"
    assert rescale(venue, 0, 400 * WAD) == ""  # no change is no change
    assert rescale(venue, 1, 80_000 * WAD) == ""  # of each market apart
    venue.advance(HOUR - 1)
    assert rescale(venue, 0, 500 * WAD) == "clearing: too soon"
    venue.advance(1)
    assert rescale(venue, 0, 500 * WAD) == ""


def test_depth_changes_by_a_factor_of_two_at_most_and_not_beyond_the_owners(
    venue: RevmVenue,
) -> None:
    beyond = "clearing: bad parameter"
    assert venue.get("deepest", 0) == 500 * WAD
    assert rescale(venue, 0, 500 * WAD + 1) == beyond
    assert rescale(venue, 0, 250 * WAD - 1) == beyond
    for scale in (250 * WAD, 125 * WAD, (125 * WAD + 1) // 2):
        assert rescale(venue, 0, scale) == ""
        venue.advance(HOUR)
    assert rescale(venue, 0, 125 * WAD + 1) == beyond
    assert rescale(venue, 0, 125 * WAD) == ""
    terms = list(venue.get("market", 0))
    terms[1] = 100 * WAD  # the owner, delayed, by any factor
    venue.do("owner", "set_market", 0, tuple(terms))
    venue.advance(HOUR)
    assert venue.get("deepest", 0) == 100 * WAD
    assert rescale(venue, 0, 110 * WAD) == beyond
    assert rescale(venue, 0, 90 * WAD) == ""


def test_depth_change_settles_funding_at_the_old_depth(venue: RevmVenue) -> None:
    assert not venue.trade("trader", 0, 10 * WAD)
    venue.advance(DAY)
    due = venue.get("market_state", 0)
    assert due[1] == 9 * WAD * 10 // 500  # the rate, after one day of velocity
    assert rescale(venue, 0, 400 * WAD) == ""
    assert venue.get("market_state", 0) == due


def test_depth_change_waits_for_a_fresh_price(venue: RevmVenue) -> None:
    venue.chain.set_time(venue.chain.time() + 90_000)
    assert rescale(venue, 0, 400 * WAD) == "oracle: stale"
    venue.report()
    assert rescale(venue, 0, 400 * WAD) == ""
