"""Swaps, fees and liquidity of the model pool."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.model.pools.uniswap_v3 import swap_math, tick
from simulator.testing.records import Swap
from simulator.world.protocol import BackgroundRange, PoolParameters
from tests.model.campaign import PROTOCOL, SQRT_2000
from tests.model.lone_pool import LonePool

LOWEST, HIGHEST = tick.MIN_SQRT_PRICE, tick.MAX_SQRT_PRICE


def opened(parameters: PoolParameters = PROTOCOL.pool) -> LonePool:
    return LonePool(parameters)


def put_range(state: LonePool, lower: int, upper: int, liquidity: float) -> None:
    state.place(float(lower), float(upper))
    state.mint(liquidity)


def swap(state: LonePool, down: bool, amount: float, limit: float | None = None) -> Swap:
    return state.swap(down, True, amount, (LOWEST if down else HIGHEST) if limit is None else limit)


def test_tick_prices_are_those_of_tick_math_to_the_last_digits() -> None:
    for t in range(-500_000, 500_001, 7_919):
        exact = Fraction(tick.sqrt_ratio_at_tick(t), 2**96)
        assert abs(Fraction(tick.sqrt_price_at_tick(float(t))) / exact - 1) < Fraction(1, 2**51)


@given(st.integers(-700_000, 700_000), st.floats(-1e-14, 1e-14))
def test_tick_at_a_price_is_the_greatest_tick_at_or_below_it(t: int, nudge: float) -> None:
    root = tick.sqrt_price_at_tick(float(t)) * (1.0 + nudge)
    found = tick.tick_at_sqrt_price(root)
    assert tick.sqrt_price_at_tick(found) <= root < tick.sqrt_price_at_tick(found + 1.0)


@given(st.integers(1, 2**52), st.integers(1, 999_999))
def test_fee_splits_are_the_integers_of_full_math(amount: int, fee: int) -> None:
    assert swap_math.less_fee.py_func(float(amount), float(fee)) == amount * (10**6 - fee) // 10**6
    on_top = -(-amount * fee // (10**6 - fee))
    if on_top < 2**53:
        assert swap_math.fee_on.py_func(float(amount), float(fee)) == on_top


def test_one_swap_in_one_range_by_hand() -> None:
    # L = 5.1e17 at √P = sqrt(2e-9); 1 ETH less 0.3 % moves 1/√P by 0.997e18/L.
    state = opened()
    start = SQRT_2000 / 2**96
    liquidity = 3e17 + 2e17 + 1e16
    swapped = swap(state, True, 1e18)
    root = 1.0 / (1.0 / start + 0.997e18 / liquidity)
    assert swapped.sqrt_price == pytest.approx(root, rel=1e-15)
    assert swapped.amount_in == 1e18
    # ΔUSDC = Δ·√P·√P', floored
    assert swapped.amount_out == math.floor(0.997e18 * start * root)


def test_a_gap_without_liquidity_is_crossed_for_nothing() -> None:
    ranges = (
        BackgroundRange(-201_000, -200_400, 10**17),
        BackgroundRange(-199_800, -199_200, 10**17),
    )
    start = tick.sqrt_ratio_at_tick(-200_700)
    state = opened(PoolParameters(3000, 60, start, ranges))
    to_gap = tick.sqrt_price_at_tick(-200_400.0)
    cost = swap(state, False, 1e30, limit=to_gap).amount_in
    assert state.active_liquidity() == 0.0
    across = swap(state, False, 1e30, limit=tick.sqrt_price_at_tick(-199_800.0))
    assert (across.amount_in, across.amount_out) == (0.0, 0.0)
    assert state.active_liquidity() == 1e17
    beyond = swap(state, False, cost)
    assert beyond.amount_in == cost
    assert -199_800 < state.pool.tick[0] < -199_200


def test_the_liquidity_of_a_range_ends_at_its_ticks_in_both_directions() -> None:
    state = opened()
    put_range(state, -201_000, -199_800, 7e17)
    inside = state.active_liquidity()
    swap(state, True, 1e24, limit=tick.sqrt_price_at_tick(-201_000.0))
    # A price that has just crossed a tick downward belongs to the range below it.
    assert state.pool.tick[0] == -201_001
    assert state.active_liquidity() == 2e17 + 1e16
    swap(state, False, 1e15, limit=tick.sqrt_price_at_tick(-200_400.0))
    assert state.active_liquidity() == inside == 3e17 + 2e17 + 1e16 + 7e17


def test_a_round_trip_across_ticks_returns_to_the_same_price_and_costs_the_fees() -> None:
    state = opened()
    put_range(state, -201_000, -199_800, 7e17)
    start = state.pool.sqrt_price[0]
    sold = swap(state, True, 3e21)
    back = swap(state, False, 1e18, limit=start)
    assert state.pool.sqrt_price[0] == start
    assert state.pool.tick[0] == tick.tick_at_sqrt_price(start)
    # Both legs pay 0.3 % of what goes in; the curve itself gives everything back.
    # A raw USDC is 5e8 wei, and each step may round by one.
    assert back.amount_out == pytest.approx(sold.amount_in * 0.997, rel=1e-12, abs=20 * 5e8)
    assert back.amount_in * 0.997 == pytest.approx(sold.amount_out, rel=1e-12, abs=20)


def test_a_position_earns_its_share_of_the_fee_while_in_range_only() -> None:
    state = opened()
    put_range(state, -200_400, -200_280, 51e16)  # the pool starts at tick -200 311
    swap(state, True, 1e17)
    assert state.pool.tick[0] > -200_400
    assert state.fees[0] == pytest.approx(0.003e17 * 0.5, rel=1e-12)  # half of the liquidity
    swap(state, True, 1e30, limit=tick.sqrt_price_at_tick(-200_460.0))
    earned = state.fees
    swap(state, True, 1e18)
    assert state.fees == earned
    assert earned[1] == 0.0


@given(st.floats(1e-6, 3e-4), st.integers(1, 10**18), st.integers(1, 10**24))
def test_liquidity_for_amounts_is_what_the_amounts_buy(root: float, usdc: int, base: int) -> None:
    lower, upper = tick.sqrt_price_at_tick(-210_000.0), tick.sqrt_price_at_tick(-190_020.0)
    liquidity = tick.liquidity_for_amounts(root, lower, upper, float(base), float(usdc))
    x, y = tick.amounts_for_liquidity(root, lower, upper, liquidity)
    assert x <= base * (1 + 1e-12)
    assert y <= usdc * (1 + 1e-12)
    assert x == pytest.approx(base, rel=1e-9) or y == pytest.approx(usdc, rel=1e-9)


def test_depth_scales_every_background_range_and_leaves_the_price() -> None:
    state = opened()
    before = state.pool.sqrt_price[0]
    state.set_depth(0.3)
    expected = sum(math.floor(r.liquidity * 0.3) for r in PROTOCOL.pool.background)
    assert state.active_liquidity() == expected
    assert state.pool.sqrt_price[0] == before
