"""What Aave refuses of a liquidation, with the same status in both worlds."""

from __future__ import annotations

import pytest

from simulator.types import Status
from tests.lending.both import Both, config_of, market, reserve

USDC, ETH, BTC = range(3)
TWO = {
    "one": {"collateral": {"ETH": 10}, "debt": {"USDC": 1.0}, "health": 1.1},
    "two": {"collateral": {"BTC": 1}, "debt": {"USDC": 0.5, "ETH": 0.5}, "health": 1.5},
}
FALL = {"ETH": 0.85, "BTC": 0.6}


@pytest.fixture
def both() -> Both:
    found = Both(config_of(market(TWO)), FALL)
    assert found.liquidate(0, ETH, USDC)[0] is Status.NOT_LIQUIDATABLE
    found.advance()
    assert (found.state.borrower_health[:, 0] < 1.0).all()
    return found


@pytest.mark.parametrize(
    ("borrower", "seized", "repaid", "amount", "status"),
    [
        (0, BTC, USDC, 1e9, Status.INSUFFICIENT_COLLATERAL),  # it has no BTC
        (0, BTC, ETH, 1.0, Status.INSUFFICIENT_COLLATERAL),  # nor owes ETH: told of BTC first
        (0, ETH, BTC, 1.0, Status.NO_POSITION),
        (0, ETH, ETH, 1.0, Status.NO_POSITION),
        (1, BTC, USDC, 1e-6, Status.ZERO_AMOUNT),  # less than a satoshi
        (0, ETH, USDC, 1e-7, Status.NONE),  # less than a unit: nothing is asked
        (1, BTC, ETH, 1.0, Status.OK),
    ],
)
def test_what_is_refused_is_refused_alike(
    both: Both, borrower: int, seized: int, repaid: int, amount: float, status: Status
) -> None:
    assert both.liquidate(borrower, seized, repaid, amount)[0] is status


def test_who_does_not_have_what_it_repays_is_refused(both: Both) -> None:
    assert both.state.wallet_base[both.poor, 0] == 0.0
    status = both.liquidate(1, BTC, ETH, 1.0, both.poor)[0]
    assert status is Status.INSUFFICIENT_BALANCE


def test_collateral_that_is_lent_out_cannot_be_paid() -> None:
    """Ten ETH back a debt, and all but a tenth of the market's eleven are lent."""
    lending = market({"one": TWO["one"]})
    lending["reserves"]["ETH"] = reserve(1.0, 0.75, 0.80, borrowed=10.9)
    both = Both(config_of(lending), FALL)
    both.advance()
    assert both.state.listing_available[ETH, 0] == pytest.approx(0.1, rel=1e-9)
    assert both.liquidate(0, ETH, USDC)[0] is Status.INSUFFICIENT_BALANCE
    assert both.liquidate(0, ETH, USDC, 100.0)[0] is Status.OK
