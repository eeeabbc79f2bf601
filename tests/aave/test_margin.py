"""Equity and requirement of AaveHedge, its debts' interest, withdrawals and liquidation."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aave.market import (
    DECIMALS,
    LTV,
    SUPPLY,
    THRESHOLD,
    USDC_UNIT,
    WAD,
    AaveMarket,
    wad,
)

BTC, SOL = 0, 1
RAY = 10**27
YEAR = 365 * 86_400


def exact_margin(market: AaveMarket) -> tuple[Fraction, Fraction]:
    """(E, M) in USD by SPEC §4.8, without rounding."""
    price = {symbol: Fraction(market.index_price(symbol), WAD) for symbol in DECIMALS}
    worth = Fraction(market.supplied(), USDC_UNIT) * price["USDC"]
    owed = sum(Fraction(market.debt(s), 10 ** DECIMALS[s]) * price[s] for s in ("BTC", "SOL"))
    return worth - owed, owed * (Fraction(10**4, THRESHOLD) - 1)


prices = st.fractions(Fraction(1, 2), Fraction(2), max_denominator=10**6)


@st.composite
def states(draw: st.DrawFn) -> AaveMarket:
    """Random margin and debts, then random prices and time: healthy and unhealthy alike."""
    market = AaveMarket()
    market.deposit(draw(st.integers(10**4, 10**6)))
    for asset, symbol in ((BTC, "BTC"), (SOL, "SOL")):
        margin = market.margin()
        ratio = Fraction(market.hedge.call("parameters")[0], WAD)
        spare = Fraction(margin.equity, WAD) - ratio * Fraction(margin.maintenance, WAD)
        room = max(spare, Fraction(0)) / (Fraction(10**4, LTV) - 1) / market.prices[symbol]
        room = min(room, Fraction(market.balance(symbol, f"a{symbol}"), 10 ** DECIMALS[symbol]))
        share = draw(st.fractions(0, Fraction(9, 10), max_denominator=100))
        if share * room * 10 ** DECIMALS[symbol] > 10**3:
            assert market.trade(asset, -wad(share * room)) == ""
    market.wait(draw(st.integers(0, YEAR)))
    moves = {s: draw(prices) for s in ("BTC", "SOL")}
    usdc = draw(st.sampled_from([Fraction(1), Fraction(93, 100), Fraction(1000003, 10**6)]))
    market.report(**{s: market.prices[s] * move for s, move in moves.items()}, USDC=usdc)
    return market


@settings(max_examples=60, deadline=None)
@given(states())
def test_equity_is_below_maintenance_exactly_when_aave_would_liquidate(market: AaveMarket) -> None:
    """Exact but for the last digit of Aave's health factor, which it rounds to the nearest."""
    margin = market.margin()
    health = market.health_factor()
    if abs(health - WAD) > 1:
        assert (margin.equity < margin.maintenance) == (health < WAD)


@settings(max_examples=60, deadline=None)
@given(states())
def test_equity_and_requirement_are_those_of_the_specification(market: AaveMarket) -> None:
    equity, maintenance = exact_margin(market)
    margin = market.margin()
    assert 0 <= equity * WAD - margin.equity < 3  # one rounding per token
    assert 0 <= margin.maintenance - maintenance * WAD < 4
    assert margin.value == margin.initial_equity == margin.equity
    assert 0 <= Fraction(margin.equity) / market.prices["USDC"] - margin.balance < 1 + 10**-6
    assert market.hedge.call("cash", market.account) == market.supplied() * 10**12


