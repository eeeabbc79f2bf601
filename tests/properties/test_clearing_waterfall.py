"""Who pays for an account worth less than nothing (SPEC §3.5), on the compiled bytecode.

Funding is off, so that every figure follows from prices and sizes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.properties.revm_venue import (
    CASH_UNIT,
    INSURANCE_FUNDS,
    WAD,
    RevmVenue,
)
from tests.reference.venue import GATE

USDC = 10**6
DUST = 100  # WAD units


def set_market(venue: RevmVenue, market: int, **changes: int) -> None:
    """Replace some of a market's parameters, by position in IClearingHouse.Market."""
    places = {"max_open_interest": 7, "insurance_cap": 8, "maker_loss_cap": 9}
    terms = list(venue.get("market", market))
    for name, value in changes.items():
        terms[places[name]] = value
    venue.do("owner", "set_market", market, tuple(terms))


@pytest.fixture
def venue() -> RevmVenue:
    """The trader is long 1 BTC with 4,000 USDC, hedger and bystander short; nothing is paid yet."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 4_000 * USDC)
    venue.deposit("hedger", 20_000 * USDC)
    venue.deposit("bystander", 5_000 * USDC)
    venue.deposit("liquidator", 1_000 * USDC)
    assert not venue.trade("trader", 0, WAD)
    assert not venue.trade("hedger", 0, -WAD)
    assert not venue.trade("bystander", 0, -WAD // 2)
    return venue


def insolvent(venue: RevmVenue, dollars: int) -> int:
    """Move BTC so that the trader is worth ``-dollars``; returns the debt, WAD."""
    value = venue.margin(venue.account("trader")).value
    venue.report(BTC=venue.prices["BTC"] - Fraction(value, WAD) - dollars)
    return -venue.margin(venue.account("trader")).value


def usdc_total(venue: RevmVenue) -> int:
    people = [venue.account(name) for name in ("trader", "hedger", "bystander", "liquidator")]
    total = sum(venue.get("cash", a) for a in people) + venue.get("premium_pool", 0)
    total += sum(venue.get("maker_cash", m) for m in (0, 1))
    return int(total + venue.get("insurance_fund"))


def test_insurance_pays_before_anyone_else(venue: RevmVenue) -> None:
    debt = insolvent(venue, 300)
    others = [venue.stored(venue.account(n)) for n in ("hedger", "bystander")]
    maker = venue.get("maker_cash", 0)
    closed, penalty = venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert (closed, penalty) == (WAD, 0)
    assert [venue.stored(venue.account(n)) for n in ("hedger", "bystander")] == others
    paid = INSURANCE_FUNDS * WAD - venue.get("insurance_fund")
    assert paid >= debt
    assert venue.get("insurance_drawn", 0) == paid == venue.get("bad_debt")
    assert venue.get("maker_drawn", 0) == 0
    assert venue.get("gate_until") == 0
    assert venue.get("maker_cash", 0) > maker - venue.prices["BTC"] * WAD
    assert venue.get("cash", venue.account("trader")) == 0


def test_beyond_insurance_the_best_ranked_winner_is_closed_at_the_bankruptcy_price(
    venue: RevmVenue,
) -> None:
    account, winner, second = (venue.account(n) for n in ("trader", "bystander", "hedger"))
    debt = insolvent(venue, 2_000)
    index, skew = venue.prices["BTC"], venue.get("last_market_state", 0)[0]
    price = index + Fraction(debt - INSURANCE_FUNDS * WAD, WAD)
    ranks = {}
    for name in (winner, second):
        held, paid, *_ = venue.get("position", name, 0)
        profit = Fraction(held, WAD) * index - Fraction(paid, WAD)
        equity = Fraction(venue.margin(name).equity, WAD)
        ranks[name] = profit / abs(Fraction(paid, WAD)) * abs(Fraction(held, WAD)) * index / equity
    assert ranks[winner] > ranks[second]  # the smaller position, on more leverage
    cash = {name: venue.get("cash", name) for name in (winner, second)}
    costs = {name: venue.get("position", name, 0)[1] for name in (winner, second)}
    total = usdc_total(venue)

    closed, penalty = venue.do("liquidator", "liquidate", account, 0)
    assert (closed, penalty) == (WAD, 0)
    assert venue.size(winner, 0) == 0
    assert venue.size(second, 0) == -WAD // 2  # what the first could not take
    assert venue.get("last_market_state", 0)[0] == skew
    gained = Fraction(venue.get("cash", winner) - cash[winner], WAD)
    assert abs(gained - (-Fraction(costs[winner], WAD) - price / 2)) < Fraction(DUST, WAD)
    gained = Fraction(venue.get("cash", second) - cash[second], WAD)
    assert abs(gained - (-Fraction(costs[second], WAD) / 2 - price / 2)) < Fraction(DUST, WAD)
    assert venue.get("insurance_fund") == 0
    assert venue.get("cash", account) == 0
    assert 0 <= venue.get("maker_drawn", 0) < DUST  # the rounding of the price
    assert usdc_total(venue) == total
    assert venue.get("gate_until") == venue.chain.time() + GATE


def test_solvent_accounts_are_never_deleveraged_against(venue: RevmVenue) -> None:
    account = venue.account("trader")
    others = [venue.stored(venue.account(n)) for n in ("hedger", "bystander")]
    assert venue.squeeze(account, 0, Fraction(1, 100))
    assert venue.margin(account).value > 0
    venue.do("liquidator", "liquidate", account, 0)
    assert [venue.stored(venue.account(n)) for n in ("hedger", "bystander")] == others


def test_losers_of_the_other_side_are_left_alone() -> None:
    """A short that would lose at the bankruptcy price is no counterparty: the maker closes."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 4_000 * USDC)
    venue.deposit("hedger", 200_000 * USDC)
    assert not venue.trade("trader", 0, WAD)
    insolvent(venue, 2_000)
    assert not venue.trade("hedger", 0, -WAD)  # opened below the bankruptcy price
    others = venue.stored(venue.account("hedger"))
    maker = venue.get("maker_cash", 0)
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert venue.stored(venue.account("hedger"))[:3] == others[:3]
    assert venue.size(venue.account("trader"), 0) == 0
    assert venue.get("maker_drawn", 0) > 1_400 * WAD
    assert venue.get("maker_cash", 0) != maker


