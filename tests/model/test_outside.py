"""The market outside: what flows do to its prices, by closed forms and beside the drawn path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from simulator.config import Config, from_mapping, load, resolve
from simulator.config.random import random_config
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.model.world import ModelWorld
from simulator.protocol.impact import felt, felt_on_average
from simulator.protocol.population import BorrowersTerms as Borrowers
from simulator.protocol.population import TradersTerms as Traders
from simulator.types import Floats, Status
from simulator.world import actions as act
from simulator.world.protocol import Crowd, ImpactParameters
from tests.model import campaign
from tests.model.campaign import LIQUIDATOR, SWAPPER, TRADER

DEPTH, HALF_LIFE = 2e6, 3 * 3600.0
volumes = st.floats(-1e4, 1e4).filter(lambda volume: abs(volume) > 1e-9)
exponents = st.floats(0.3, 1.0)


def outside(**terms: object) -> ImpactParameters:
    """ETH is moved, BTC is not; rounds at every step."""
    given = {
        "depth": (0.0, DEPTH, 0.0),
        "heartbeat": (3600.0,) * 3,
        "lag": (0, 0, 0),
        "native": -1,
        "special": ((0, 0, 0.0), (1, 0, 0.0), (2, 0, 0.0)),
        "exponent": 0.5,
        "half_life": HALF_LIFE,
        "lasting": 0.25,
    }
    return ImpactParameters(**given | terms)  # type: ignore[arg-type]


def moved(
    impact: ImpactParameters | None = None, steps: int = 12, thin: float = 1.0, **given: object
) -> ModelWorld:
    """A calm market, so thin; the swapper and the trader trade outside what they take."""
    agents = tuple(
        replace(slot, trades_outside=place in (SWAPPER, TRADER))
        for place, slot in enumerate(campaign.PROTOCOL.agents)
    )
    protocol = replace(campaign.PROTOCOL, agents=agents, impact=impact or outside(**given))
    market = campaign.calm_market(1, steps)
    market = replace(market, outside_depth=np.full_like(market.pool_depth, thin))
    world = ModelWorld(protocol, market)
    world.advance(0)
    return world


def index(world: ModelWorld) -> float:
    return float(world.look().moments["index"][0, 1])


# -------------------------------------------------------------------------------- the function


@given(exponents, volumes)
def test_impact_is_odd_and_grows_with_volume(exponent: float, volume: float) -> None:
    assert felt(exponent, -volume) == -felt(exponent, volume)
    assert felt(exponent, 1.01 * abs(volume)) > felt(exponent, abs(volume)) > 0.0


@given(exponents)
def test_the_depth_moves_the_price_by_one_percent_whatever_the_exponent(exponent: float) -> None:
    assert felt(exponent, 1.0) == 1.0
    assert felt(1.0, 0.37) == 0.37


@given(exponents, st.floats(1e-4, 1e3))
def test_a_trade_pays_the_average_over_its_way(exponent: float, volume: float) -> None:
    area, _ = quad(lambda v: felt(exponent, v), 0.0, volume, epsrel=1e-10)
    assert felt_on_average(exponent, volume) == pytest.approx(area / volume, rel=1e-6)


# ------------------------------------------------------------------------- flows, step by step


def test_what_is_bought_in_the_pool_is_sold_outside_from_the_next_step_on() -> None:
    world = moved()
    fill = world.execute(act.Swap(SWAPPER, np.array([-2e5]), np.zeros(1), np.zeros(1)))
    assert fill.status[0] == Status.OK
    assert index(world) == 2000.0  # within a step prices stand still
    bought = float(fill.amount_out[0])
    world.advance(1)
    volume = -bought * 2000.0 / DEPTH
    assert index(world) == pytest.approx(2000.0 * np.exp(0.01 * felt(0.5, volume)), rel=1e-12)
    for step in (2, 3, 4):  # a quarter stays, of the rest half is left after three hours
        world.advance(step)
        left = volume * (0.25 + 0.75 * 0.5 ** ((step - 1) / 3))
        assert index(world) == pytest.approx(2000.0 * np.exp(0.01 * felt(0.5, left)), rel=1e-12)
    assert world.market.index[1, :5, 0].tolist() == [index_at(world, step) for step in range(5)]
    assert world.given.index[1, :5, 0].tolist() == [2000.0] * 5


def index_at(world: ModelWorld, step: int) -> float:
    return float(world.market.index[1, step, 0])


def test_a_perp_that_is_bought_is_sold_outside() -> None:
    world = moved()
    fill = world.execute(act.Trade(TRADER, 0, np.array([50.0]), np.array([2100.0])))
    assert fill.status[0] == Status.OK
    world.advance(1)
    expected = 2000.0 * np.exp(0.01 * felt(0.5, -50.0 * 2000.0 / DEPTH))
    assert index(world) == pytest.approx(expected, rel=1e-12)


def test_margin_moved_between_wallet_and_account_is_no_trade() -> None:
    world = moved()
    basket = campaign.PROTOCOL.clearing.collaterals
    number = next(n for n, c in enumerate(basket) if c.asset == 1)
    agent = next(
        a for a in (TRADER, SWAPPER)
        if campaign.PROTOCOL.agents[a].has_account and campaign.PROTOCOL.agents[a].base > 1.0
    )  # fmt: skip
    fill = world.execute(act.PostMargin(agent, number, np.array([1.0])))
    assert fill.status[0] == Status.OK
    world.advance(1)
    assert index(world) == pytest.approx(2000.0, rel=1e-12)


def test_whoever_does_not_trade_outside_moves_nothing() -> None:
    world = moved()
    world.execute(act.Swap(LIQUIDATOR, np.array([-2e5]), np.zeros(1), np.zeros(1)))
    world.advance(1)
    assert index(world) == 2000.0


def test_a_round_trip_leaves_the_price_where_it_was() -> None:
    world = moved(half_life=1e30)
    for step, size in enumerate((30.0, 20.0, -50.0)):
        limit = 2000.0 * (1.2 if size > 0.0 else 0.8)
        fill = world.execute(act.Trade(TRADER, 0, np.array([size]), np.array([limit])))
        assert fill.status[0] == Status.OK
        world.advance(step + 1)
        assert (index(world) < 1999.0) == (step < 2)
    assert index(world) == pytest.approx(2000.0, rel=1e-9)


def test_a_thinner_market_is_moved_more_by_what_is_traded_while_it_is_thin() -> None:
    def after(factor: float) -> float:
        world = moved(thin=factor, exponent=1.0)
        world.execute(act.Trade(TRADER, 0, np.array([50.0]), np.array([2100.0])))
        world.advance(1)
        return float(np.log(index(world) / 2000.0))

    assert after(0.2) == pytest.approx(5.0 * after(1.0), rel=1e-9)


# ------------------------------------------------------------------------------- rounds, and draws


@pytest.mark.parametrize("number", [0, 3, 8, 11])
def test_with_nothing_moved_rounds_and_prices_are_the_drawn_ones_to_the_bit(number: int) -> None:
    drawn = random_config(9, number).model_dump() | {"impact": {}, "population": {}}
    config = from_mapping(drawn)
    market = draw(config.market, 0, 3)
    world = ModelWorld(resolve(config), market)
    for step in range(market.steps + 1):
        world.advance(step)
    assert world.market is not market
    for name in ("index", "oracle_price", "oracle_time", "gas_usd"):
        np.testing.assert_array_equal(getattr(world.market, name), getattr(market, name))


def test_the_oracle_carries_what_flows_do_lagged_silent_or_wrong() -> None:
    special = ((0, 0, 0.0), (1, 0, 0.0), (1, 3, -1.0), (1, 4, 1.5), (1, 5, 0.0), (2, 0, 0.0))
    world = moved(lag=(0, 1, 0), special=special)
    world.execute(act.Trade(TRADER, 0, np.array([50.0]), np.array([2100.0])))
    for step in range(1, 7):
        world.advance(step)
    prices, oracle = world.market.index[1, :, 0], world.market.oracle_price[1, :, 0]
    assert oracle[1] == prices[0]
    assert oracle[2] == prices[1] != 2000.0
    assert oracle[3] == oracle[2]  # silent
    assert oracle[4] == 1.5 * prices[3]
    assert oracle[5] == prices[4]
    assert world.market.oracle_time[1, :7, 0].tolist() == [0, 3600, 7200, 7200, 14400, 18000, 21600]


# ------------------------------------------------------------------------------------------ crowds


def crowd(side: int = 1, **terms: float) -> Crowd:
    given = {"open_interest": 1e6, "leverage": 5.0, "leverage_spread": 0.0, "count": 1}
    rest = {"size_spread": 0.0, "most_leverage": 50.0, "maintenance_rate": 0.01}
    return Crowd("eth", 1, side, Traders(**rest | given | terms))  # type: ignore[arg-type]


def falling(*factors: float) -> MarketPaths:
    market = campaign.calm_market(1, len(factors) - 1)
    prices = market.index.copy()
    prices[1, :, 0] *= factors
    return replace(market, index=prices)


def lived(market: MarketPaths, *crowds: Crowd, **terms: object) -> ModelWorld:
    protocol = replace(campaign.PROTOCOL, impact=outside(crowds=crowds, **terms))
    world = ModelWorld(protocol, market)
    for step in range(market.steps + 1):
        world.advance(step)
    return world


def test_a_long_is_closed_where_its_margin_is_maintenance_and_moves_the_price_at_once() -> None:
    # Margin a fifth, maintenance a hundredth: closed at 0.8/0.99 of the entry.
    above, below = 0.8 / 0.99 + 1e-6, 0.8 / 0.99 - 1e-6
    world = lived(falling(1.0, above, below), crowd(), exponent=1.0)
    assert world.market.index[1, 1, 0] == 2000.0 * above
    expected = 2000.0 * below * np.exp(0.01 * -1e6 / DEPTH)
    assert world.market.index[1, 2, 0] == pytest.approx(expected, rel=1e-12)
    assert world.look().outside["sold"][0, 0] == pytest.approx(1e6 * below, rel=1e-9)
    assert world.look().outside["deficit"][0, 0] == 0.0


def test_a_gap_beyond_bankruptcy_leaves_a_debt() -> None:
    world = lived(falling(1.0, 0.7), crowd(), exponent=1.0)
    assert world.look().outside["deficit"][0, 0] == pytest.approx(1e6 * 0.1, rel=1e-9)


def test_a_short_is_closed_by_a_rise_and_bought_back() -> None:
    world = lived(falling(1.0, 1.2 / 1.01 + 1e-6), crowd(-1), exponent=1.0)
    assert world.market.index[1, 1, 0] > 2000.0 * 1.2 / 1.01 * 1.004


def test_one_liquidation_brings_down_the_next_within_the_step() -> None:
    """The first sells enough that the second's trigger is crossed, which no drawn price did."""
    first, second = crowd(leverage=5.0), crowd(leverage=4.95)
    alone = lived(falling(1.0, 0.808), second, exponent=1.0)
    assert alone.look().outside["gone"][0, 0] == 0.0
    both = lived(falling(1.0, 0.808), first, second, exponent=1.0)
    assert both.look().outside["gone"][0, :2].tolist() == [1.0, 1.0]


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=6), st.integers(1, 40))
def test_a_crowd_alone_is_gone_as_far_as_the_price_went(factors: list[float], count: int) -> None:
    """Without impact worth speaking of: those and only those whose trigger was crossed."""
    from simulator.world.crowd import members_of

    one = crowd(count=count, leverage_spread=0.7, size_spread=1.0)
    world = lived(falling(1.0, *factors), one, depth=(0.0, 1e300, 0.0))
    triggers = members_of(one).trigger
    assert world.look().outside["gone"][0, 0] == (triggers >= min(factors)).sum()
    assert (np.diff(triggers) <= 0.0).all()
    assert members_of(one).size.sum() == pytest.approx(1e6)