def compounded(rate: int, seconds: int) -> int:
    """MathUtils.calculateCompoundedInterest, ray: three terms of the binomial series."""

    def ray_mul(a: int, b: int) -> int:
        return (a * b + RAY // 2) // RAY

    if seconds == 0:
        return RAY
    second = ray_mul(rate, rate) // YEAR**2
    third = ray_mul(second, rate) // YEAR
    n = seconds
    return (
        RAY
        + rate * n // YEAR
        + n * (n - 1) * second // 2
        + n * (n - 1) * max(n - 2, 0) * third // 6
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3 * YEAR), st.integers(1, 400))
def test_a_debt_grows_by_the_three_term_compounding_of_aave(seconds: int, whole: int) -> None:
    market = AaveMarket()
    market.deposit(50_000_000)
    assert market.trade(BTC, -wad(whole)) == ""
    reserve = market.aave.call("getReserveData", market.addresses["BTC"])
    index, rate = reserve[3], reserve[4]
    scaled = market.token("BTC debt").call("scaledBalanceOf", market.addresses["hedge"])
    market.wait(seconds)
    grown = (index * compounded(rate, seconds) + RAY // 2) // RAY
    debt = (scaled * grown + RAY // 2) // RAY
    assert market.debt("BTC") == debt
    assert market.size(BTC) == -debt * 10**10


def test_the_margin_earns_what_others_pay_for_the_usdc(market: AaveMarket) -> None:
    market.deposit(1_000_000)
    borrower = market.address("borrower")
    sol = market.addresses["USDC"]
    assert market.lend("borrower", "supply", sol, 10**6 * USDC_UNIT, borrower, 0) == ""
    assert market.lend("borrower", "borrow", sol, 7 * 10**5 * USDC_UNIT, 2, 0, borrower) == ""
    before = market.supplied()
    market.wait(YEAR)
    assert before < market.supplied() < before * 1.05
    assert market.margin().value == market.supplied() * 10**12


# -------------------------------------------------------------------------------------- withdrawals


@settings(max_examples=60, deadline=None)
@given(states(), st.fractions(1, 4, max_denominator=100))
def test_what_is_withdrawable_is_accepted_and_more_is_not(
    market: AaveMarket, ratio: Fraction
) -> None:
    raw = market.hedge.call("withdrawable", market.account, wad(ratio))
    to = market.address("vault")
    if raw == 0:
        return
    equity, maintenance = exact_margin(market)
    initial = Fraction(market.hedge.call("parameters")[0], WAD)
    kept = max(ratio, initial) * maintenance
    left = equity - Fraction(raw, USDC_UNIT) * market.prices["USDC"]
    limited = raw == market.balance("USDC", "aUSDC") or raw == market.supplied()
    assert left >= kept
    assert limited or left - kept < Fraction(1, USDC_UNIT) + Fraction(10, WAD)
    if ratio <= initial and not limited:
        assert market.attempt("withdraw", 0, 0, raw + 1, to) == "clearing: below initial margin"
    assert market.attempt("withdraw", 0, 0, raw, to) == ""
    assert market.health_factor() >= WAD


def test_no_more_can_leave_than_was_supplied(hedged: AaveMarket) -> None:
    to = hedged.address("vault")
    supplied = hedged.supplied()
    assert hedged.attempt("withdraw", 0, 0, supplied + 1, to) == (
        "clearing: insufficient collateral"
    )
    assert hedged.attempt("withdraw", 0, 0, supplied, to) == "clearing: below initial margin"


def test_usdc_aave_has_lent_to_others_is_not_withdrawable(market: AaveMarket) -> None:
    """Against collateral in SOL, which the owner of the market accepts for this."""
    market.deposit(1_000_000)
    borrower, usdc, sol = (
        market.address("borrower"),
        market.addresses["USDC"],
        market.addresses["SOL"],
    )
    market.configurator.transact(
        market.address("owner"), "configureReserveAsCollateral", sol, LTV, THRESHOLD, 10_500
    )
    assert market.lend("borrower", "supply", sol, 10**5 * WAD, borrower, 0) == ""
    lent = (SUPPLY["USDC"] + 400_000) * USDC_UNIT
    assert market.lend("borrower", "borrow", usdc, lent, 2, 0, borrower) == ""
    left = market.balance("USDC", "aUSDC")
    assert left == 600_000 * USDC_UNIT < market.supplied()
    assert market.hedge.call("withdrawable", market.account, 0) == left
    vault = market.address("vault")
    assert market.attempt("withdraw", 0, 0, left + 1, vault) == "clearing: insufficient collateral"
    assert market.attempt("withdraw", 0, 0, left, vault) == ""


def test_without_debt_the_margin_can_leave_with_the_oracle_dead(market: AaveMarket) -> None:
    market.deposit(1_000)
    market.wait(10 * 86_400, fresh=False)
    vault, account = market.address("vault"), market.account
    raw = market.supplied()
    assert market.hedge.call("withdrawable", account, wad(2)) == raw
    assert market.attempt("withdraw", 0, 0, raw, vault) == ""


def test_with_debt_a_stale_price_stops_withdrawals_and_states(hedged: AaveMarket) -> None:
    hedged.wait(86_401, fresh=False)
    assert hedged.attempt("withdraw", 0, 0, 1, hedged.address("vault")) == "oracle: stale"
    last = hedged.hedge.call("last_account_state", hedged.account)
    hedged.report()
    assert last == hedged.hedge.call("account_state", hedged.account)


def test_the_account_of_anyone_else_is_empty(hedged: AaveMarket) -> None:
    for account in (hedged.account | 1, int(hedged.address("stranger"), 16) << 8):
        assert hedged.hedge.call("account_state", account) == (0, 0, 0, 0, 0)
        assert hedged.hedge.call("position", account, BTC) == (0,)
        assert hedged.hedge.call("cash", account) == 0
        assert hedged.hedge.call("withdrawable", account, 0) == 0


# -------------------------------------------------------------------------------------- liquidation


def test_a_liquidation_at_aave_is_simply_what_the_vault_then_has(hedged: AaveMarket) -> None:
    """Half the debt is repaid by the liquidator for collateral worth 5 % more (Aave's bonus)."""
    price = Fraction(hedged.supplied() * THRESHOLD, 10**4 * USDC_UNIT) / 10 * Fraction(101, 100)
    hedged.report(BTC=price, SOL=Fraction(1))
    before = hedged.margin()
    assert before.equity < before.maintenance
    debt, supplied = hedged.debt("BTC"), hedged.supplied()
    usdc, btc, user = (hedged.addresses[name] for name in ("USDC", "BTC", "hedge"))
    assert hedged.lend("liquidator", "liquidationCall", usdc, btc, user, debt, False) == ""

    repaid = debt - hedged.debt("BTC")
    assert abs(repaid - debt // 2) <= 1  # the close factor while the health factor is above 0.95
    per_unit = price * Fraction(105, 100) * USDC_UNIT / 10 ** DECIMALS["BTC"]
    assert abs(supplied - hedged.supplied() - repaid * per_unit) <= per_unit + 2
    after = hedged.margin()
    equity, maintenance = exact_margin(hedged)
    assert abs(after.equity - equity * WAD) < 4
    assert abs(after.maintenance - maintenance * WAD) < 4
    assert after.equity < before.equity  # the bonus
    assert hedged.size(BTC) == -hedged.debt("BTC") * 10**10
    assert hedged.trade(BTC, wad(1) // 10) == ""
    hedged.deposit(1_000)


def test_a_healthy_account_cannot_be_liquidated(hedged: AaveMarket) -> None:
    usdc, btc, user = (hedged.addresses[name] for name in ("USDC", "BTC", "hedge"))
    refusal = hedged.lend("liquidator", "liquidationCall", usdc, btc, user, 10**8, False)
    assert refusal == "45"  # Errors.HEALTH_FACTOR_NOT_BELOW_THRESHOLD


def test_a_debt_beyond_the_collateral_counts_below_zero(hedged: AaveMarket) -> None:
    """Prices ten times as high: the venue owes more than it has, and says so."""
    hedged.report(BTC=Fraction(300_000), SOL=Fraction(1_000))
    margin = hedged.margin()
    assert margin.value < 0
    assert margin.balance < 0
    assert hedged.hedge.call("withdrawable", hedged.account, 0) == 0


@pytest.mark.parametrize("gift", ["supply", "repay"])
def test_a_present_made_at_aave_raises_equity_by_what_it_cost(
    hedged: AaveMarket, gift: str
) -> None:
    before = hedged.margin().equity
    user = hedged.addresses["hedge"]
    if gift == "supply":
        reason = hedged.lend("stranger", "supply", hedged.addresses["USDC"], 10**9, user, 0)
        worth = 1_000 * WAD
    else:
        reason = hedged.lend("stranger", "repay", hedged.addresses["BTC"], 10**7, 2, user)
        worth = 3_000 * WAD
    assert reason == ""
    assert abs(hedged.margin().equity - before - worth) <= 10**15