def test_market_takes_no_more_from_the_insurance_fund_than_its_cap(venue: RevmVenue) -> None:
    set_market(venue, 0, insurance_cap=100 * WAD)
    insolvent(venue, 300)
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert venue.get("insurance_drawn", 0) == 100 * WAD
    assert venue.get("insurance_fund") == (INSURANCE_FUNDS - 100) * WAD
    assert venue.size(venue.account("bystander"), 0) == 0


def bankrupt_market(maker_cap: int, *, short: bool = True) -> tuple[RevmVenue, int]:
    """A debt of 3,000 USDC and more that no winner and no insurance covers; what was owed, WAD."""
    venue = RevmVenue(funding=False)
    set_market(venue, 0, insurance_cap=0, maker_loss_cap=maker_cap)
    venue.deposit("trader", 4_000 * USDC)
    venue.deposit("hedger", 200_000 * USDC)
    venue.deposit("bystander", 200_000 * USDC)
    assert not venue.trade("trader", 0, WAD)
    debt = insolvent(venue, 3_000)
    assert not venue.trade("bystander", 0, -2 * WAD if short else WAD)
    return venue, debt


def test_beyond_the_maker_cap_the_other_side_shares_the_loss() -> None:
    venue, debt = bankrupt_market(1_000 * WAD)
    bystander, total = venue.account("bystander"), usdc_total(venue)
    before = venue.margin(bystander).balance
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert venue.get("maker_drawn", 0) == 1_000 * WAD
    assert venue.get("loss_long", 0) == 0
    share = venue.get("loss_short", 0) * 2
    assert share >= venue.get("bad_debt") - 1_000 * WAD
    assert share - (venue.get("bad_debt") - 1_000 * WAD) < DUST
    assert venue.get("bad_debt") >= debt - DUST
    # The short owes the loss, and pays it when it closes.
    assert 0 <= before - venue.margin(bystander).balance - share < DUST
    cash, maker, pool = (
        venue.get("cash", bystander), venue.get("maker_cash", 0), venue.get("premium_pool", 0)
    )  # fmt: skip
    assert not venue.trade("bystander", 0, 2 * WAD)
    assert venue.get("position", bystander, 0)[3] == 0
    paid = cash + maker - venue.get("cash", bystander) - venue.get("maker_cash", 0)
    assert paid == venue.get("premium_pool", 0) - pool
    assert usdc_total(venue) == total
    # Who opens afterwards owes nothing of it.
    assert not venue.trade("hedger", 0, -WAD)
    assert venue.get("position", venue.account("hedger"), 0)[3] == venue.get("loss_short", 0)


