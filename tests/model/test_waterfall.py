"""Who pays for an account worth less than nothing: SPEC §3.5 with numbers to follow by hand.

Trader 0 is long 100 ETH from 2,000 with 30,000 USDC; at 1,600 it is worth -10,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hedging import deleveraging
from simulator.protocol.clearing import POLICIES
from simulator.types import Status
from simulator.world.actions import Fill
from tests.model.venue import BTC, ETH, Venue, protocol

LIQUIDATOR = -1  # the last trader of every stage, flat
FALL = (2000.0, 1600.0, 1600.0, 1600.0, 1600.0)


def stage(
    *others: tuple[float, float, float], eth: tuple[float, ...] = FALL, **terms: Any
) -> Venue:
    """Trader 0 long 100 ETH; each other trader with (cash, collateral ETH, size); a liquidator."""
    margins = [(30_000.0, 0.0), *((cash, held) for cash, held, _ in others), (50_000.0, 0.0)]
    venue = Venue(protocol(*margins, **terms), eth=eth)
    assert venue.trade(0, ETH, 100.0) == Status.OK
    for number, (_, _, size) in enumerate(others, start=1):
        if size:
            assert venue.trade(number, ETH, size) == Status.OK
    venue.world.advance(1)
    return venue


def liquidate(venue: Venue, market: int = ETH) -> Fill:
    return venue.liquidate(len(venue.world.protocol.agents) - 1, 0, market)


def test_winners_are_deleveraged_by_rank_at_the_bankruptcy_price() -> None:
    # Both shorts profit alike per USD; the first has five times the leverage of the second.
    venue = stage((20_000.0, 0.0, -60.0), (200_000.0, 0.0, -60.0))
    before = venue.usdc()
    maker = venue.common("maker_cash", ETH)
    fill = liquidate(venue)
    # 1,600 + 10,000/100: at 1,700 trader 0 leaves with exactly nothing, and owes nothing.
    assert (fill.amount_in[0], fill.amount_out[0]) == (100.0, 0.0)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)
    assert venue.common("bad_debt") == 0.0
    assert venue.of("size", 1, ETH) == 0.0
    assert venue.of("cash", 1) == pytest.approx(20_000 + 60 * 300, rel=1e-15)
    assert venue.of("size", 2, ETH) == -20.0
    assert venue.of("cash", 2) == pytest.approx(200_000 + 40 * 300, rel=1e-15)
    assert venue.of("cost", 2, ETH) == pytest.approx(-40_000.0, rel=1e-15)
    assert venue.common("skew", ETH) == -20.0
    assert venue.common("maker_cash", ETH) == maker
    assert venue.of("cash", 3) == 50_000.0  # no penalty: there is nothing to pay it from
    assert venue.usdc() == pytest.approx(before, rel=1e-15)


@pytest.mark.parametrize(
    ("policy", "given_"),
    [
        ("queue", (80.0, 20.0)),  # the first has the same profit ratio on more leverage
        ("pro_rata_profit", (200 / 3, 100 / 3)),
        # 52,000 to 216,000 of equity: the second would give 80 and has 40, the first the rest.
        ("pro_rata_equity", (60.0, 40.0)),
        ("pro_rata_position", (200 / 3, 100 / 3)),
    ],
)
def test_winners_give_by_the_venues_policy(policy: str, given_: tuple[float, float]) -> None:
    venue = stage(
        (20_000.0, 0.0, -80.0), (200_000.0, 0.0, -40.0), deleveraging=POLICIES.index(policy)
    )
    before = venue.usdc()
    assert liquidate(venue).amount_in[0] == 100.0
    left = [-venue.of("size", number, ETH) for number in (1, 2)]
    assert left == pytest.approx([80.0 - given_[0], 40.0 - given_[1]], rel=1e-12, abs=1e-12)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)
    assert venue.usdc() == pytest.approx(before, rel=1e-15)


@settings(max_examples=25, deadline=None)
@given(
    policy=st.sampled_from(["pro_rata_equity", "pro_rata_position"]),
    others=st.lists(
        st.tuples(st.floats(2e4, 3e5), st.floats(0.0, 5.0), st.floats(-60.0, -1.0)),
        min_size=1, max_size=4,
    ),
)  # fmt: skip
def test_what_winners_give_is_what_the_mathematics_says(
    policy: str, others: list[tuple[float, float, float]]
) -> None:
    venue = stage(*others, deleveraging=POLICIES.index(policy))
    held = np.array([-size for _, _, size in others])
    worth = [cash + 400.0 * -size + 1_600.0 * kept * 0.8 for cash, kept, size in others]
    weights = np.array(worth) if policy == "pro_rata_equity" else held
    liquidate(venue)
    left = np.array([-venue.of("size", number, ETH) for number in range(1, len(others) + 1)])
    wanted = deleveraging.pro_rata(100.0, weights, held)
    assert held - left == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_a_winner_whom_deleveraging_leaves_with_nothing_owes_nothing() -> None:
    """It owes from BTC: what closing its ETH brings is short of that, and BTC's maker pays."""
    margins = ((30_000.0, 0.0), (20_000.0, 0.0), (50_000.0, 0.0))
    venue = Venue(protocol(*margins), eth=FALL, btc=(30_000.0, *[15_000.0] * 4))
    assert venue.trade(0, ETH, 100.0) == Status.OK
    assert venue.trade(1, ETH, -60.0) == Status.OK
    assert venue.trade(1, BTC, 3.0) == Status.OK
    venue.world.advance(1)
    assert venue.liquidate(2, 1, BTC).amount_in[0] == 3.0
    assert venue.of("cash", 1) == pytest.approx(-25_000.0, rel=1e-12)
    before, makers = venue.usdc(), [venue.common("maker_cash", m) for m in (ETH, BTC)]
    liquidate(venue)
    assert venue.of("size", 1, ETH) == 0.0
    # 60 ETH from 2,000 at 1,700 bring 18,000; the other 40 of trader 0's lose 4,000 beyond 1,700.
    assert venue.of("cash", 1) == venue.of("cash", 0) == 0.0
    assert venue.common("bad_debt") == pytest.approx(7_000.0 + 4_000.0, rel=1e-12)
    assert venue.common("maker_cash", BTC) - makers[1] == pytest.approx(-7_000.0, rel=1e-12)
    assert venue.usdc() == pytest.approx(before, rel=1e-15)


