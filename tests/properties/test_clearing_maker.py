"""The maker can pay: what it can owe is bounded by what it holds (SPEC §3.6)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.exploits.ground import (
    BTC_MARKET,
    SOL_MARKET,
    WAD,
    Twins,
    protocol,
    refusal,
    vulnerable,
)
from tests.exploits.stage import BLOCK, Stage
from tests.exploits.test_jelly import WINNERS_LEAVE
from tests.properties.revm_venue import RevmVenue

CASH_UNIT = 10**12
FULL = "clearing: maker reserve"


def thin_stage(twins: Twins | None = None) -> Stage:
    """A maker of half a million for two markets with an inventory limit of ten million each."""
    terms = protocol()
    return Stage(twins, terms=replace(terms, clearing=replace(terms.clearing, maker_funds=5e5)))


def longs_of(stage: Stage, usd: float) -> None:
    """The winner's longs in BTC, and a third as many shorts against them."""
    price = stage.terms.assets[2].price
    stage.post("winner", 2e6)
    stage.post("loser", 2e6)
    stage.trade("winner", BTC_MARKET, usd / price)
    stage.trade("loser", BTC_MARKET, -usd / 3 / price)


@pytest.mark.parametrize("seconds", [0, BLOCK, 86_400])
def test_who_never_traded_can_withdraw_whatever_the_maker_had(seconds: int) -> None:
    """Fifteen per cent up against a thin maker: the winner bears what it lacks, nobody else.

    Also where the price moves within the block of the last accrual.
    """
    stage = thin_stage()
    stage.post("saver", 1e6)
    # As much as may be opened against it, which is far below the inventory limit.
    assert refusal(lambda: longs_of(stage, 9.9e6)) == FULL
    longs_of(stage, 4.8e6)
    sol = stage.clearing.call("maker_cash", SOL_MARKET)
    if seconds:
        stage.wait(seconds)
    stage.report(BTC=stage.prices[2] * 1.15)
    shown, pool = stage.margin("winner").balance, stage.clearing.call("premium_pool", BTC_MARKET)
    stage.close("winner", BTC_MARKET)
    assert stage.clearing.call("loss_long", BTC_MARKET) > 0
    assert stage.clearing.call("loss_short", BTC_MARKET) == 0
    # He gets what he was shown, less the cost of closing, and a premium that is not the maker's.
    earned = pool - stage.clearing.call("premium_pool", BTC_MARKET)
    assert 0 < shown + earned - stage.cash("winner") < 0.0005 * 4.8e6 * 1.15 * WAD
    stage.withdraw_all("winner")
    assert stage.withdraw_all("saver") == 10**12
    stage.close("loser", BTC_MARKET)
    stage.withdraw_all("loser")
    assert stage.clearing.call("maker_cash", BTC_MARKET) >= 0
    assert stage.clearing.call("maker_cash", SOL_MARKET) == sol
    owed = stage.makers() + stage.clearing.call("insurance_fund")
    owed += stage.clearing.call("premium_pool", BTC_MARKET)
    assert stage.raw_balance(stage.clearing.address, 0) * CASH_UNIT >= owed


