"""Portfolio margin (SPEC §3.1, §3.4, §3.5): the requirement, and what liquidation does to it."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.properties.revm_venue import RevmVenue, wad
from tests.properties.test_clearing_properties import examples
from tests.reference.integers import WAD

USDC = 10**6
ENTRY = 10**8
KAPPA, FLOOR = 4 * WAD, 6 * WAD // 10
# Rows: USDC, BTC, SOL, WETH (SPEC §3.1's order); daily volatility 4 %, 6 % and 5 %, all correlated.
ROWS = (
    (0,) * 8,
    (4_000_000,) + (0,) * 7,
    (4_800_000, 3_600_000) + (0,) * 6,
    (4_000_000, 1_800_000, 2_400_000) + (0,) * 5,
)


def portfolio_venue(
    rows: tuple[tuple[int, ...], ...] = ROWS, kappa: int = KAPPA, floor: int = FLOOR
) -> RevmVenue:
    venue = RevmVenue(funding=False)
    parameters = list(venue.get("parameters"))
    parameters[4:6] = [floor, kappa]
    venue.do("owner", "set_parameters", tuple(parameters))
    venue.do("owner", "post_covariance", rows)
    venue.deposit("liquidator", 200_000 * USDC)
    return venue


def up(x: int, y: int, d: int) -> int:
    return -(-x * y // d)


def requirement(venue: RevmVenue, account: int, rows: Any = ROWS) -> tuple[int, int, int]:
    """(G, R, M) from the stored sizes by the formulas, with their roundings."""
    index = {m: wad(venue.prices[t.asset]) for m, t in enumerate(venue.venue.markets)}
    rates = [wad(t.maintenance_rate) for t in venue.venue.markets]
    gross, total = 0, [0] * 8
    for m in (0, 1):
        size = venue.size(account, m)
        notional = up(abs(size), index[m], WAD)
        gross += up(notional, rates[m], WAD)
        total = [
            v + e * (notional if size > 0 else -notional)
            for v, e in zip(total, rows[1 + m], strict=True)
        ]
    weth = venue.get("collateral_balance", account, 1) * wad(venue.prices["WETH"]) // WAD
    usdc = venue.margin(account).balance * wad(venue.prices["USDC"]) // WAD
    for row, amount in ((rows[3], weth), (rows[0], usdc)):
        total = [v + e * amount for v, e in zip(total, row, strict=True)]
    square = sum(up(abs(v), 1, ENTRY) ** 2 for v in total)
    risk = isqrt(square)
    risk += risk * risk < square
    return gross, risk, max(up(gross, FLOOR, WAD), up(risk, KAPPA, WAD))


sizes = st.integers(-400, 400).map(lambda n: n * WAD // 100)


@examples(40)
@given(btc=sizes, sol=st.integers(-2_000, 2_000), weth=st.integers(0, 40))
def test_requirement_is_the_greater_of_the_floor_and_the_risk(
    btc: int, sol: int, weth: int
) -> None:
    venue = portfolio_venue()
    venue.deposit("trader", 500_000 * USDC)
    venue.deposit("trader", weth * WAD, collateral=1)
    assume(btc or sol)
    for market, size in ((0, btc), (1, sol * WAD)):
        if size:
            assert not venue.trade("trader", market, size)
    account = venue.account("trader")
    assert venue.margin(account).maintenance == requirement(venue, account)[2]


def test_hedged_account_needs_less_than_the_gross_rule_and_no_less_than_the_floor() -> None:
    venue = portfolio_venue(kappa=3 * WAD // 2)
    venue.deposit("trader", 100_000 * USDC)
    account = venue.account("trader")
    assert not venue.trade("trader", 0, 2 * WAD)
    alone = venue.margin(account).maintenance
    assert not venue.trade("trader", 1, -320 * WAD)
    hedged = venue.margin(account).maintenance
    gross, _, _ = requirement(venue, account)
    assert hedged < alone
    assert up(gross, FLOOR, WAD) <= hedged < gross


def test_isolated_accounts_stay_on_the_gross_rule() -> None:
    venue = portfolio_venue()
    venue.deposit("trader", 50_000 * USDC, sub=1)
    assert not venue.trade("trader", 0, WAD, sub=1)
    account = venue.account("trader", 1)
    assert venue.margin(account).maintenance == requirement(venue, account)[0]


def test_depeg_risk_counts_usdc_as_an_exposure() -> None:
    rows = ((1_000_000,) + (0,) * 7, *ROWS[1:])
    venue = portfolio_venue(rows)
    venue.deposit("trader", 100_000 * USDC)
    account = venue.account("trader")
    assert not venue.trade("trader", 0, WAD)
    assert venue.margin(account).maintenance == requirement(venue, account, rows)[2]
    less = requirement(venue, account)[2]
    assert venue.margin(account).maintenance > less
    free = venue.get("withdrawable", account, 0)
    assert 0 < free < 100_000 * USDC
    assert not venue.attempt("trader", "withdraw", 0, 0, free, venue.address("trader"))


def test_covariance_is_the_risk_managers_and_complete() -> None:
    venue = portfolio_venue()
    assert venue.attempt("trader", "post_covariance", ROWS) == "roles: not the risk manager"
    assert venue.attempt("owner", "post_covariance", ROWS[:3]) == "clearing: bad parameter"
    assert [tuple(venue.get("factor", i)) for i in range(4)] == list(ROWS)
    assert [venue.get("risk_asset", i).lower() for i in range(4)] == [
        venue.addresses[symbol] for symbol in ("USDC", "BTC", "SOL", "WETH")
    ]
    negative = tuple(tuple(-entry for entry in row) for row in ROWS)
    venue.do("owner", "post_covariance", negative)
    assert tuple(venue.get("factor", 2)) == negative[2]


@pytest.mark.parametrize(
    ("place", "value"),
    [(4, 0), (4, WAD + 1), (5, 100 * WAD + 1), (5, 0), (6, 7 * 86_400 + 1), (4, WAD // 4)],
)
def test_portfolio_parameters_are_bounded(place: int, value: int) -> None:
    venue = portfolio_venue()
    parameters = list(venue.get("parameters"))
    parameters[place] = value
    refused = venue.attempt("owner", "set_parameters", tuple(parameters))
    assert refused == "clearing: bad parameter"


@examples(60)
@given(
    btc=st.sampled_from([WAD, -WAD]),
    hedge=st.integers(-900, 900),
    market=st.integers(0, 1),
    depth=st.integers(2, 98),
)
def test_liquidation_restores_initial_margin_or_improves_the_ratio(
    btc: int, hedge: int, market: int, depth: int
) -> None:
    """Of whatever hedged position, from whatever depth below maintenance."""
    venue = portfolio_venue()
    account = venue.account("trader")
    venue.deposit("trader", 10_000 * USDC)
    assert not venue.trade("trader", 0, btc)
    if hedge:
        assume(not venue.trade("trader", 1, hedge * WAD))
    venue.squeeze(account, 0, Fraction(depth, 100))
    before = venue.margin(account)
    refused = venue.attempt("liquidator", "liquidate", account, market)
    if before.equity >= before.maintenance:
        assert refused in ("clearing: not liquidatable", "clearing: no position")
        return
    after = venue.margin(account)
    if refused:
        assert refused in ("clearing: not reducing risk", "clearing: no position")
        assert after == before
        return
    if before.equity < 0:
        assert venue.size(account, market) == 0
        return
    multiple = venue.venue.initial_multiple
    restored = after.equity >= multiple * after.maintenance * (1 - Fraction(1, 10**9))
    ratio_kept = after.equity * before.maintenance >= before.equity * after.maintenance
    closed_all = venue.size(account, market) == 0
    assert restored or ratio_kept or closed_all
    assert after.equity >= after.maintenance or ratio_kept


def test_closing_the_hedge_is_not_a_liquidation() -> None:
    """Where closing a leg would raise the risk it is refused; the other leg is liquidated."""
    venue = portfolio_venue()
    account = venue.account("trader")
    venue.deposit("trader", 4_000 * USDC)
    assert not venue.trade("trader", 0, WAD // 2)
    assert not venue.trade("trader", 1, -60 * WAD)
    assert venue.squeeze(account, 0, Fraction(1, 2))
    before = venue.margin(account)
    assert 0 < before.equity < before.maintenance
    refused = venue.attempt("liquidator", "liquidate", account, 1)
    assert refused == "clearing: not reducing risk"
    assert not venue.attempt("liquidator", "liquidate", account, 0)
    after = venue.margin(account)
    assert after.equity * before.maintenance > before.equity * after.maintenance


def test_reducing_a_hedge_is_never_refused_to_its_owner() -> None:
    venue = portfolio_venue()
    venue.deposit("trader", 4_000 * USDC)
    assert not venue.trade("trader", 0, WAD // 2)
    assert not venue.trade("trader", 1, -60 * WAD)
    assert venue.squeeze(venue.account("trader"), 0, Fraction(11, 10))
    before = venue.margin(venue.account("trader")).maintenance
    assert not venue.trade("trader", 1, 60 * WAD)
    assert venue.margin(venue.account("trader")).maintenance > before


def test_liquidation_of_two_markets_under_portfolio_margin_is_within_its_gas() -> None:
    venue = portfolio_venue()
    account = venue.account("trader")
    venue.deposit("trader", 10_000 * USDC)
    venue.deposit("trader", WAD, collateral=1)
    assert not venue.trade("trader", 0, WAD)
    assert not venue.trade("trader", 1, -100 * WAD)
    assert venue.squeeze(account, 0, Fraction(1, 2))
    venue.advance(60)
    venue.do("liquidator", "liquidate", account, 0)
    assert venue.size(account, 0) != 0
    assert venue.result().gas_used < 400_000


@pytest.mark.parametrize("leg", [0, 1])
def test_an_account_hedged_to_the_last_wei_can_be_liquidated(leg: int) -> None:
    """Its risk is zero, that of what is left when a leg is closed is not."""
    rows = (ROWS[0], ROWS[1], ROWS[1], ROWS[0])
    venue = portfolio_venue(rows)
    venue.deposit("trader", 20_000 * USDC)
    account, trader = venue.account("trader"), venue.address("trader")
    assert not venue.trade("trader", 0, 2 * WAD)
    assert not venue.trade("trader", 1, -600 * WAD)
    spare = (venue.margin(account).equity - 8_000 * WAD) // 10**12
    venue.do("trader", "withdraw", 0, 0, spare, trader)
    venue.report(BTC=Fraction(60_000), SOL=Fraction(200))  # no gain, no loss, twice the notional
    before = venue.margin(account)
    assert requirement(venue, account, rows)[1] == 0
    assert 0 < before.equity < before.maintenance
    assert not venue.attempt("liquidator", "liquidate", account, leg)
    after = venue.margin(account)
    assert Fraction(after.equity, after.maintenance) >= Fraction(before.equity, before.maintenance)