@pytest.mark.parametrize("first", [1, 2])
def test_of_two_alike_the_one_that_opened_first_is_taken(first: int) -> None:
    venue = Venue(protocol((30_000.0, 0.0), *[(60_000.0, 0.0)] * 3), eth=FALL)
    venue.trade(0, ETH, 100.0)
    for number in (first, 3 - first):
        venue.trade(number, ETH, -100.0)
    venue.trade(3 - first, ETH, 10.0)
    venue.trade(3 - first, ETH, -10.0)  # still the position it opened then
    venue.world.advance(1)
    venue.liquidate(3, 0, ETH)
    assert venue.of("size", first, ETH) == 0.0
    assert venue.of("size", 3 - first, ETH) == -100.0


def test_losers_and_flat_accounts_are_left_alone() -> None:
    venue = stage((20_000.0, 0.0, -60.0), (500_000.0, 0.0, 30.0), (7_000.0, 3.0, 0.0))
    liquidate(venue)
    assert venue.of("size", 1, ETH) == 0.0
    assert venue.of("size", 2, ETH) == 30.0  # of the same side
    assert venue.of("cash", 3) == 7_000.0
    assert venue.of("collateral", 3, 1) == 3.0
    # 40 ETH found nobody: closed against the maker at 1,600, 100 below the bankruptcy price.
    assert venue.common("bad_debt") == pytest.approx(40 * 100, rel=1e-12)


