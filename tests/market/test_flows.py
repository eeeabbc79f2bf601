"""Feeds, gas, depth, order flow and deposits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import Config, from_mapping, load
from simulator.market import kernels
from simulator.market.draw import draw
from simulator.protocol.oracle import SILENT


def _calm(**changes: Any) -> Config:
    return from_mapping(load("calm").model_dump() | changes)


def _rounds(
    index: list[float], *, heartbeat: float, deviation: float = 100.0, lag: int = 0, **marks: Any
) -> tuple[list[float], list[float]]:
    series = np.array(index, np.float64)[:, np.newaxis]
    price, time = np.empty_like(series), np.empty_like(series)
    special = np.zeros(len(index))
    special[marks.get("frozen", [])] = SILENT
    for step, factor in marks.get("outlier", {}).items():
        special[step] = factor
    kernels.post_rounds(series, price, time, 60, heartbeat, deviation, lag, special)
    return price[:, 0].tolist(), time[:, 0].tolist()


def test_a_feed_posts_on_its_heartbeat() -> None:
    price, time = _rounds([1, 2, 3, 4, 5, 6, 7], heartbeat=180)
    assert time == [0, 0, 0, 180, 180, 180, 360]
    assert price == [1, 1, 1, 4, 4, 4, 7]


def test_a_feed_posts_when_the_price_moved_by_more_than_the_threshold() -> None:
    price, time = _rounds([100, 100.9, 101.2, 101.2, 99], heartbeat=1e9, deviation=0.01)
    assert time == [0, 0, 120, 120, 240]
    assert price == [100, 100, 101.2, 101.2, 99]


def test_a_lagging_feed_carries_the_index_of_steps_ago_at_the_time_of_posting() -> None:
    price, time = _rounds([1, 2, 3, 4, 5], heartbeat=60, lag=2)
    assert time == [0, 60, 120, 180, 240]
    assert price == [1, 1, 1, 2, 3]


def test_a_frozen_feed_posts_nothing_and_an_outlier_is_corrected_by_the_next_round() -> None:
    price, time = _rounds([1, 2, 3, 4, 5, 6], heartbeat=60, frozen=[2, 3])
    assert time == [0, 60, 60, 60, 240, 300]
    assert price == [1, 2, 2, 2, 5, 6]
    price, time = _rounds([1] * 5, heartbeat=1e9, deviation=0.1, outlier={2: 1.5})
    assert price == [1, 1, 1.5, 1, 1]
    assert time == [0, 0, 120, 180, 180]


@given(
    st.lists(st.floats(0.5, 2), min_size=2, max_size=40),
    st.integers(1, 5),
    st.floats(0, 0.5),
    st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_rounds_are_never_from_the_future_nor_older_than_the_heartbeat(
    index: list[float], beats: int, deviation: float, lag: int
) -> None:
    price, time = _rounds(index, heartbeat=60 * beats, deviation=deviation, lag=lag)
    for step, (posted, at) in enumerate(zip(price, time, strict=True)):
        assert 0 <= 60 * step - at < 60 * beats or (step == 0 and at == 0)
        assert posted == index[max(round(at / 60) - lag, 0)]
        source = index[max(step - lag, 0)]
        assert abs(source - posted) <= deviation * posted


def test_the_oracle_of_a_run_follows_freeze_and_outlier_of_the_asset_named() -> None:
    config = load("hedge-liquidation")
    market = draw(config.market, 0, 5)
    eth, avax = config.symbols.index("ETH"), config.symbols.index("AVAX")
    assert np.all(market.oracle_time[eth, 290:308] == 289 * 3_600)
    assert np.all(market.oracle_time[eth, 308] == 308 * 3_600)
    assert market.oracle_price[avax, 120] == pytest.approx(1.25 * market.index[avax, 120])
    assert np.array_equal(market.oracle_price[avax, 121], market.index[avax, 121])


def test_gas_has_its_mean_spread_and_memory_and_is_paid_at_the_native_price() -> None:
    config = _calm(gas={"gwei": 20, "native_asset": "ETH", "volatility": 0.5, "reversion_hours": 6})
    market = draw(config.market, 0, 600)
    gwei = market.gas_usd / market.index[1] / 1e-9
    logs = np.log(gwei)
    # A path holds about 720/(2·6) independent values of an AR(1) with that memory.
    independent = 600 * 720 / 12
    assert abs(logs.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * independent)
    assert gwei.mean() == pytest.approx(20, rel=4 * 0.55 / np.sqrt(independent))
    centred = logs - logs.mean()
    memory = np.mean(centred[1:] * centred[:-1]) / np.mean(centred**2)
    assert memory == pytest.approx(np.exp(-1 / 6), abs=0.01)


def test_spikes_and_cuts_act_in_their_window_at_their_venue() -> None:
    window = {"at_hours": 10, "duration_hours": 5}
    calm = draw(load("calm").market, 0, 3)
    config = _calm(
        shocks=[
            {"kind": "gas_spike", "factor": 7, **window},
            {"kind": "depth_cut", "venue": "pool", "factor": 0.5, **window},
            {
                "kind": "depth_cut",
                "venue": "both",
                "factor": 0.2,
                "at_hours": 12,
                "duration_hours": 9,
            },
        ]
    )
    market = draw(config.market, 0, 3)
    inside = (np.arange(721) >= 10) & (np.arange(721) < 15)
    assert market.gas_usd / calm.gas_usd == pytest.approx(
        np.where(inside, 7, 1)[:, None] + np.zeros(3)
    )
    assert market.pool_depth[[9, 10, 12, 15, 20, 21], 0] == pytest.approx(
        [1, 0.5, 0.1, 0.2, 0.2, 1]
    )
    assert market.perp_depth[[10, 12, 20, 21], 2] == pytest.approx([1, 0.2, 0.2, 1])


@pytest.mark.parametrize("persistence", [-0.3, 0.0, 0.6])
def test_order_flow_has_its_volume_and_persistent_signs(persistence: float) -> None:
    generator = np.random.default_rng(4)
    shape = (400, 300)
    flow = np.vstack([np.ones(shape[1]), generator.standard_normal(shape)])
    kernels.order_flow(flow, generator.random(shape), 1_000.0, 0.8, persistence)
    assert not np.any(flow[0])
    flow = flow[1:]
    count = flow.size
    spread = np.sqrt(np.exp(0.8**2) - 1)
    assert abs(np.abs(flow).mean() / 1_000 - 1) < 4 * spread / np.sqrt(count)
    signs = np.sign(flow)
    assert np.mean(signs[1:] * signs[:-1]) == pytest.approx(persistence, abs=4 / np.sqrt(count))
    # Signs of a chain with memory φ carry (1 − φ)/(1 + φ) as much information each.
    effective = count * (1 - persistence) / (1 + persistence)
    assert abs(signs.mean()) < 4 / np.sqrt(effective)


def test_volume_scales_with_the_step_and_nothing_is_traded_at_step_0() -> None:
    market = draw(load("usdc-depeg-2023").market, 0, 200)  # quarter hours
    assert np.abs(market.noise_swap[1:]).mean() == pytest.approx(5e5 / 4, rel=0.03)
    assert not np.any(market.noise_swap[0])
    assert not np.any(market.noise_trade[:, 0])


def test_deposits_come_at_their_rate_and_size() -> None:
    generator = np.random.default_rng(5)
    shape = (500, 400)
    flow = np.vstack([np.ones(shape[1]), generator.standard_normal(shape)])
    kernels.deposit_flow(flow, generator.random(shape), 0.05, 0.02)
    assert not np.any(flow[0])
    flow = flow[1:]
    fraction = flow[flow != 0]
    assert (flow != 0).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / flow.size))
    assert fraction.std() == pytest.approx(0.02, rel=4 / np.sqrt(2 * fraction.size))
    assert abs(fraction.mean()) < 4 * 0.02 / np.sqrt(fraction.size)


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_a_run_takes_out_its_fraction_in_equal_parts(fraction: float) -> None:
    config = _calm(
        shocks=[
            {"kind": "withdrawal_run", "fraction": fraction, "at_hours": 50, "duration_hours": 7}
        ]
    )
    flow = draw(config.market, 0, 2).deposit_flow[50:57, 0]
    assert np.all(flow < 0)
    left = np.cumprod(1 + flow)
    assert -np.diff(left, prepend=1.0) == pytest.approx(np.full(7, fraction / 7))
    assert left[-1] == pytest.approx(1 - fraction, abs=1e-12)
