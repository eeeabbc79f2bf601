"""A feed that stopped stands between nobody and his liquidation (SPEC §3.5), on the bytecode.

Funding is off: what is compared with a venue that hears everything is equal to the unit.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.properties.revm_pledges import PledgeVenue
from tests.properties.revm_venue import RevmVenue
from tests.reference.integers import WAD

USDC = 10**6
WETH, BTC_MARKET, SOL_MARKET = 1, 0, 1
FELL = 25_500  # BTC, at which 2 BTC have lost 9,000 USDC


def _bare(venue: RevmVenue) -> None:
    """Nothing but the position."""


def _dust(venue: RevmVenue) -> None:
    venue.deposit("trader", 1, WETH)


def _collateral(venue: RevmVenue) -> None:
    venue.deposit("trader", WAD // 4, WETH)


def _pledge(venue: RevmVenue) -> None:
    assert isinstance(venue, PledgeVenue)
    venue.do("trader", "pledge", 0, venue.mint("trader", 1))


def _position(venue: RevmVenue) -> None:
    assert not venue.trade("trader", SOL_MARKET, 20 * WAD)


HELD: dict[str, tuple[Callable[[RevmVenue], None], str, int]] = {
    "a wei of collateral": (_dust, "WETH", 11_000),
    "collateral that is not enough": (_collateral, "WETH", 8_000),
    "a pledge": (_pledge, "WETH", 8_000),
    "a position in another market": (_position, "SOL", 11_000),
    "a position in another market, insolvent": (_position, "SOL", 8_000),
}


def failing(hold: Callable[[RevmVenue], None], silent: str = "", usdc: int = 8_000) -> PledgeVenue:
    """The trader is 2 BTC long and short of margin; a feed of what else he holds has stopped."""
    venue = PledgeVenue()
    venue.deposit("trader", usdc * USDC)
    venue.deposit("liquidator", 50_000 * USDC)
    assert not venue.trade("trader", BTC_MARKET, 2 * WAD)
    hold(venue)
    venue.silence(*filter(None, [silent]))
    venue.report(BTC=FELL)
    return venue


def everything(venue: RevmVenue) -> tuple[object, ...]:
    people = ("trader", "liquidator")
    funds = (venue.get("insurance_fund"), venue.get("maker_cash", 0), venue.get("maker_cash", 1))
    return (*(venue.stored(venue.account(name)) for name in people), *funds)


@pytest.mark.parametrize("what", HELD)
def test_a_liquidation_goes_past_a_feed_that_stopped(what: str) -> None:
    """As if the feed still said what it said last, to the unit."""
    hold, asset, usdc = HELD[what]
    heard, silent = failing(hold, "", usdc), failing(hold, asset, usdc)
    account = silent.account("trader")
    assert silent.attempt("bystander", "account_state", account) == "oracle: stale"
    answers = [v.do("liquidator", "liquidate", account, BTC_MARKET) for v in (heard, silent)]
    assert answers[0] == answers[1]
    assert answers[0][0] > 0
    assert everything(heard) == everything(silent)


def test_who_is_healthy_at_last_prices_is_not_liquidated() -> None:
    venue = failing(_position, "SOL")
    venue.report(BTC=30_000)
    assert venue.attempt("liquidator", "liquidate", venue.account("trader"), BTC_MARKET) == (
        "clearing: not liquidatable"
    )


@pytest.mark.parametrize("asset", ["BTC", "USDC"])
def test_what_is_closed_and_what_it_is_paid_in_have_prices_of_now(asset: str) -> None:
    venue = failing(_collateral)
    venue.silence(asset)
    account = venue.account("trader")
    assert venue.attempt("liquidator", "liquidate", account, BTC_MARKET) == "oracle: stale"


def indebted(hold: Callable[[RevmVenue], None], *silent: str) -> PledgeVenue:
    """The trader has closed at a loss, owes about 2,000 USDC, and does not carry his 300 SOL."""
    venue = PledgeVenue()
    venue.deposit("trader", 10_000 * USDC)
    venue.deposit("trader", 4 * WAD, WETH)
    hold(venue)
    venue.deposit("liquidator", 50_000 * USDC)
    assert not venue.trade("trader", SOL_MARKET, 300 * WAD)
    assert not venue.trade("trader", BTC_MARKET, 2 * WAD)
    venue.report(BTC=24_000)
    assert not venue.trade("trader", BTC_MARKET, -2 * WAD)
    assert venue.get("cash", venue.account("trader")) < -2_000 * WAD
    venue.report(SOL=76)
    venue.silence(*silent)
    return venue


@pytest.mark.parametrize("hold", [_bare, _pledge])
def test_what_backs_a_failing_account_is_sold_past_a_feed_that_stopped(
    hold: Callable[[RevmVenue], None],
) -> None:
    """Collateral and a pledge, whose own price and that of USDC are of now."""
    heard, silent = indebted(hold), indebted(hold, "SOL")
    account = silent.account("trader")
    results = []
    for venue in (heard, silent):
        sold = venue.do("liquidator", "liquidate_collateral", account, WETH, WAD)
        (token_id,) = venue.get("pledges", account) or (0,)
        burnt = venue.do("liquidator", "liquidate_pledge", account, token_id) if token_id else ()
        results.append((sold, burnt, everything(venue)))
    assert results[0] == results[1]
    assert results[0][0][0] == WAD


@pytest.mark.parametrize("asset", ["WETH", "USDC"])
def test_what_is_sold_and_what_it_is_paid_in_have_prices_of_now(asset: str) -> None:
    venue = indebted(_pledge, asset)
    account = venue.account("trader")
    (token_id,) = venue.get("pledges", account)
    refused = venue.attempt("liquidator", "liquidate_collateral", account, WETH, WAD)
    assert refused == "oracle: stale"
    assert venue.attempt("liquidator", "liquidate_pledge", account, token_id) == "oracle: stale"


def test_buyers_withdrawals_and_new_risk_need_every_price() -> None:
    venue = indebted(_bare)
    venue.deposit("hedger", 10_000 * USDC)
    assert not venue.trade("hedger", SOL_MARKET, WAD)
    assert not venue.trade("liquidator", SOL_MARKET, WAD)
    venue.silence("SOL")
    refusals = (
        venue.attempt("hedger", "withdraw", 0, 0, USDC, venue.address("hedger")),
        venue.trade("hedger", BTC_MARKET, WAD // 100),
        venue.attempt("liquidator", "liquidate_collateral", venue.account("trader"), WETH, WAD),
    )
    assert set(refusals) == {"oracle: stale"}


def test_a_source_that_answers_nothing_is_no_loss_of_a_position_and_no_collateral() -> None:
    """A long is not worth nothing because its feed is gone; collateral counts nothing then."""
    for hold, symbol, refused in ((_position, "SOL", "oracle: stale"), (_collateral, "WETH", "")):
        venue = failing(hold, symbol)
        venue.answer_nothing(symbol)
        account = venue.account("trader")
        counted = [venue.get("last_account_state", account)]
        assert venue.attempt("liquidator", "liquidate", account, BTC_MARKET) == refused
        counted.append(venue.get("last_account_state", account))
        if symbol == "WETH":  # nothing but cash and the position
            assert counted[0][1] == counted[0][0]


@pytest.mark.parametrize("symbols", [("USDC",), ("WETH",), ("SOL",), ("USDC", "WETH", "SOL")])
def test_an_account_can_be_looked_at_whatever_answers_nothing(symbols: tuple[str, ...]) -> None:
    """With a pledge too, whose amounts hang on the price of base in USDC."""
    venue = indebted(_pledge)
    account = venue.account("trader")
    assert venue.get("last_account_state", account) == venue.get("account_state", account)
    venue.silence(*symbols)
    for symbol in symbols:
        venue.answer_nothing(symbol)
    state = venue.get("last_account_state", account)
    assert len(state) == 5
    if symbols == ("USDC",):  # what is left is the collateral
        assert state[1] == 4 * WAD * venue.prices["WETH"]