def test_the_insurance_fund_comes_before_the_winners() -> None:
    venue = stage((20_000.0, 0.0, -100.0), insurance_funds=4_000.0)
    liquidate(venue)
    assert venue.common("insurance_fund") == 0.0
    assert venue.common("insurance_drawn", ETH) == 4_000.0
    assert venue.common("bad_debt") == 4_000.0
    # 4,000 of 10,000: so much of the position is the maker's, the winner closes the rest at 1,700.
    assert venue.of("size", 1, ETH) == pytest.approx(-40.0, rel=1e-14)
    assert venue.of("cash", 1) == pytest.approx(20_000 + 60 * 300, rel=1e-14)
    assert venue.common("skew", ETH) == pytest.approx(-40.0, rel=1e-14)
    # Nothing was left for the premium of that: whoever takes the 40 back earns nothing by it.
    assert venue.common("unpaid_premium", ETH) == pytest.approx(40.0**2, rel=1e-9)
    assert venue.common("premium_pool", ETH) == pytest.approx(0.0, abs=1e-9)
    assert venue.trade(1, ETH, 40.0) == Status.OK
    assert venue.common("unpaid_premium", ETH) == 0.0
    assert venue.common("premium_pool", ETH) == pytest.approx(0.0, abs=1e-9)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)


def test_where_the_insurance_fund_suffices_nobody_is_deleveraged() -> None:
    venue = stage((20_000.0, 0.0, -100.0), insurance_funds=10_001.0)
    liquidate(venue)
    assert venue.of("size", 1, ETH) == -100.0
    assert venue.common("insurance_fund") == pytest.approx(1.0, rel=1e-9)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("insurance_cap", "maker_cap", "from_maker", "socialised"),
    [
        (1e9, 1e9, 6_000, 0),
        (1e9, 1_000, 1_000, 5_000),
        (1_500, 1_000, 1_000, 7_500),
        (0, 0, 0, 1e4),
    ],
)
def test_insurance_maker_and_the_rest_of_the_market_pay_in_this_order_up_to_its_caps(
    insurance_cap: float, maker_cap: float, from_maker: float, socialised: float
) -> None:
    # Nobody is short: the loss falls to the maker, and beyond its cap to the other long.
    venue = stage(
        (100_000.0, 0.0, 50.0),
        insurance_funds=4_000.0,
        market={"insurance_cap": insurance_cap, "maker_loss_cap": maker_cap},
    )
    maker, total = venue.common("maker_cash", ETH), venue.usdc()
    insured = min(insurance_cap, 4_000.0)
    liquidate(venue)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)
    assert venue.common("insurance_fund") == 4_000.0 - insured
    assert venue.common("insurance_drawn", ETH) == insured
    assert venue.common("maker_drawn", ETH) == pytest.approx(from_maker, rel=1e-12)
    assert venue.common("bad_debt") == pytest.approx(10_000.0, rel=1e-12)
    assert venue.common("loss_long", ETH) == pytest.approx(socialised / 50, rel=1e-12)
    assert venue.common("loss_short", ETH) == 0.0
    # The maker got the 40,000 trader 0 lost, of which 10,000 less the insured was never there.
    assert venue.common("maker_cash", ETH) == pytest.approx(maker + 30_000 + insured, rel=1e-14)
    assert venue.usdc() == pytest.approx(total, rel=1e-15)
    # Trader 1 lost 20,000 on its 50 ETH, and now owes its share; it pays the maker as it closes.
    assert venue.of("equity", 1) == pytest.approx(80_000 - socialised, rel=1e-14)
    assert venue.trade(1, ETH, -50.0) == Status.OK
    assert venue.of("cash", 1) == pytest.approx(80_000 - socialised, rel=1e-14)
    assert venue.usdc() == pytest.approx(total, rel=1e-15)


def test_a_loss_falls_to_the_other_side_and_only_to_those_there_at_the_time() -> None:
    # The shorts gained less than the bankruptcy price takes: at 1,700 they lose, so no ADL.
    venue = stage(
        (100_000.0, 0.0, 0.0),
        (100_000.0, 0.0, 0.0),
        eth=(2000.0, 1600.0, 1600.0),
        market={"maker_loss_cap": 0.0},
    )
    venue.trade(1, ETH, -20.0)
    liquidate(venue)
    venue.trade(2, ETH, -30.0)
    assert venue.common("loss_short", ETH) == pytest.approx(10_000 / 20, rel=1e-12)
    assert venue.of("equity", 1) == pytest.approx(90_000, rel=1e-14)
    assert venue.of("equity", 2) == pytest.approx(100_000, rel=1e-14)


