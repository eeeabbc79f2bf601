"""Liquidations of borrowers worked out by hand, in both worlds.

Ten ETH at 2,000 USD with a threshold of 0.8 back 12,800 USDC: a health factor of 1.25. The bonus is
5 %, a tenth of which the treasury keeps; nobody pays interest.
"""

from __future__ import annotations

import pytest

from simulator.types import Status
from tests.lending.both import Both, config_of, market

USDC, ETH, BTC = range(3)
ONE = {"one": {"collateral": {"ETH": 10}, "debt": {"USDC": 1.0}, "health": 1.25}}
DEBT = 12_800.0


def fallen(price: float, **agent: float) -> Both:
    """The borrower once ETH is at a price."""
    both = Both(config_of(market(ONE), **agent), {"ETH": price / 2000.0})
    assert both.state.borrower_health[0, 0] == pytest.approx(1.25, rel=1e-12)
    both.advance()
    return both


def test_above_a_health_of_095_half_of_the_debt_is_repaid() -> None:
    both = fallen(1560.0)
    assert both.state.borrower_health[0, 0] == pytest.approx(0.975, rel=1e-12)
    status, paid, taken = both.liquidate(0, ETH, USDC)
    assert status is Status.OK
    assert paid == DEBT / 2
    seized = 6_400.0 / 1_560.0 * 1.05
    fee = (seized - seized / 1.05) * 0.1
    assert taken == pytest.approx(seized - fee, rel=1e-12)
    state = both.state
    assert state.borrower_owed[0, USDC, 0] == DEBT / 2
    assert state.borrower_supplied[0, ETH, 0] == pytest.approx(10.0 - seized, rel=1e-12)
    left = (10.0 - seized) * 1_560.0 * 0.8 / 6_400.0
    assert state.borrower_health[0, 0] == pytest.approx(left, rel=1e-12)
    assert left > 1.0
    assert both.liquidate(0, ETH, USDC)[0] is Status.NOT_LIQUIDATABLE


@pytest.mark.parametrize(("price", "health"), [(1520.0, 0.95), (1500.0, 0.9375)])
def test_from_a_health_of_095_on_all_of_the_debt_is_repaid(price: float, health: float) -> None:
    both = fallen(price)
    assert both.state.borrower_health[0, 0] == pytest.approx(health, rel=1e-12)
    status, paid, taken = both.liquidate(0, ETH, USDC)
    seized = DEBT / price * 1.05
    assert (status, paid) == (Status.OK, DEBT)
    assert taken == pytest.approx(seized * (1.0 - 0.1 * 0.05 / 1.05), rel=1e-12)
    state = both.state
    assert state.borrower_owed[0, USDC, 0] == 0.0
    assert state.borrower_health[0, 0] == 1e6  # owes nothing
    assert state.bad_loans[0, 0] == 0.0
    assert state.borrower_supplied[0, ETH, 0] == pytest.approx(10.0 - seized, rel=1e-12)


def test_collateral_that_does_not_do_leaves_bad_debt() -> None:
    both = fallen(1000.0)
    assert both.state.bad_loans[0, 0] == pytest.approx(2_800.0, rel=1e-12)
    status, paid, taken = both.liquidate(0, ETH, USDC)
    # All ten ETH go: 10,000 USD repay 1/1.05 of that, to the nearest millionth.
    assert (status, paid) == (Status.OK, 9_523.809524)
    assert taken == pytest.approx(10.0 - (10.0 - 10.0 / 1.05) * 0.1, rel=1e-12)
    state = both.state
    assert state.bad_loans[0, 0] == pytest.approx(3_276.190476, rel=1e-12)
    assert state.borrower_collateral[0, 0] == 0.0
    assert state.borrower_health[0, 0] == 0.0
    assert state.borrower_uses[0, ETH, 0] == 0.0
    assert both.liquidate(0, ETH, USDC)[0] is Status.INSUFFICIENT_COLLATERAL


def test_less_may_be_repaid_and_is_for_as_much_less_collateral() -> None:
    both = fallen(1560.0)
    status, paid, taken = both.liquidate(0, ETH, USDC, 1_560.0)
    assert (status, paid) == (Status.OK, 1_560.0)
    assert taken == pytest.approx(1.05 - 0.005, rel=1e-12)


def test_the_treasury_keeps_nothing_where_nothing_is_asked() -> None:
    lending = market(ONE)
    lending["reserves"]["ETH"]["protocol_fee"] = 0.0
    both = Both(config_of(lending), {"ETH": 0.78})
    both.advance()
    assert both.liquidate(0, ETH, USDC, 1_560.0)[2] == pytest.approx(1.05, rel=1e-12)


def test_thresholds_are_averaged_down_to_a_ten_thousandth() -> None:
    """20,000 USD at 0.80 and 9,000 at 0.75: 0.78448… is 0.7844."""
    two = {"collateral": {"ETH": 10, "BTC": 0.3}, "debt": {"USDC": 1.0}, "health": 1.25}
    both = Both(config_of(market({"two": two})), {"ETH": 0.75})
    assert both.state.borrower_debt[0, 0] == pytest.approx(29_000 * 0.7844 / 1.25, rel=1e-9)
    both.advance()
    # 15,000 and 9,000: 0.78125 is 0.7812.
    debt = float(both.state.borrower_debt[0, 0])
    assert both.state.borrower_health[0, 0] == pytest.approx(24_000 * 0.7812 / debt, rel=1e-12)


def test_in_a_category_its_terms_hold_for_its_assets_only() -> None:
    """ETH in the category: 0.90 and a bonus of 1 %; BTC backs the same debt at 0.75 and 5 %."""
    lending = market(
        {
            "inside": {
                "collateral": {"ETH": 10, "BTC": 1},
                "debt": {"ETH": 1.0},
                "health": 1.25,
                "category": "ether",
            }
        },
        categories={"ether": {"ltv": 0.85, "liquidation_threshold": 0.9}},
    )
    lending["reserves"]["ETH"]["category"] = "ether"
    both = Both(config_of(lending), {"BTC": 0.2})
    average = 0.81  # of 20,000 at 0.90 and 30,000 at 0.75
    assert both.state.borrower_debt[0, 0] == pytest.approx(50_000 * average / 1.25, rel=1e-9)
    both.advance()
    health = 26_000 * 0.8653 / 32_400
    assert both.state.borrower_health[0, 0] == pytest.approx(health, rel=1e-9)
    status, paid, taken = both.liquidate(0, ETH, ETH, 1.0)
    assert (status, paid) == (Status.OK, 1.0)
    assert taken == pytest.approx(1.01 - 0.001, rel=1e-12)
    status, paid, taken = both.liquidate(0, BTC, ETH, 1.0)
    assert (status, paid) == (Status.OK, 1.0)
    # In whole satoshis.
    assert taken == pytest.approx(2_000 / 6_000 * (1.05 - 0.005), abs=1.1e-8)