def test_collateral_sold_at_the_oracles_price_is_felt_by_who_asks_before_the_index_shows_it() -> (
    None
):
    terms = Borrowers(
        collateral=1e6, health=0.1, health_spread=0.0, count=1, size_spread=0.0, threshold=0.8,
        bonus=0.05,
    )  # fmt: skip
    world = lived(falling(1.0, 0.85), Crowd("eth", 1, 1, terms))
    assert index(world) == 2000.0 * 0.85
    outside_now = world.look().outside[0]
    volume = float(outside_now["lasting"][1] + outside_now["passing"][1])
    assert volume < -0.1
    assert outside_now["felt"][1] == pytest.approx(felt(0.5, volume), rel=1e-14)


def test_without_the_crowd_the_index_is_another() -> None:
    """What the scenario is named for: nobody wrote the overshoot down."""
    config = load("liquidation-cascade")
    alone = from_mapping(config.model_dump() | {"population": {}})

    def lowest(of: Config) -> Floats:
        market = draw(of.market, 0, 4)
        world = ModelWorld(resolve(of), market)
        for step in range(market.steps + 1):
            world.advance(step)
        return np.asarray(world.market.index[1].min(axis=0))

    fell, calm = lowest(config), lowest(alone)
    assert (fell < 0.97 * calm).all()


def test_impact_and_crowds_that_cannot_be_are_refused() -> None:
    data = load("liquidation-cascade").model_dump()
    for changes, said in (
        ({"impact": {"depth_usd": {"USDC": 1e6}}, "population": {}}, "not USDC"),
        ({"impact": {"depth_usd": {"DOGE": 1e6}}, "population": {}}, "must be one of"),
        ({"impact": None}, "must have impact.depth_usd.ETH"),
        ({"population": {"ETH": {}}}, "nobody; must have long, short, borrowers"),
        ({"impact": {"depth_usd": {"ETH": 0.0}}}, "more than 0"),
    ):
        with pytest.raises(ValueError, match=said):
            from_mapping(data | changes)