@pytest.mark.parametrize(("btc", "of_eth"), [(30_000.0, 1.0), (31_000.0, 1.0), (20_000.0, 0.75)])
def test_a_market_pays_in_proportion_to_what_was_lost_in_it(btc: float, of_eth: float) -> None:
    venue = Venue(
        protocol((45_000.0, 0.0), (90_000.0, 0.0), insurance_funds=1e6),
        eth=(2000.0, 1600.0),
        btc=(30_000.0, btc),
    )
    venue.trade(0, ETH, 150.0)
    venue.trade(0, BTC, 2.0)
    venue.world.advance(1)
    # ETH has lost 60,000; what BTC gained is no market's to answer for.
    debt = 15_000 - 2.0 * (btc - 30_000)
    venue.liquidate(1, 0, ETH)
    assert venue.common("insurance_drawn", ETH) == pytest.approx(of_eth * debt, rel=1e-12)
    assert venue.of("size", 0, BTC) == 2.0


def test_margin_behind_positions_stays_for_a_while_after_an_insolvency() -> None:
    venue = stage((100_000.0, 0.0, 10.0), withdrawal_gate=7_200)
    assert venue.withdraw(1, 10.0) == Status.OK
    liquidate(venue)
    assert venue.withdraw(1, 10.0) == Status.WITHDRAWALS_GATED
    assert venue.withdraw(2, 10.0) == Status.OK  # nothing is behind a position there
    venue.world.advance(2)
    assert venue.withdraw(1, 10.0) == Status.WITHDRAWALS_GATED
    venue.world.advance(3)
    assert venue.withdraw(1, 10.0) == Status.OK


def test_debt_waits_for_the_collateral_and_then_falls_to_the_market_that_failed() -> None:
    venue = Venue(
        protocol(
            (30_000.0, 2.0), (90_000.0, 0.0), insurance_funds=20_000.0, liquidation_penalty=0.0
        ),
        eth=(2000.0, 1600.0),
    )
    venue.trade(0, ETH, 100.0)
    venue.world.advance(1)
    venue.liquidate(1, 0, ETH)
    # Worth -10,000 + 3,200: so much the insurance fund gave, and 2 ETH stand behind the rest.
    assert venue.common("bad_debt") == pytest.approx(6_800, rel=1e-12)
    assert venue.of("cash", 0) == pytest.approx(-3_200, rel=1e-12)
    assert venue.seize(1, 0, 2.0).amount_in[0] == pytest.approx(3_200, rel=1e-12)
    assert venue.of("cash", 0) == pytest.approx(0.0, abs=1e-9)


def test_liquidations_of_a_block_raise_the_skew_no_further_than_the_premium_grows() -> None:
    # B = 10,000 · 5 % / 2 = 250. Trader 1 takes the skew back to zero: closing trader 0 makes it.
    venue = Venue(
        protocol((60_000.0, 0.0), (900_000.0, 0.0), market={"skew_scale": 10_000.0}),
        eth=(2000.0, 1850.0, 1850.0),
    )
    venue.trade(0, ETH, 240.0)
    venue.trade(1, ETH, -250.0)
    venue.trade(0, ETH, 100.0)
    venue.trade(1, ETH, -90.0)
    venue.world.advance(1)
    assert venue.common("skew", ETH) == 0.0
    assert venue.liquidate(1, 0, ETH).amount_in[0] == pytest.approx(250.0, rel=1e-15)
    assert venue.common("skew", ETH) == pytest.approx(-250.0, rel=1e-15)
    assert 0.0 < venue.of("equity", 0) < venue.of("maintenance", 0)
    assert venue.liquidate(1, 0, ETH).status[0] == Status.LIQUIDATION_LIMIT
    venue.world.advance(2)
    assert venue.liquidate(1, 0, ETH).amount_in[0] == pytest.approx(90.0, rel=1e-12)


orders = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([ETH, BTC]), st.floats(-1.0, 1.0)), max_size=8
)


