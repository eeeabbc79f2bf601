"""The maker's money: what new risk needs of it, and who bears what it lacks (SPEC §3.6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.types import USDC_DECIMALS, Status
from simulator.world.units import maker_shares
from tests.model import campaign
from tests.model.venue import BTC, ETH, Venue, protocol


def thin(*traders: tuple[float, float], eth: tuple[float, ...]) -> Venue:
    """A maker of 100,000 for two markets alike but for the price of the asset."""
    terms = protocol(*traders, maker_funds=1e5)
    return Venue(terms, eth=eth)


def behind(venue: Venue) -> float:
    """USDC behind ETH at the start."""
    return maker_shares(venue.world.protocol)[ETH] / 10**USDC_DECIMALS


def test_the_funds_are_shared_out_by_the_worth_of_the_inventory_limits() -> None:
    base = campaign.PROTOCOL
    shares = maker_shares(base)
    worth = [m.max_skew * base.assets[m.asset].price for m in base.clearing.markets]
    assert sum(shares) == base.clearing.maker_funds * 10**USDC_DECIMALS
    for part, share in zip(worth, shares, strict=True):
        assert share / sum(shares) == pytest.approx(part / sum(worth), rel=1e-9)
    nothing = tuple(replace(m, max_skew=0.0) for m in base.clearing.markets)
    last = replace(base, clearing=replace(base.clearing, markets=nothing))
    assert maker_shares(last) == (0, sum(shares))


def test_new_risk_needs_a_maker_that_can_pay_for_a_move_of_the_maintenance_rate() -> None:
    venue = thin((1e6, 0.0), (1e6, 0.0), eth=(2_000.0, 2_000.0))
    most = behind(venue) / (0.05 * 2_000)
    assert venue.trade(0, ETH, most * 1.001) == Status.MAKER_RESERVE
    assert venue.of("size", 0, ETH) == 0.0
    assert venue.trade(0, ETH, most * 0.999) == Status.OK
    # The other side does not make room for more of this one, nor for more of itself than that.
    assert venue.trade(1, ETH, -most * 0.999) == Status.OK
    assert venue.trade(0, ETH, most * 0.002) == Status.MAKER_RESERVE
    assert venue.trade(1, ETH, -most * 0.002) == Status.MAKER_RESERVE
    assert venue.trade(1, ETH, most * 0.5) == Status.OK
    assert venue.common("maker_cash", BTC) == pytest.approx(1e5 - behind(venue))


def test_what_the_maker_lacks_is_borne_by_the_winning_side() -> None:
    venue = thin((1e6, 0.0), (1e6, 0.0), (1e6, 0.0), eth=(2_000.0, 3_500.0))
    funds = behind(venue)
    size = 0.9 * funds / (0.05 * 2_000)
    assert venue.trade(0, ETH, size * 2 / 3) == Status.OK
    assert venue.trade(1, ETH, size / 3) == Status.OK
    assert venue.trade(2, ETH, -size / 9) == Status.OK
    total = venue.usdc()
    venue.world.advance(1)
    won, lost = 1_500.0 * size, 1_500.0 * size / 9
    lacking = won - lost - funds
    assert lacking > 0.0
    # Seen before anybody trades, and written when somebody does.
    assert venue.of("equity", 0) == pytest.approx(1e6 + 2 / 3 * (won - lacking), rel=1e-12)
    assert venue.of("equity", 2) == pytest.approx(1e6 - lost, rel=1e-12)
    stored = venue.model.state.clearing.loss_long
    assert stored[ETH, 0] == 0.0
    assert venue.common("loss_long", ETH) == pytest.approx(lacking / size, rel=1e-12)
    assert venue.trade(1, ETH, -size / 3) == Status.OK
    assert stored[ETH, 0] == pytest.approx(lacking / size, rel=1e-12)
    assert venue.common("loss_long", ETH) == stored[ETH, 0]
    assert venue.common("loss_short", ETH) == 0.0
    assert venue.of("cash", 1) == pytest.approx(1e6 + 1 / 3 * (won - lacking), rel=1e-12)
    assert venue.trade(0, ETH, -size * 2 / 3) == Status.OK
    assert venue.trade(2, ETH, size / 9) == Status.OK
    assert venue.common("maker_cash", ETH) == pytest.approx(0.0, abs=1e-6)
    assert venue.usdc() == pytest.approx(total, rel=1e-15)
    assert np.isclose(venue.common("maker_cash", BTC), 1e5 - funds)
