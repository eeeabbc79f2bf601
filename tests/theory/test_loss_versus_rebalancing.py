"""LVR in the model world: what an arbitrageur without costs takes from the pool, per year."""

from __future__ import annotations

from functools import partial

import numpy as np

from simulator.hedging import lp
from tests.theory import pools
from tests.theory.pools import VOLATILITY, ratio_to_theory, run

PATHS, STEPS, STEP_MINUTES = 400, 720, 60
# Per step the loss is the mean times a χ²₁, so that the relative width of a 99 % interval is
# 2·2.58·√(2/288,000) = 1.4 %, below the 2 % asked for.
pool = partial(pools.pool, paths=PATHS, steps=STEPS, step_minutes=STEP_MINUTES)
YEARS = STEP_MINUTES / (365 * 1_440)


def test_full_range_loses_one_eighth_of_the_variance_of_its_value_a_year() -> None:
    observed, price, ((liquidity, _, _),) = run(pool({"value_usd": 1e8}, seed=1))
    theory = VOLATILITY**2 / 8 * lp.value(price[:-1], liquidity).sum(axis=0) * YEARS
    ratio, half_width = ratio_to_theory(observed.profit.sum(axis=0), theory)
    print(f"full range: LVR / (sigma^2/8 of value) = {ratio:.5f} ± {half_width:.5f} (99 %)")
    assert 2 * half_width <= 0.02
    # The step's own error, E[1 − e^(−σ²Δt/8)] against σ²Δt/8, is 5e-6 of it.
    assert abs(ratio - 1.0) <= half_width


def test_concentrated_range_loses_liquidity_times_variance_times_root_price_over_four() -> None:
    """Within ±200 % of the price for the whole month, at almost 5 σ√T."""
    observed, price, ((liquidity, lower, upper),) = run(
        pool({"value_usd": 1e8, "half_width_percent": 200.0}, seed=2)
    )
    assert np.all(lp.in_range(price, lower, upper))
    theory = (liquidity * VOLATILITY**2 * np.sqrt(price[:-1]) / 4).sum(axis=0) * YEARS
    ratio, half_width = ratio_to_theory(observed.profit.sum(axis=0), theory)
    print(f"concentrated: LVR / (L sigma^2 sqrt(P)/4) = {ratio:.5f} ± {half_width:.5f} (99 %)")
    assert 2 * half_width <= 0.02
    assert abs(ratio - 1.0) <= half_width


def test_narrow_range_loses_only_while_the_price_is_within_it() -> None:
    """±10 %, left and entered again many times, on top of thin liquidity over the full range."""
    observed, price, ranges = run(
        pool({"value_usd": 1e8, "half_width_percent": 10.0}, {"value_usd": 1e6}, seed=3)
    )
    _, lower, upper = ranges[0]
    inside = lp.in_range(price, lower, upper)
    assert 0.2 < inside.mean() < 0.8
    assert np.mean(np.any(~inside, axis=0)) > 0.9
    rate = np.zeros_like(price)
    for liquidity, *bounds in ranges:
        rate += lp.lvr_rate(price, liquidity, VOLATILITY, *bounds)
    # Both ends of a step: with the first alone, the flux of paths out of the range shows (0.2 %).
    theory = (rate[:-1] + rate[1:]).sum(axis=0) / 2 * YEARS
    ratio, half_width = ratio_to_theory(observed.profit.sum(axis=0), theory)
    print(f"in and out of ±10 %: LVR / theory = {ratio:.5f} ± {half_width:.5f} (99 %)")
    assert 2 * half_width <= 0.03  # two thirds of the steps are out of range and say nothing
    assert abs(ratio - 1.0) <= half_width


def test_arbitrage_profit_is_rebalancing_less_position_path_by_path() -> None:
    """LVR's definition, Σ x(P_t)·(P_t₊₁ − P_t) − (V_T − V_0), is the profit of arbitrage."""
    observed, price, ((liquidity, lower, upper),) = run(
        pool({"value_usd": 1e8, "half_width_percent": 200.0}, seed=4)
    )
    held = lp.delta(price[:-1], liquidity, lower, upper)
    rebalancing = np.sum(held * np.diff(price, axis=0), axis=0)
    change = lp.value(price[-1], liquidity, lower, upper) - lp.value(
        price[0], liquidity, lower, upper
    )
    loss = rebalancing - change
    worst = np.max(np.abs(observed.profit.sum(axis=0) / loss - 1.0))
    print(f"arbitrage profit vs rebalancing less position: max relative error {worst:.1e}")
    # Raw units are rounded twice a step (2e-6 USDC of some 900), and √P is floored at the start.
    assert worst <= 1e-8
