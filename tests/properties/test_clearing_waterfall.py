"""Who pays for an account worth less than nothing (SPEC §3.5), on the compiled bytecode.

Funding is off, so that every figure follows from prices and sizes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.revm_venue import CASH_UNIT, INSURANCE_FUNDS, RevmVenue
from tests.properties.test_clearing_properties import examples
from tests.reference.integers import WAD
from tests.reference.venue import GATE, wad

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
    price = index + Fraction(debt, WAD)
    # Insurance pays for this part, which the maker closes; the winners for the rest.
    insured = Fraction(INSURANCE_FUNDS * WAD, debt)
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
    taken = 1 - insured - Fraction(1, 2)  # what the first could not take
    assert 0 <= venue.size(second, 0) - wad(taken - 1) <= 1
    assert 0 <= wad(insured) - (skew - venue.get("last_market_state", 0)[0]) <= 1
    gained = Fraction(venue.get("cash", winner) - cash[winner], WAD)
    assert abs(gained - (-Fraction(costs[winner], WAD) - price / 2)) < Fraction(DUST, WAD)
    gained = Fraction(venue.get("cash", second) - cash[second], WAD)
    expected = (-Fraction(costs[second], WAD) - price) * taken
    assert abs(gained - expected) < Fraction(10**6, WAD)  # a wei of size is worth the price
    assert venue.get("insurance_fund") == 0
    assert venue.get("cash", account) == 0
    spread = insured * index * Fraction(venue.get("market", 0)[2], WAD)
    assert abs(venue.get("maker_drawn", 0) - wad(spread)) < 10**6
    assert usdc_total(venue) == total
    assert venue.get("gate_until") == venue.chain.time() + GATE


def of_winners(venue: RevmVenue) -> int:
    """What the shorts are worth, USDC WAD."""
    return sum(venue.margin(venue.account(name)).balance for name in ("hedger", "bystander"))


@pytest.mark.parametrize("long_skew", [False, True])
@pytest.mark.parametrize("missing", [1, 10**12, 10 * WAD, 1_000 * WAD])
def test_what_insurance_lacks_is_all_that_winners_are_asked_for(
    long_skew: bool, missing: int
) -> None:
    """A wei that the fund is short by costs them about a wei, whether the close earns or not."""
    left: list[tuple[int, int]] = []
    for short in (0, missing):
        venue = RevmVenue(funding=False)
        for name, usdc in (("trader", 4_000), ("hedger", 20_000), ("bystander", 5_000)):
            venue.deposit(name, usdc * USDC)
        venue.deposit("liquidator", 10**6 * USDC)
        assert not venue.trade("trader", 0, WAD)
        assert not venue.trade("hedger", 0, -WAD)
        assert not venue.trade("bystander", 0, -WAD // 2)
        if long_skew:
            assert not venue.trade("liquidator", 0, 8 * WAD)
            venue.advance(12)
        debt = insolvent(venue, 2_000)
        pool = venue.get("premium_pool", 0)
        venue.do("owner", "fund_insurance", 10_000 * USDC)
        snapshot = venue.chain.evm.snapshot()
        venue.do("liquidator", "liquidate", venue.account("trader"), 0)
        wanted = debt - max(pool - venue.get("premium_pool", 0), 0)
        venue.chain.evm.revert(snapshot)
        set_market(venue, 0, insurance_cap=wanted - short)
        venue.do("liquidator", "liquidate", venue.account("trader"), 0)
        assert venue.size(venue.account("trader"), 0) == 0
        left.append((of_winners(venue), venue.get("insurance_drawn", 0)))
    (whole, drawn), (asked, less) = left
    assert drawn - less == missing
    # Of the part that is asked of them, missing/drawn, they bear the whole debt: it earns nothing.
    assert abs(whole - asked - Fraction(missing, drawn) * debt) < 10**6  # a wei of size


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


def charged(venue: RevmVenue, market: int) -> int:
    """What a market's losses took from the fund, its maker and its other side, USDC WAD."""
    total = venue.get("insurance_drawn", market) + venue.get("maker_drawn", market)
    longs, skew = venue.get("long_interest", market), venue.get("last_market_state", market)[0]
    total += venue.get("loss_long", market) * longs // WAD
    return int(total + venue.get("loss_short", market) * (longs - skew) // WAD)


@examples(60)
@given(
    size=st.sampled_from([1, 10**10, WAD // 100, WAD // 2]),
    side=st.sampled_from([1, -1]),
    btc=st.integers(-15, 15),
    sol=st.integers(30, 60),
    order=st.permutations([0, 1]),
    winners=st.booleans(),
    weth=st.booleans(),
    cap=st.sampled_from([0, 5_000, 10**6]),
)
def test_a_market_pays_for_no_more_than_was_lost_in_it(
    size: int,
    side: int,
    btc: int,
    sol: int,
    order: list[int],
    winners: bool,
    weth: bool,
    cap: int,
) -> None:
    """SOL ruins an account that holds BTC too: closed first or last, BTC bears BTC's loss alone."""
    venue = RevmVenue(funding=False)
    for m in (0, 1):
        set_market(venue, m, insurance_cap=cap * WAD)
    venue.do("owner", "fund_insurance", 10**6 * USDC)
    venue.deposit("hedger", 10**7 * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    venue.deposit("trader", 30_000 * USDC)
    if weth:
        venue.deposit("trader", WAD // 2, collateral=1)
    account, other = venue.account("trader"), venue.account("hedger")
    assert not venue.trade("trader", 0, side * size)
    assert not venue.trade("trader", 1, 2_000 * WAD)
    if winners:
        assert not venue.trade("hedger", 0, -side * size)
        assert not venue.trade("hedger", 1, -2_000 * WAD)
    prices = {"BTC": btc, "SOL": -sol}
    venue.report(**{a: venue.prices[a] * Fraction(100 + p, 100) for a, p in prices.items()})
    won = venue.margin(other).balance
    terms, cost = venue.get("market", 0), venue.get("position", account, 0)[1]
    worth = Fraction(side * size, WAD) * venue.prices["BTC"] * WAD
    lost = max(cost - worth, Fraction(0)) + abs(worth) * Fraction(terms[2], WAD) + DUST
    asked = 0  # of the winners in BTC
    for m in order:
        for _ in range(8):
            if not venue.size(account, m):
                break
            before = venue.margin(other).balance
            venue.do("liquidator", "liquidate", account, m)
            asked += (before - venue.margin(other).balance) if m == 0 else 0
            venue.advance(12)
        assert venue.size(account, m) == 0
    if weth:
        venue.do("liquidator", "liquidate_collateral", account, 1, WAD)
    assert venue.get("cash", account) == 0
    paid_for_btc, paid_for_sol = charged(venue, 0), charged(venue, 1)
    event(f"BTC's loss {'charged' if paid_for_btc > DUST else 'not charged'}")
    assert paid_for_btc + max(asked, 0) <= lost + 10**6
    assert paid_for_sol + (won - venue.margin(other).balance) > 10_000 * WAD


def test_who_is_blamed_for_a_debt_goes_with_the_slice_that_takes_it() -> None:
    """And a debt that was paid is of the past: a later one in another market is that market's."""
    venue = RevmVenue(funding=False)
    venue.do("owner", "fund_insurance", 10**6 * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    venue.deposit("trader", 30_000 * USDC)
    venue.deposit("trader", 20 * WAD, collateral=1)
    account, heir = venue.account("trader"), venue.account("bystander")
    start = venue.prices["BTC"]
    assert not venue.trade("trader", 0, 4 * WAD)
    venue.report(BTC=start * Fraction(7, 10))
    assert not venue.trade("trader", 0, -4 * WAD)  # it has WETH for what it owes now
    assert -10_000 * WAD < venue.get("cash", account) < -5_000 * WAD
    venue.deposit("trader", 11_000 * USDC)
    assert venue.get("cash", account) > 0
    assert not venue.trade("trader", 1, 1_000 * WAD)
    venue.report(SOL=venue.prices["SOL"] * Fraction(7, 10))
    assert not venue.trade("trader", 1, -1_000 * WAD)
    debt = -venue.get("cash", account)
    assert debt > 20_000 * WAD
    venue.do("bystander", "set_slice_consent", venue.address("trader"), True)
    venue.do("trader", "transfer_slice", 0, WAD, venue.address("bystander"))
    assert venue.get("cash", heir) == -debt
    venue.report(WETH=venue.prices["WETH"] / 100)
    venue.do("liquidator", "liquidate_collateral", heir, 1, 20 * WAD)
    assert venue.get("cash", heir) == 0
    assert charged(venue, 0) == 0
    assert charged(venue, 1) == venue.get("bad_debt") > 20_000 * WAD


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


WEIGHTS: dict[int, Any] = {
    1: lambda venue, name: (
        Fraction(venue.size(name, 0), WAD) * venue.prices["BTC"]
        - Fraction(venue.get("position", name, 0)[1], WAD)
    ),
    2: lambda venue, name: Fraction(venue.margin(name).equity, WAD),
    3: lambda venue, name: Fraction(abs(venue.size(name, 0)), WAD),
}


@pytest.mark.parametrize("policy", WEIGHTS)
@given(dollars=st.integers(600, 6_000), rich=st.integers(0, 200_000))
@examples(12)
def test_pro_rata_winners_give_by_their_weight_and_at_most_all_they_have(
    policy: int, dollars: int, rich: int
) -> None:
    venue = RevmVenue(funding=False)
    for name, usdc in (("trader", 4_000), ("hedger", 20_000), ("bystander", 5_000 + rich)):
        venue.deposit(name, usdc * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    assert not venue.trade("trader", 0, WAD)
    assert not venue.trade("hedger", 0, -WAD)
    venue.report(BTC=venue.prices["BTC"] * Fraction(101, 100))
    assert not venue.trade("bystander", 0, -WAD // 2)
    venue.do("owner", "set_parameters", (*venue.get("parameters")[:-1], policy))
    insolvent(venue, dollars)
    winners = [venue.account(name) for name in ("hedger", "bystander")]
    held = [Fraction(abs(venue.size(name, 0)), WAD) for name in winners]
    weights = [max(WEIGHTS[policy](venue, name), Fraction(0)) for name in winners]
    total, count = usdc_total(venue), venue.get("last_market_state", 0)[0]

    venue.do("liquidator", "liquidate", venue.account("trader"), 0)
    left = [Fraction(abs(venue.size(name, 0)), WAD) for name in winners]
    given_ = [before - after for before, after in zip(held, left, strict=True)]
    asked = sum(given_)
    event("all that one has" if 0 in left else "in part")
    # Each by weight; where that is more than one has, he gives all of it and the other the rest.
    shares = [asked * weight / sum(weights) for weight in weights]
    for i, other in ((0, 1), (1, 0)):
        if shares[i] > held[i]:
            shares = [held[0], held[1]]
            shares[other] = asked - held[i]
    for part, share in zip(given_, shares, strict=True):
        assert abs(part - share) <= Fraction(4, WAD)
    assert asked > 0
    assert usdc_total(venue) == total
    assert venue.get("last_market_state", 0)[0] <= count  # the maker took what insurance paid for
