"""Who closes at a profit while accounts opposite are insolvent: SPEC §3.5, `trade`, by hand.

Trader 0 is long 100 ETH from 2,000 with 30,000 USDC; at 1,600 it is worth -10,000, 100 a unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from simulator.chain.world import ChainWorld
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.verify import TOLERANCE, VARIABLES, least_magnitude, relative_error
from simulator.world import actions as act
from tests.model.test_waterfall import FALL, liquidate, stage
from tests.model.venue import BTC, ETH, Venue, protocol


def trade(venue: Venue, trader: int, size: float, limit: float | None = None) -> act.Fill:
    """An order on ETH, at any price where there is no limit."""
    loose = 1e12 if size > 0.0 else 0.0
    bound = np.array([loose if limit is None else limit])
    return venue.world.execute(act.Trade(trader, ETH, np.array([size]), bound))


def test_a_winner_who_leaves_closes_against_the_insolvent_at_their_bankruptcy_price() -> None:
    venue = stage((20_000.0, 0.0, -60.0), (200_000.0, 0.0, -60.0))
    before, maker = venue.usdc(), venue.common("maker_cash", ETH)
    fill = trade(venue, 1, 60.0)
    assert (fill.amount_in[0], fill.amount_out[0]) == (60.0, pytest.approx(1_700.0, rel=1e-15))
    assert venue.of("cash", 1) == pytest.approx(20_000 + 60 * 300, rel=1e-15)
    # 40 are left with what 40 owe: the rest of the debt went with the 60.
    assert venue.of("size", 0, ETH) == 40.0
    assert venue.of("account_value", 0) == pytest.approx(-4_000.0, rel=1e-12)
    assert venue.of("size", 2, ETH) == -60.0
    assert venue.common("skew", ETH) == -20.0
    assert venue.common("maker_cash", ETH) == pytest.approx(maker, rel=1e-15)
    assert venue.usdc() == pytest.approx(before, rel=1e-15)
    assert venue.withdraw(2, 1.0) == Status.WITHDRAWALS_GATED  # 6,000 were not insured
    quiet = stage((20_000.0, 0.0, -60.0), (200_000.0, 0.0, -60.0))
    trade(quiet, 1, 0.9)  # 90 are dust, whatever else the account owes
    assert quiet.withdraw(2, 1.0) == Status.OK


def test_leaving_costs_the_winner_what_staying_would_have_and_nobody_else_anything() -> None:
    given_ = {}
    for leaves in (False, True):
        venue = stage((20_000.0, 0.0, -100.0), (200_000.0, 0.0, -60.0))
        if leaves:
            trade(venue, 1, 100.0)
            assert venue.of("size", 0, ETH) == 0.0
        else:
            assert liquidate(venue).amount_in[0] == 100.0
        given_[leaves] = [
            venue.of(name, n) for n in (0, 1, 2) for name in ("cash", "account_value")
        ]
        assert venue.common("bad_debt") == 0.0
    assert given_[True] == pytest.approx(given_[False], rel=1e-12, abs=1e-9)


def test_insurance_pays_first_and_closes_no_gate_where_it_suffices() -> None:
    venue = stage((20_000.0, 0.0, -60.0), insurance_funds=3_000.0)
    fill = trade(venue, 1, 60.0)  # 6,000 of debt go with it, of which insurance pays its part: 30 %
    assert fill.amount_out[0] == pytest.approx(1_670.0, rel=1e-15)
    assert venue.common("insurance_fund") == pytest.approx(1_200.0, rel=1e-12)
    assert venue.common("bad_debt") == pytest.approx(1_800.0, rel=1e-12)
    rich = stage((20_000.0, 0.0, -60.0), (200_000.0, 0.0, -1.0), insurance_funds=12_000.0)
    assert trade(rich, 1, 60.0).amount_out[0] == 1_600.0
    assert rich.common("insurance_fund") == 6_000.0
    assert rich.withdraw(2, 1.0) == Status.OK


def test_what_the_insolvent_do_not_hold_goes_to_the_maker() -> None:
    venue = stage((200_000.0, 0.0, -160.0))
    fill = trade(venue, 1, 200.0)  # 100 against trader 0, 60 and 40 more against the maker
    assert fill.amount_out[0] == pytest.approx((100 * 1_700 + 100 * 1_600) / 200, rel=1e-15)
    assert venue.of("size", 0, ETH) == 0.0
    assert venue.of("size", 1, ETH) == 40.0
    assert venue.of("cash", 1) == pytest.approx(200_000 + 100 * 300 + 60 * 400, rel=1e-15)
    assert venue.common("skew", ETH) == 40.0


def test_the_deepest_debt_a_unit_comes_first() -> None:
    """The last of the three owes 200 a unit and holds less than the first."""
    venue = stage((200_000.0, 0.0, -130.0), (2_000.0, 10.0, 20.0))
    assert venue.of("account_value", 2) == pytest.approx(2_000 + 16_000 - 8_000)
    venue = stage((200_000.0, 0.0, -130.0), (6_000.0, 0.0, 30.0))
    assert venue.of("account_value", 2) == pytest.approx(-6_000.0)  # 200 a unit
    fill = trade(venue, 1, 50.0)
    assert venue.of("size", 2, ETH) == 0.0
    assert venue.of("size", 0, ETH) == 80.0
    assert fill.amount_out[0] == pytest.approx((30 * 1_800 + 20 * 1_700) / 50, rel=1e-15)


@pytest.mark.parametrize(
    ("others", "who", "size", "price"),
    [
        # A long is on the side of the insolvent, and loses besides.
        ([(50_000.0, 0.0, 20.0)], 1, -20.0, 1_600.0),
        # Whoever opens or adds leaves nobody.
        ([(50_000.0, 0.0, -20.0)], 1, -5.0, 1_600.0),
        ([(50_000.0, 0.0, 0.0)], 1, 5.0, 1_600.0),
    ],
)
def test_who_does_not_close_a_winning_position_meets_the_maker(
    others: list[tuple[float, float, float]], who: int, size: float, price: float
) -> None:
    venue = stage(*others)
    assert trade(venue, who, size).amount_out[0] == price
    assert venue.of("size", 0, ETH) == 100.0


def test_a_winner_is_asked_for_all_that_he_has_gained_and_no_more() -> None:
    """Short 20 from 1,650: he has gained 1,000, which ten at 1,700 cost him; ten at the index."""
    terms = protocol((30_000.0, 0.0), (50_000.0, 0.0), (50_000.0, 0.0))
    venue = Venue(terms, eth=(2_000.0, 1_650.0, 1_600.0, 1_600.0))
    assert venue.trade(0, ETH, 100.0) == Status.OK
    venue.world.advance(1)
    assert venue.trade(1, ETH, -20.0) == Status.OK
    venue.world.advance(2)
    assert trade(venue, 1, 20.0).amount_out[0] == pytest.approx(1_650.0, rel=1e-15)
    assert venue.of("size", 0, ETH) == 90.0
    assert venue.of("cash", 1) == pytest.approx(50_000.0, rel=1e-15)


@pytest.mark.parametrize("leaves", [False, True])
def test_adding_to_a_winning_position_first_costs_nobody_else_anything(leaves: bool) -> None:
    """The gain of a unit falls, that of the position is 8,000. (By the queue its rank falls.)"""
    found = []
    for more in (0.0, 180.0):
        venue = stage((200_000.0, 0.0, -20.0), (900_000.0, 0.0, -90.0), deleveraging=1)
        if more:
            assert venue.trade(1, ETH, -more) == Status.OK
        if leaves:
            trade(venue, 1, 20.0 + more)
        liquidate(venue)
        found.append([venue.of("account_value", n) for n in (1, 2)])
    assert found[1][0] <= found[0][0] + 1e-6
    assert found[1][1] >= found[0][1] - 1e-6


@pytest.mark.parametrize("insurance", [0.0, 3_000.0, 20_000.0])
def test_who_leaves_first_takes_no_more_of_insurance_than_his_part(insurance: float) -> None:
    """Two alike, each against half of what is insolvent: whoever goes first, both get the same."""
    found = []
    for first, second in ((1, 2), (2, 1)):
        venue = stage((90_000.0, 0.0, -50.0), (90_000.0, 0.0, -50.0), insurance_funds=insurance)
        trade(venue, first, 50.0)
        trade(venue, second, 50.0)
        found.append([venue.of("cash", n) for n in (1, 2)])
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    assert found[0][0] == pytest.approx(found[0][1], rel=1e-12)


@pytest.mark.parametrize(("margin", "price"), [(39_950.0, 1_600.0), (39_850.0, 1_601.5)])
def test_dust_of_a_debt_stands_in_nobodys_way(margin: float, price: float) -> None:
    terms = protocol((margin, 0.0), (50_000.0, 0.0), (50_000.0, 0.0))
    venue = Venue(terms, eth=FALL)
    assert venue.trade(0, ETH, 100.0) == Status.OK
    assert venue.trade(1, ETH, -20.0) == Status.OK
    venue.world.advance(1)
    assert trade(venue, 1, 20.0).amount_out[0] == pytest.approx(price, rel=1e-12)


def _everything(venue: Venue) -> dict[str, Floats]:
    seen = venue.world.observe()
    return {name: np.array(getattr(seen, name)) for name in VARIABLES}


@pytest.mark.parametrize(
    ("size", "limit", "status"),
    [
        (60.0, 1_669.0, Status.SLIPPAGE),
        # Turned round, it is short of initial margin.
        (2_000.0, None, Status.BELOW_INITIAL_MARGIN),
    ],
)
def test_what_is_refused_leaves_everybody_as_he_was(
    size: float, limit: float | None, status: Status
) -> None:
    venue = stage((20_000.0, 0.0, -60.0), (200_000.0, 0.0, -60.0), insurance_funds=3_000.0)
    before = _everything(venue)
    assert trade(venue, 1, size, limit).status[0] == status
    for name, value in _everything(venue).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


Order = Callable[[Venue], object]


def _orders() -> st.SearchStrategy[list[tuple[int, int, float]]]:
    """(trader, market, part of the position closed); a part of 0: liquidated."""
    part = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0, 1.6])
    return st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), part), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    margins=st.lists(st.floats(1e4, 4e4), min_size=5, max_size=5),
    eth=st.lists(st.integers(-60, 60), min_size=5, max_size=5),
    btc=st.lists(st.integers(-2, 2), min_size=5, max_size=5),
    prices=st.tuples(
        st.sampled_from([1_200.0, 1_500.0, 2_000.0, 2_500.0, 2_900.0]),
        st.floats(20_000.0, 44_000.0),
    ),
    insurance=st.sampled_from([0.0, 2_000.0, 1e6]),
    orders=_orders(),
)
def test_both_worlds_close_against_the_insolvent_alike(
    margins: list[float],
    eth: list[int],
    btc: list[int],
    prices: tuple[float, float],
    insurance: float,
    orders: list[tuple[int, int, float]],
) -> None:
    terms = protocol(
        *((margin, 0.0) for margin in (*margins, 1e6)),
        market={"skew_scale": 1e7, "half_spread": 0.0005, "taker_fee": 0.0003},
        insurance_funds=insurance,
    )
    terms = replace(terms, clearing=replace(terms.clearing, withdrawal_gate=3_600))
    paths = {"eth": (2_000.0, prices[0], prices[0]), "btc": (30_000.0, prices[1], prices[1])}
    seen: dict[str, list[Floats]] = {name: [] for name in VARIABLES}
    told = []
    for kind in (ModelWorld, ChainWorld):
        venue = Venue(terms, eth=paths["eth"], btc=paths["btc"], kind=kind)
        statuses = []
        for trader in range(5):
            statuses += [
                venue.trade(trader, ETH, eth[trader]),
                venue.trade(trader, BTC, btc[trader]),
            ]
        venue.world.advance(1)
        for trader, market, part in orders:
            held = venue.of("size", trader, market)
            if part == 0.0:
                statuses.append(Status(int(venue.liquidate(5, trader, market).status[0])))
            elif held != 0.0:
                others = [venue.of("size", n, market) for n in range(5) if n != trader]
                statuses.append(venue.trade(trader, market, -part * held))
                met = others != [venue.of("size", n, market) for n in range(5) if n != trader]
                event(f"a close met the insolvent: {met}")
        told.append(statuses)
        for name, value in _everything(venue).items():
            seen[name].append(value)
        if isinstance(venue.world, ChainWorld):
            venue.world.close()
    assert told[0] == told[1]
    for name, (ours, theirs) in seen.items():
        error = relative_error(ours[None], theirs[None], least_magnitude(seen, name))
        assert error <= TOLERANCE, name