def test_where_the_other_side_is_empty_the_own_side_shares() -> None:
    venue, _ = bankrupt_market(0, short=False)
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert venue.get("loss_short", 0) == 0
    assert venue.get("loss_long", 0) == venue.get("bad_debt")  # one BTC is open
    assert venue.get("maker_drawn", 0) == 0


def test_where_nobody_is_left_the_maker_bears_it() -> None:
    venue, _ = bankrupt_market(0)
    assert not venue.trade("bystander", 0, 2 * WAD)
    maker = venue.get("maker_cash", 0)
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    assert venue.get("loss_short", 0) == venue.get("loss_long", 0) == 0
    assert venue.get("maker_drawn", 0) == 0
    assert venue.get("bad_debt") > 3_000 * WAD
    assert venue.get("maker_cash", 0) < maker + 15_000 * WAD
    assert usdc_total(venue) == venue.get("collateral_held", 0) * CASH_UNIT


def test_withdrawals_against_positions_wait_after_an_insolvency(venue: RevmVenue) -> None:
    insolvent(venue, 2_000)
    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    hedger, key = venue.address("hedger"), venue.account("hedger")
    assert venue.size(key, 0)
    assert venue.get("withdrawable", key, 0) == 0
    assert venue.attempt("hedger", "withdraw", 0, 0, 1, hedger) == "clearing: withdrawals gated"
    assert venue.attempt("hedger", "transfer_margin", 0, 1, 1) == "clearing: withdrawals gated"
    flat = venue.address("bystander")
    assert not venue.attempt("bystander", "withdraw", 0, 0, 1, flat)
    assert not venue.trade("hedger", 0, -venue.size(key, 0) // 4)  # reducing is never gated
    venue.advance(GATE)
    assert venue.get("withdrawable", key, 0) > 0
    assert not venue.attempt("hedger", "withdraw", 0, 0, 1, hedger)


def test_open_interest_is_capped_and_reducing_is_not(venue: RevmVenue) -> None:
    open_now = 2 * venue.get("long_interest", 0) - venue.get("last_market_state", 0)[0]
    assert open_now == 5 * WAD // 2
    set_market(venue, 0, max_open_interest=open_now)
    assert venue.trade("hedger", 0, -1) == "clearing: open interest cap"
    assert venue.trade("hedger", 0, 2 * WAD + 1) == "clearing: open interest cap"  # a flip
    assert not venue.trade("trader", 0, -WAD // 2)
    assert not venue.trade("hedger", 0, -WAD // 2)


def test_holders_are_exactly_the_accounts_with_a_position(venue: RevmVenue) -> None:
    names = ("trader", "hedger", "bystander", "liquidator")

    def check() -> None:
        held = {venue.account(n) for n in names if venue.size(venue.account(n), 0)}
        listed: list[Any] = venue.get("holders", 0)
        assert set(listed) == held
        assert len(listed) == len(held)

    check()
    for name, part in (("trader", 1), ("hedger", 2), ("hedger", 1), ("bystander", 1)):
        assert not venue.trade(name, 0, -venue.size(venue.account(name), 0) // part)
        check()
    assert not venue.trade("hedger", 0, WAD // 10)
    check()