@given(
    rounds=st.lists(st.tuples(orders, st.floats(-0.3, 0.3), st.floats(-0.2, 0.2)), max_size=4),
    insurance=st.sampled_from([0.0, 3_000.0]),
    caps=st.sampled_from([0.0, 2_000.0, 1e9]),
    risk=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=40, deadline=None)
def test_whatever_fails_no_usdc_appears_or_vanishes_and_flat_accounts_keep_theirs(
    rounds: list[Any], insurance: float, caps: float, risk: float
) -> None:
    market = {
        "insurance_cap": caps,
        "maker_loss_cap": caps,
        "half_spread": 0.001,
        "skew_scale": 1e6,
    }
    terms = protocol(
        *[(40_000.0, 1.0)] * 4, (1e6, 0.0), market=market, insurance_funds=insurance,
        risk_multiple=risk, gross_floor=0.5 if risk else 1.0,
    )  # fmt: skip
    eth = 2000.0 * np.cumprod([1.0, *(1 + move for _, move, _ in rounds)])
    btc = 30_000.0 * np.cumprod([1.0, *(1 + move for _, _, move in rounds)])
    venue = Venue(terms, eth=tuple(eth), btc=tuple(btc))
    total = venue.usdc()
    for step, (placed, _, _) in enumerate(rounds, start=1):
        for trader, perp, part in placed:
            venue.trade(trader, perp, part * (250.0 if perp == ETH else 15.0))
        venue.world.advance(step)
        flat = [n for n in range(4) if not venue.world.observe().size[3 + n].any()]
        held = {n: venue.of("cash", n) for n in flat if venue.of("cash", n) >= 0.0}
        for trader in range(4):
            for perp in (ETH, BTC):
                venue.liquidate(4, trader, perp)
            venue.seize(4, trader, 10.0)
        for trader, cash in held.items():
            assert venue.of("cash", trader) == cash
        seen = venue.world.observe()
        assert venue.usdc() == pytest.approx(total, rel=1e-12)
        np.testing.assert_allclose(seen.size.sum(axis=0), seen.skew, atol=1e-8)
        assert (seen.insurance_fund >= 0.0).all()
        assert (seen.insurance_drawn <= caps + 1e-6).all()
        assert (seen.maker_drawn <= caps + 1e-6).all()


def test_who_owes_more_than_he_has_is_closed_by_liquidation_alone() -> None:
    venue = Venue(protocol((30_000.0, 0.0), (90_000.0, 0.0)), eth=(2000.0, 1800.0))
    venue.trade(0, ETH, 200.0)
    venue.world.advance(1)
    before = venue.model.snapshot()
    assert venue.trade(0, ETH, -200.0) == Status.INSOLVENT  # worth -10,000
    np.testing.assert_array_equal(venue.model.snapshot(), before)
    assert venue.liquidate(1, 0, ETH).status[0] == Status.OK
    assert venue.of("size", 0, ETH) == 0.0


def test_a_debt_that_collateral_covers_stops_no_reduction() -> None:
    venue = Venue(protocol((10_000.0, 20.0), (90_000.0, 0.0)), eth=(2000.0, 1900.0))
    venue.trade(0, ETH, 200.0)
    venue.world.advance(1)
    assert venue.trade(0, ETH, -200.0) == Status.OK
    assert venue.of("cash", 0) < 0.0


@pytest.mark.parametrize(("margin", "gated"), [(100.0, False), (10_000.0, True)])
def test_dust_closes_no_gate(margin: float, gated: bool) -> None:
    venue = Venue(
        protocol((margin, 0.0), (90_000.0, 0.0), withdrawal_gate=7_200),
        eth=(2000.0, 1700.0),
    )
    venue.trade(0, ETH, margin / 2000.0 * 10.0)
    venue.trade(1, BTC, 0.1)
    venue.world.advance(1)
    venue.liquidate(1, 0, ETH)  # half as much as the margin is missing
    expected = Status.WITHDRAWALS_GATED if gated else Status.OK
    assert venue.withdraw(1, 10.0) == expected