def test_the_winners_alone_bear_what_the_maker_lacks_by_their_size() -> None:
    stage = thin_stage()
    price = stage.prices[2]
    for role, usd in (("one", 3e6), ("two", 1.5e6)):
        stage.post(role, 2e6)
        stage.trade(role, BTC_MARKET, usd / price)
    stage.wait(BLOCK)
    stage.report(BTC=price * 1.2)
    winners = ("one", "two")
    sizes = [stage.size(role, BTC_MARKET) for role in winners]
    gains = [stage.margin(role).balance - stage.cash(role) for role in winners]
    maker = stage.clearing.call("maker_cash", BTC_MARKET)
    # Together exactly what stands behind the market, and each by what he holds of it.
    assert 0 <= maker - sum(gains) <= 10**6
    full = [size * round(0.2 * price * WAD) // WAD for size in sizes]
    shares = [(f - g) / s for f, g, s in zip(full, gains, sizes, strict=True)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-3)  # the spread and the fee beside it


def spare(venue: RevmVenue, actor: str) -> int:
    """USDC WAD of BTC's maker beyond what new risk needs, of one long and no funding."""
    size, cost, _, _ = venue.get("position", venue.account(actor), 0)
    worth = size * round(venue.prices["BTC"])
    mmr = venue.get("market", 0)[6]
    reserve = -(-worth * mmr // WAD)
    return int(venue.get("maker_cash", 0) + cost - worth - reserve)


def test_the_owner_takes_the_maker_down_to_the_reserve_and_no_further() -> None:
    """Then nobody adds risk, and everybody reduces."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 10**6 * 10**6)
    assert not venue.trade("trader", 0, 10 * WAD)
    venue.report(BTC=venue.prices["BTC"] + Fraction(300))
    owner = venue.address("owner")
    raw = spare(venue, "trader") // CASH_UNIT
    assert raw > 0
    assert venue.attempt("owner", "withdraw_maker", 0, raw + 1, owner) == FULL
    assert not venue.attempt("owner", "withdraw_maker", 0, raw, owner)
    assert 0 <= spare(venue, "trader") < CASH_UNIT
    assert venue.trade("trader", 0, WAD) == FULL
    assert venue.attempt("owner", "withdraw_maker", 2, 0, owner) == "clearing: wrong market"
    assert venue.attempt("owner", "fund_maker", 2, 0) == "clearing: wrong market"
    assert not venue.trade("trader", 0, -5 * WAD)
    assert not venue.trade("trader", 0, -5 * WAD)


def test_both_sides_open_still_need_a_maker_for_the_larger_one() -> None:
    """Were the shorts liquidated, the maker would stand against all the longs."""
    venue = RevmVenue(funding=False)
    for actor in ("trader", "hedger"):
        venue.deposit(actor, 10**6 * 10**6)
    assert not venue.trade("trader", 0, 5 * WAD)
    assert not venue.trade("hedger", 0, -5 * WAD)
    assert venue.get("last_market_state", 0)[0] == 0
    owner, mmr = venue.address("owner"), venue.get("market", 0)[6]
    reserve = 5 * round(venue.prices["BTC"]) * mmr
    costs = sum(venue.get("position", venue.account(a), 0)[1] for a in ("trader", "hedger"))
    # The pool has no claim on it with a skew of zero: all of it is the maker's.
    held = venue.get("maker_cash", 0) + venue.get("premium_pool", 0) + costs
    raw = (held - reserve) // CASH_UNIT
    assert venue.attempt("owner", "withdraw_maker", 0, raw + 1, owner) == FULL
    assert not venue.attempt("owner", "withdraw_maker", 0, raw, owner)
    assert venue.trade("hedger", 0, -(10**16)) == FULL


def test_a_write_off_takes_no_more_of_the_maker_than_it_has() -> None:
    """Beyond it the loss is the other side's, whatever the cap would allow.

    On a twin whose winners may leave past the insolvent: on ours this one is asked as he leaves.
    """
    stage = thin_stage(vulnerable("Trading", WINNERS_LEAVE))
    price = stage.prices[2]
    stage.post("loser", 4.5e5)
    stage.post("winner", 3e6)
    stage.trade("loser", BTC_MARKET, 4.2e6 / price)
    stage.trade("winner", BTC_MARKET, -4.2e6 / price)
    stage.wait(BLOCK)
    stage.report(BTC=price * 0.62)
    # The winner cannot be deleveraged: he opens anew at the price of now.
    stage.close("winner", BTC_MARKET)
    stage.trade("winner", BTC_MARKET, -1e6 / price)
    stage.clearing.transact(
        stage.actor("liquidator"), "liquidate", stage.account("loser"), BTC_MARKET
    )
    assert stage.size("loser", BTC_MARKET) == 0
    drawn = stage.clearing.call("maker_drawn", BTC_MARKET)
    # A quarter of a million and what fees and spread have brought; the cap is five million.
    assert 2.5e5 * WAD < drawn < 2.6e5 * WAD
    assert stage.clearing.call("loss_short", BTC_MARKET) > 0
    stage.close("winner", BTC_MARKET)
    # All are out, and the maker is left with nothing but what closing paid it.
    assert 0 <= stage.clearing.call("maker_cash", BTC_MARKET) < 2e3 * WAD
