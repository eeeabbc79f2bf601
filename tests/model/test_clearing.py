"""Answers of the margin engine worked out by hand from contracts/SPEC.md §3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from simulator.world.actions import Fill
from tests.model import campaign
from tests.model.campaign import LIQUIDATOR, PROTOCOL, STEP_SECONDS, TRADER

ETH, BTC = 0, 1
TRADER_ACCOUNT, LIQUIDATOR_ACCOUNT = 3, 4
ANY = {1.0: 1e12, -1.0: 0.0}

TERMS = PROTOCOL.clearing
PLAIN = replace(
    PROTOCOL,
    clearing=replace(
        TERMS,
        markets=(
            replace(
                TERMS.markets[0],
                skew_scale=10_000.0,
                half_spread=0.001,
                taker_fee=0.0005,
                max_funding_velocity=2.4,
                max_skew=500.0,
                maintenance_rate=0.05,
            ),
            TERMS.markets[1],
        ),
        collaterals=(replace(TERMS.collaterals[0], haircut=0.02), TERMS.collaterals[1]),
    ),
)


def world(
    *, eth: tuple[float, ...] = (2000.0,) * 5, usdc: float = 1.0, cash: float = 100_000.0,
    collateral: float = 0.0, velocity: float = 2.4,
) -> ModelWorld:  # fmt: skip
    """One path; ETH follows ``eth`` step by step, the trader starts with ``cash`` and ETH."""
    slots = tuple(
        replace(slot, margin=(cash, collateral)) if slot.name == "trader" else slot
        for slot in PLAIN.agents
    )
    market = campaign.calm_market(1, len(eth) - 1)
    price = market.oracle_price.copy()
    price[0], price[1, :, 0] = usdc, eth
    markets = (
        replace(PLAIN.clearing.markets[0], max_funding_velocity=velocity),
        PLAIN.clearing.markets[1],
    )
    terms = replace(PLAIN, agents=slots, clearing=replace(PLAIN.clearing, markets=markets))
    made = ModelWorld(terms, replace(market, oracle_price=price))
    made.advance(0)
    return made


def trade(made: ModelWorld, size: float, limit: float | None = None, market: int = ETH) -> Fill:
    bound = ANY[float(np.sign(size))] if limit is None else limit
    return made.execute(act.Trade(TRADER, market, np.array([size]), np.array([bound])))


def liquidate(made: ModelWorld) -> Fill:
    return made.execute(act.Liquidate(LIQUIDATOR, TRADER_ACCOUNT, ETH, np.array([True])))


def test_a_fill_is_the_index_with_half_the_spread_and_the_premium_for_the_skew() -> None:
    made = world()
    fill = trade(made, 100.0)
    # Booked at 2,002; the premium 2,000 · 100²/20,000 = 1,000 is 10 a unit; fee on 2,012: 100.60.
    assert fill.amount_out[0] == pytest.approx(2012.0, rel=1e-15)
    seen = made.observe()
    assert seen.premium_pool[ETH, 0] == pytest.approx(1_000.0, rel=1e-14)
    assert seen.cash[TRADER_ACCOUNT, 0] == pytest.approx(100_000 - 1_000 - 100.60, rel=1e-15)
    assert seen.cost[TRADER_ACCOUNT, ETH, 0] == pytest.approx(200_200.0, rel=1e-15)
    assert seen.skew[ETH, 0] == 100.0
    # At the index: PnL -200; haircut 2 % of a USDC balance.
    assert seen.equity[TRADER_ACCOUNT, 0] == pytest.approx(0.98 * (98_899.40 - 200.0), rel=1e-15)
    assert seen.account_value[TRADER_ACCOUNT, 0] == pytest.approx(98_699.40, rel=1e-15)
    assert seen.maintenance[TRADER_ACCOUNT, 0] == pytest.approx(10_000.0, rel=1e-15)


def test_a_round_trip_costs_the_spread_and_the_fees_only() -> None:
    terms = PLAIN.clearing.markets[0]
    made = world(velocity=0.0)
    trade(made, 100.0)
    made.advance(1)
    trade(made, -100.0)
    seen = made.observe()
    # Bought at 2,012, sold at 2,000 · (1 + 50/10,000 - 0.001) = 2,008: the premium came back.
    paid = 100 * 4 + terms.taker_fee * 100 * (2012 + 2008)
    assert seen.cash[TRADER_ACCOUNT, 0] == pytest.approx(100_000 - paid, rel=1e-15)
    assert seen.premium_pool[ETH, 0] == pytest.approx(0.0, abs=1e-9)
    assert seen.maker_cash.sum() == pytest.approx(20_000_000 + paid, rel=1e-15)
    assert seen.size[TRADER_ACCOUNT, ETH, 0] == 0.0
    assert seen.cost[TRADER_ACCOUNT, ETH, 0] == 0.0
    assert seen.funding_entry[TRADER_ACCOUNT, ETH, 0] == 0.0


def test_who_goes_back_in_the_same_block_earns_nothing_of_the_premium() -> None:
    made = world()
    trade(made, 100.0)
    # The block opened without skew: nobody sells above the index in it.
    assert trade(made, -100.0).amount_out[0] == pytest.approx(1998.0, rel=1e-15)
    assert made.observe().premium_pool[ETH, 0] == pytest.approx(1_000.0, rel=1e-14)


def test_a_reduction_releases_cost_pro_rata_and_a_flip_opens_the_rest_at_the_same_fill() -> None:
    made = world(velocity=0.0)
    trade(made, 100.0)
    made.advance(1)
    part = trade(made, -25.0).amount_out[0]
    # skew 100: 2,000 · (1 + (100 - 12.5)/10,000 - 0.001) = 2,015.5, of which 17.5 from the pool
    assert part == pytest.approx(2015.5, rel=1e-15)
    assert made.observe().cost[TRADER_ACCOUNT, ETH, 0] == pytest.approx(150_150.0, rel=1e-15)
    flip = trade(made, -100.0).amount_out[0]
    # skew 75: 2,000 · (1 + (75 - 50)/10,000 - 0.001) = 2,003
    assert flip == pytest.approx(2003.0, rel=1e-15)
    seen = made.observe()
    assert seen.size[TRADER_ACCOUNT, ETH, 0] == -25.0
    assert seen.cost[TRADER_ACCOUNT, ETH, 0] == pytest.approx(-25 * 1998.0, rel=1e-15)
    # 75 units closed and 25 opened: premium for 100 down to zero came back, for -25 was paid.
    assert seen.premium_pool[ETH, 0] == pytest.approx(2000 * 25**2 / 20_000, rel=1e-12)
    realised = 100 * (1998 - 2002) + (100**2 - 100**2 - 25**2) / 10
    fees = 0.0005 * (100 * 2012 + 25 * 2015.5 + 100 * 2003)
    assert seen.cash[TRADER_ACCOUNT, 0] == pytest.approx(100_000 + realised - fees, rel=1e-14)


def test_funding_moves_with_velocity_and_accrues_at_the_average_rate() -> None:
    made = world()
    trade(made, 100.0)
    made.advance(2)
    seen = made.observe()
    # Two hours at skew 100/10,000: r = 2.4 · 0.01 · 2/24 = 0.002 a day; F = r/2 · 2,000 · 2/24.
    assert seen.funding_rate[ETH, 0] == pytest.approx(0.002, rel=1e-14)
    assert seen.funding_index[ETH, 0] == pytest.approx(1 / 6, rel=1e-14)
    # Twice the skew for the third hour: r is continuous, F the area below it.
    trade(made, 100.0)
    made.advance(3)
    rate = 0.002 + 2.4 * 0.02 / 24
    assert made.observe().funding_rate[ETH, 0] == pytest.approx(rate, rel=1e-14)
    area = 1 / 6 + (0.002 + rate) / 2 * 2000 / 24
    assert made.observe().funding_index[ETH, 0] == pytest.approx(area, rel=1e-14)
    before = made.observe().cash[TRADER_ACCOUNT, 0]
    fill = trade(made, -200.0).amount_out[0]
    # The second trade settled 100 · 1/6; this one settles the 200 since.
    owed = 200 * (area - 1 / 6)
    # Booked at 2,002 and sold at 1,998; the block of the third trade opened at a skew of 200.
    assert fill == pytest.approx(1998 + 2000 * 200 / 20_000, rel=1e-14)
    realised = 200 * (fill - 2002)
    after = made.observe().cash[TRADER_ACCOUNT, 0]
    assert after - before == pytest.approx(realised - owed - 0.0005 * 200 * fill, rel=1e-9)


def test_profit_counts_for_initial_margin_only_up_to_the_cap() -> None:
    made = world(eth=(2000.0, 3000.0), cash=30_000.0)
    trade(made, 50.0)
    made.advance(1)
    seen = made.observe()
    cash = seen.cash[TRADER_ACCOUNT, 0]
    assert seen.equity[TRADER_ACCOUNT, 0] > 0.98 * (cash + 40_000)
    # E₀ = 0.98 · 1.5 · (cash - premium) = μM of n units at 3,000 · 7.5 % = 225 each, where the
    # premium of going from 50 to n is 3,000 · (n² - 50²) / 20,000.
    counted, slope = 0.98 * 1.5, 3000 / 20_000
    root = np.sqrt(225.0**2 + 4 * counted**2 * slope * (cash + slope * 50**2))
    room = (root - 225.0) / (2 * counted * slope) - 50.0
    assert trade(made, room * 1.02).status[0] == Status.BELOW_INITIAL_MARGIN
    # The fee of 0.05 % comes off the cash first.
    assert trade(made, room * 0.97).status[0] == Status.OK


@pytest.mark.parametrize(
    ("size", "limit", "expected"),
    [
        (251.0, 1e9, Status.INVENTORY_LIMIT),  # K · mmr / 2 = 250
        (1.0, 2002.0, Status.SLIPPAGE),
        (1.0, 2002.2, Status.OK),
        (-1.0, 1998.0, Status.SLIPPAGE),
        (-1.0, 1997.8, Status.OK),
        (250.0, 1e9, Status.OK),
    ],
)
def test_orders_are_refused_at_their_limits(size: float, limit: float, expected: Status) -> None:
    assert trade(world(), size, limit).status[0] == expected


def test_a_stale_price_refuses_all_but_a_withdrawal_without_positions() -> None:
    made = world()
    market = made.market
    stale = replace(market, oracle_time=np.zeros_like(market.oracle_time))
    made = ModelWorld(PLAIN, stale)
    made.advance(0)
    assert trade(made, 1.0).status[0] == Status.OK
    made.advance(3)
    assert trade(made, -1.0).status[0] == Status.STALE_ORACLE
    assert liquidate(made).status[0] == Status.STALE_ORACLE
    withdrawal = act.PostMargin(TRADER, 0, np.array([-10.0]))
    assert made.execute(withdrawal).status[0] == Status.STALE_ORACLE
    idle = act.PostMargin(LIQUIDATOR, 0, np.array([-10.0]))
    assert made.execute(idle).status[0] == Status.OK


def test_a_liquidation_closes_what_restores_initial_margin() -> None:
    made = world(eth=(2000.0, 1850.0), cash=28_000.0)
    trade(made, 140.0)
    made.advance(1)
    before = made.observe()
    equity, needed = before.equity[TRADER_ACCOUNT, 0], before.maintenance[TRADER_ACCOUNT, 0]
    assert 0.0 < equity < needed
    fill = liquidate(made)
    closed, penalty = (float(x[0]) for x in (fill.amount_in, fill.amount_out))
    # u = 0.98 (B > 0): each unit closed frees 7.5 % of 1,850 and costs 0.98 · (0.1 % + 1 %) of it.
    freed = 1850.0 * (1.5 * 0.05 - 0.98 * (0.001 + 0.01))
    assert closed == pytest.approx((1.5 * needed - equity) / freed, rel=1e-12)
    assert penalty == pytest.approx(closed * 1850 * 0.01, rel=1e-12)
    seen = made.observe()
    # It takes skew away, so the pool pays it on top.
    earned = 1850 * (140**2 - (140 - closed) ** 2) / 20_000
    assert seen.premium_pool[ETH, 0] == pytest.approx(2000 * 140**2 / 20_000 - earned, rel=1e-12)
    assert seen.equity[TRADER_ACCOUNT, 0] == pytest.approx(
        1.5 * seen.maintenance[TRADER_ACCOUNT, 0] + 0.98 * earned, rel=1e-9
    )
    assert seen.cash[LIQUIDATOR_ACCOUNT, 0] == pytest.approx(300_000 + penalty / 2, rel=1e-14)
    assert seen.insurance_fund[0] == pytest.approx(5_000 + penalty / 2, rel=1e-14)
    assert liquidate(made).status[0] == Status.NOT_LIQUIDATABLE


def test_debt_nothing_backs_is_paid_by_the_insurance_fund_and_then_the_maker() -> None:
    made = world(eth=(2000.0, 1400.0), cash=26_000.0)
    trade(made, 140.0)
    made.advance(1)
    before = made.observe()
    total = before.cash.sum() + before.maker_cash.sum() + before.premium_pool.sum() + 5_000.0
    fill = liquidate(made)
    assert fill.amount_in[0] == 140.0
    assert fill.amount_out[0] == 0.0  # no penalty out of nothing
    seen = made.observe()
    debt = seen.bad_debt[0]
    assert debt > 50_000.0
    assert seen.cash[TRADER_ACCOUNT, 0] == 0.0
    assert seen.insurance_fund[0] == 0.0
    left = seen.cash.sum() + seen.maker_cash.sum() + seen.premium_pool.sum()
    assert left == pytest.approx(total, rel=1e-15)
    assert liquidate(made).status[0] == Status.NO_POSITION


def test_collateral_of_an_indebted_account_is_sold_below_its_price_up_to_the_debt() -> None:
    made = world(eth=(2000.0, 1400.0), cash=26_000.0, collateral=30.0)
    trade(made, 140.0)
    made.advance(1)
    liquidate(made)
    owed = -made.observe().cash[TRADER_ACCOUNT, 0]
    assert owed > 0.0
    # Worth less than nothing even with its 30 ETH: the insurance fund's 5,000 came first.
    assert made.observe().bad_debt[0] == 5_000.0
    buy = act.LiquidateCollateral(LIQUIDATOR, TRADER_ACCOUNT, 1, np.array([10.0]))
    fill = made.execute(buy)
    assert fill.status[0] == Status.OK
    assert fill.amount_out[0] == 10.0
    assert fill.amount_in[0] == pytest.approx(10 * 1400 * 0.99, rel=1e-14)
    rest = made.execute(act.LiquidateCollateral(LIQUIDATOR, TRADER_ACCOUNT, 1, np.array([1e3])))
    assert rest.amount_out[0] == 20.0
    seen = made.observe()
    assert seen.collateral[LIQUIDATOR_ACCOUNT, 1, 0] == 30.0
    assert seen.bad_debt[0] == pytest.approx(5_000.0 + owed - 30 * 1400 * 0.99, rel=1e-12)


def test_no_more_collateral_is_sold_than_the_debt_is_worth() -> None:
    made = world(eth=(2000.0, 1400.0), cash=26_000.0, collateral=45.0)
    trade(made, 140.0)
    made.advance(1)
    liquidate(made)
    owed = -made.observe().cash[TRADER_ACCOUNT, 0]
    assert not made.observe().size[TRADER_ACCOUNT].any()
    buy = act.LiquidateCollateral(LIQUIDATOR, TRADER_ACCOUNT, 1, np.array([1e3]))
    fill = made.execute(buy)
    assert fill.amount_in[0] == owed
    assert fill.amount_out[0] == pytest.approx(owed / (1400 * 0.99), rel=1e-14)
    assert made.observe().cash[TRADER_ACCOUNT, 0] == 0.0
    assert made.execute(buy).status[0] == Status.NOT_LIQUIDATABLE


def test_everything_deposited_can_be_withdrawn_to_the_last_unit() -> None:
    made = world(cash=0.0)
    for amount in (1000.123456, 0.000001, 33.3, 7.77, 1e5 / 3):
        made.execute(act.PostMargin(TRADER, 0, np.array([amount])))
    held = made.observe().cash[TRADER_ACCOUNT]
    fill = made.execute(act.PostMargin(TRADER, 0, -held))
    assert fill.status[0] == Status.OK
    assert made.observe().cash[TRADER_ACCOUNT, 0] == pytest.approx(0.0, abs=1.1e-6)
    over = made.execute(act.PostMargin(TRADER, 0, np.array([-1.0])))
    assert over.status[0] == Status.INSUFFICIENT_COLLATERAL


def test_steps_are_hours() -> None:
    assert STEP_SECONDS == 3600  # what the funding numbers above were worked out with
