"""Portfolio margin, worked out with the covariance matrix itself (contracts/SPEC.md §3.4, §3.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.types import COVARIANCE_RAMP, InputError, Status
from simulator.world import actions as act
from tests.model.venue import (
    BTC,
    COVARIANCE,
    ETH,
    FIRST,
    STILL,
    YES,
    Venue,
    factor_of,
    protocol,
)

MULTIPLE, FLOOR = 3.0, 0.4
TERMS: dict[str, Any] = {"risk_multiple": MULTIPLE, "gross_floor": FLOOR}
STEADY: dict[str, Any] = {**TERMS, "covariance_factor": factor_of(STILL)}


def risk(usdc: float, eth: float, btc: float) -> float:
    """√(nᵀΣn) of exposures in USD."""
    n = np.array([usdc, eth, btc])
    return float(np.sqrt(n @ COVARIANCE @ n))


def test_a_hedge_lowers_the_requirement_to_the_risk_that_is_left() -> None:
    venue = Venue(protocol((200_000.0, 0.0), **TERMS))
    venue.trade(0, ETH, 100.0)
    alone = venue.of("maintenance", 0)
    assert alone == pytest.approx(MULTIPLE * risk(200_000, 200_000, 0), rel=1e-12)
    venue.trade(0, BTC, -4.0)
    hedged = venue.of("maintenance", 0)
    assert hedged == pytest.approx(MULTIPLE * risk(200_000, 200_000, -120_000), rel=1e-12)
    assert hedged < alone


def test_the_floor_holds_where_nothing_seems_to_be_at_risk() -> None:
    venue = Venue(protocol((200_000.0, 500.0), **TERMS))
    venue.trade(0, ETH, -500.0)  # short what is held: the only exposure left is to USDC
    assert MULTIPLE * risk(200_000, 0, 0) < FLOOR * 0.05 * 1e6
    assert venue.of("maintenance", 0) == pytest.approx(FLOOR * 0.05 * 1e6, rel=1e-12)


def test_collateral_is_in_the_exposures_before_its_haircut() -> None:
    venue = Venue(protocol((200_000.0, 30.0), **TERMS), usdc=0.97)
    venue.trade(0, BTC, 5.0)
    expected = MULTIPLE * risk(200_000 * 0.97, 30 * 2000.0, 150_000.0)
    assert venue.of("maintenance", 0) == pytest.approx(expected, rel=1e-12)
    assert venue.of("equity", 0) == pytest.approx(200_000 * 0.97 + 60_000 * 0.8, rel=1e-12)


def test_an_account_without_a_position_needs_nothing() -> None:
    venue = Venue(protocol((200_000.0, 30.0), **TERMS))
    assert venue.of("maintenance", 0) == 0.0


def test_the_gross_rule_adds_what_portfolio_margin_nets() -> None:
    netting: dict[str, Any] = {"risk_multiple": 2.0, "gross_floor": FLOOR}
    for terms, opened in (({}, Status.BELOW_INITIAL_MARGIN), (netting, Status.OK)):
        venue = Venue(protocol((20_000.0, 0.0), **terms))
        assert venue.trade(0, BTC, -5.0) == Status.OK
        # 1.5 · 5 % of 150,000 + 170,000 is 24,000; 1.5 · 2 · 5,460 USD of risk is 16,400.
        assert venue.trade(0, ETH, 85.0) == opened


def one_volatility(daily: float) -> act.PostCovariance:
    """Of ETH alone."""
    factor = np.zeros((3, 8, 1))
    factor[1, 0] = daily
    return act.PostCovariance(0, factor, YES)


def test_a_covariance_posted_to_a_flat_venue_is_there_at_once() -> None:
    venue = Venue(protocol((200_000.0, 0.0), **TERMS))
    fill = venue.world.execute(one_volatility(0.08))
    assert (fill.status[0], fill.amount_out[0]) == (Status.OK, 1.0)
    venue.trade(0, ETH, 100.0)
    assert venue.of("maintenance", 0) == pytest.approx(MULTIPLE * 0.08 * 200_000, rel=1e-12)


def test_with_a_position_it_comes_by_a_ramp_and_a_quarter_at_most() -> None:
    hours = COVARIANCE_RAMP // 3_600
    still = factor_of(((0.0,) * 3, (0.04, 0.0, 0.0), (0.0,) * 3))
    terms = {**TERMS, "covariance_factor": still}
    venue = Venue(protocol((200_000.0, 0.0), **terms), eth=(2_000.0,) * (hours + 2))
    venue.trade(0, ETH, 100.0)
    fill = venue.world.execute(one_volatility(0.08))
    assert (fill.status[0], fill.amount_out[0]) == (Status.OK, 0.25)
    for hour in range(1, hours + 2):
        before = MULTIPLE * (0.04 + 0.01 * min(hour - 1, hours) / hours) * 200_000
        assert venue.of("maintenance", 0) == pytest.approx(before, rel=1e-6)
        if hour <= hours:
            again = venue.world.execute(one_volatility(0.08))
            assert again.status[0] == Status.TOO_SOON
        venue.world.advance(hour)
    assert venue.world.execute(one_volatility(0.08)).status[0] == Status.OK


@pytest.mark.parametrize("entry", [np.nan, 30.0])
def test_a_covariance_the_contract_cannot_hold_is_bad_input(entry: float) -> None:
    venue = Venue(protocol((200_000.0, 0.0), **TERMS))
    with pytest.raises(InputError, match=r"PostCovariance\.factor"):
        venue.world.execute(act.PostCovariance(0, np.full((3, 8, 1), entry), YES))


def test_withdrawable_leaves_room_for_the_risk_of_what_leaves() -> None:
    venue = Venue(protocol((50_000.0, 0.0), **TERMS))
    venue.trade(0, ETH, 100.0)
    maintenance = venue.of("maintenance", 0)
    spare = 50_000 - 1.5 * maintenance
    kept = spare / (1 + 1.5 * MULTIPLE * 0.001)
    assert venue.withdraw(0, spare * 1.001) == Status.BELOW_INITIAL_MARGIN
    assert venue.withdraw(0, kept) == Status.OK


# ---------------------------------------------------------------------------------- liquidation


def test_a_close_under_the_risk_rule_restores_initial_margin_and_no_more() -> None:
    venue = Venue(protocol((80_000.0, 0.0), (1e5, 0.0), **STEADY), eth=(2000.0, 1700.0))
    venue.trade(0, ETH, 180.0)
    venue.trade(0, BTC, 2.0)
    venue.world.advance(1)
    assert venue.of("equity", 0) < venue.of("maintenance", 0)
    fill = venue.liquidate(1, 0, ETH)
    assert fill.status[0] == Status.OK
    assert 0.0 < fill.amount_in[0] < 180.0
    assert venue.of("equity", 0) == pytest.approx(1.5 * venue.of("maintenance", 0), rel=1e-12)
    assert venue.liquidate(1, 0, ETH).status[0] == Status.NOT_LIQUIDATABLE


@given(
    eth=st.floats(-200, 200).filter(lambda x: abs(x) > 5),
    btc=st.floats(-12, 12).filter(lambda x: abs(x) > 0.3),
    held=st.sampled_from([0.0, 20.0]),
    fall=st.floats(0.0, 0.9),
    spread=st.sampled_from([0.0, 0.002]),
    rule=st.sampled_from([{}, STEADY, {**STEADY, "risk_multiple": 8.0, "gross_floor": 1.0}]),
    first=st.sampled_from([ETH, BTC]),
)
@example(
    -197.0, 11.0, 20.0, 0.4375, 0.002, {**STEADY, "risk_multiple": 8.0, "gross_floor": 1.0}, BTC
)
@settings(max_examples=150, deadline=None)
def test_a_partial_close_ends_at_initial_margin_or_where_more_would_not_help(
    eth: float,
    btc: float,
    held: float,
    fall: float,
    spread: float,
    rule: dict[str, Any],
    first: int,
) -> None:
    move = 1 - 0.3 * fall * np.sign(eth)
    market = {"half_spread": spread}
    terms = protocol((1e6, held), (1e7, 0.0), market=market, **rule)
    venue = Venue(terms, eth=(2000.0, 2000.0 * move))
    venue.trade(0, ETH, eth)
    venue.trade(0, BTC, btc)
    venue.world.advance(1)
    # Take the margin down to where the account is due, whatever the draw.
    state, account = venue.model.state.clearing, FIRST
    missing = venue.of("equity", 0) - 0.7 * venue.of("maintenance", 0)
    state.cash[account] -= missing
    venue.model._observation = None
    if state.cash[account, 0] <= 0 or venue.of("equity", 0) >= venue.of("maintenance", 0):
        return
    size = venue.of("size", 0, first)
    ratio = venue.of("equity", 0) / venue.of("maintenance", 0)
    fill = venue.liquidate(1, 0, first)
    if fill.status[0] == Status.NOT_REDUCING_RISK:
        assert rule  # under the gross rule every close frees margin
        assert eth * btc < 0.0 or held  # and only a hedge adds risk when it is closed
        return
    assert fill.status[0] == Status.OK
    left = venue.of("maintenance", 0)
    if left == 0.0:
        return
    after = venue.of("equity", 0) / left
    assert after >= ratio * (1 - 1e-12)  # where it is no more, going on would have lowered it
    if abs(fill.amount_in[0]) < abs(size) and ratio * (1 + 1e-5) < after < 1.5 * (1 - 1e-9):
        # It stopped where R is least along this market: no covariance with it is left.
        price = 2000.0 * move
        n = np.array([0.0, (venue.of("size", 0, ETH) + held) * price, 0.0])
        n[2] = venue.of("size", 0, BTC) * 30_000
        along = COVARIANCE[first + 1] * n
        assert abs(along.sum()) <= 1e-9 * np.abs(along).max()
    assert after <= 1.5 * (1 + 1e-9) or abs(fill.amount_in[0]) == abs(size)


def test_closing_a_hedge_of_an_account_in_distress_is_refused() -> None:
    venue = Venue(protocol((100_000.0, 0.0), (1e5, 0.0), **TERMS), eth=(2000.0, 1850.0))
    venue.trade(0, BTC, -5.0)
    venue.trade(0, ETH, 300.0)
    venue.world.advance(1)
    assert venue.of("equity", 0) < venue.of("maintenance", 0)
    assert venue.liquidate(1, 0, BTC).status[0] == Status.NOT_REDUCING_RISK
    assert venue.liquidate(1, 0, ETH).status[0] == Status.OK


def test_the_vaults_isolated_accounts_keep_to_the_gross_rule() -> None:
    terms = protocol((1e6, 0.0), **TERMS)
    venue = Venue(replace(terms, vault=replace(terms.vault, isolated=True)))
    state = venue.model.state.clearing
    for account in (0, 1):
        state.size[account, ETH, 0], state.cost[account, ETH, 0] = -10.0, -20_000.0
        state.cash[account, 0] = 5_000.0
    state.skew[ETH, 0] = -20.0
    seen = venue.world.observe()
    assert seen.maintenance[1, 0] == pytest.approx(0.05 * 20_000, rel=1e-12)
    # The short owes 20,000 USD of ETH and owns 5,000 USDC.
    assert seen.maintenance[0, 0] == pytest.approx(MULTIPLE * risk(5_000, -20_000, 0), rel=1e-12)
