"""Prices follow the processes they are drawn from; shocks move them by what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import Config, from_mapping, load
from simulator.market import kernels
from simulator.market.prices import draw_index, price_moves
from simulator.types import SECONDS_PER_YEAR, Floats

PATHS = 400


def _calm(**changes: Any) -> Config:
    return from_mapping(load("calm").model_dump() | changes)


def _assets(**changes: Any) -> dict[str, Any]:
    assets = load("calm").model_dump()["assets"]
    for symbol in assets:
        assets[symbol] |= changes.get(symbol, {})
    return assets


def _returns(config: Config, paths: int = PATHS) -> Floats:
    return np.diff(np.log(draw_index(config.market, 0, paths)), axis=1)


def test_volatilities_and_correlations_are_those_configured() -> None:
    config = load("calm")
    returns = _returns(config)
    flat = returns.reshape(len(returns), -1)
    count = flat.shape[1]
    years = config.step_seconds / SECONDS_PER_YEAR
    volatility = np.std(flat, axis=1) / np.sqrt(years)
    expected = np.array([config.assets[symbol].volatility for symbol in config.symbols])
    # Standard error of a standard deviation: σ/√(2n); of a correlation: (1 − ρ²)/√n.
    assert np.all(np.abs(volatility - expected) < 4 * expected / np.sqrt(2 * count))
    rho = np.corrcoef(flat)
    target = np.array([[1, 0, 0, 0], [0, 1, 0.85, 0.7], [0, 0.85, 1, 0.65], [0, 0.7, 0.65, 1]])
    assert np.all(np.abs(rho - target) <= 4 * (1 - target**2) / np.sqrt(count) + 1e-12)


@pytest.mark.parametrize("jumps", [None, {"intensity": 200, "mean": -0.05, "std": 0.1}])
def test_the_mean_price_grows_at_the_drift_jumps_or_not(jumps: dict[str, float] | None) -> None:
    config = _calm(
        assets=_assets(ETH={"drift": 1.5, "jumps": jumps}),
        common_jumps=jumps and {**jumps, "loading": {"SOL": 2.0, "BTC": 0.5}},
    )
    last = draw_index(config.market, 0, 4_000)[:, -1]
    years = config.steps * config.step_seconds / SECONDS_PER_YEAR
    for row, symbol in enumerate(config.symbols):
        asset = config.assets[symbol]
        error = np.std(last[row]) / np.sqrt(last.shape[1])
        assert abs(np.mean(last[row]) - asset.price * np.exp(asset.drift * years)) < 4 * error


def test_jumps_come_at_their_rate_and_together_when_common() -> None:
    still = {symbol: {"volatility": 0.0} for symbol in ("USDC", "ETH", "BTC", "SOL")}
    config = _calm(
        assets=_assets(**still),
        common_jumps={"intensity": 60, "mean": 0.2, "std": 0.0, "loading": {"BTC": 0.5, "SOL": 0}},
    )
    returns = _returns(config)
    drift = returns[:, 0].min(axis=1)  # no diffusion: all that is not a jump is the compensator
    jumps = returns - drift[:, None, None]
    expected = 60 * config.steps / 8_760 * PATHS
    total = jumps[1].sum() / 0.2
    assert abs(total - expected) < 4 * np.sqrt(expected)
    assert jumps[2] == pytest.approx(jumps[1] / 2, abs=1e-9)
    assert np.allclose(jumps[[0, 3]], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "expected"), [("decoupling", [0.1, 0.1, 0.65]), ("convergence", [0.98, 0.98, 0.98])]
)
def test_correlation_windows_hold_while_they_last(kind: str, expected: list[float]) -> None:
    shock = {"kind": kind, "at_hours": 100, "duration_hours": 300, "volatility_multiple": 3}
    shock |= {"asset": "ETH", "correlation": 0.1} if kind == "decoupling" else {"correlation": 0.98}
    config = _calm(shocks=[shock])
    returns = _returns(config, 100)[1:]
    # pairs ETH/BTC, ETH/SOL, BTC/SOL
    for steps, target in ((slice(0, 100), [0.85, 0.7, 0.65]), (slice(100, 400), expected)):
        flat = returns[:, steps].reshape(3, -1)
        rho = np.corrcoef(flat)[[0, 0, 1], [1, 2, 2]]
        assert np.all(np.abs(rho - target) < 4 / np.sqrt(flat.shape[1]))
    inside, before = returns[0, 100:400].std(), returns[0, :100].std()
    assert inside / before == pytest.approx(3, rel=0.05)


def test_a_crash_ramps_holds_and_recovers() -> None:
    shock = {
        "kind": "crash",
        "assets": ["ETH"],
        "size": -0.5,
        "at_hours": 10,
        "ramp_hours": 4,
        "hold_hours": 2,
        "recovery_hours": 8,
    }
    config = _calm(shocks=[shock])
    moves = price_moves(config.market) / np.log(0.5)
    eth = moves[config.symbols.index("ETH")]
    assert eth[[9, 10, 12, 14, 16, 20, 24, 30]] == pytest.approx([0, 0, 0.5, 1, 1, 0.5, 0, 0])
    assert not np.any(np.delete(moves, config.symbols.index("ETH"), axis=0))
    ratio = draw_index(config.market, 0, 5)[1] / draw_index(load("calm").market, 0, 5)[1]
    assert ratio == pytest.approx(np.repeat(0.5 ** eth[:, None], 5, axis=1))


def test_a_squeeze_without_ramp_or_recovery_is_a_step() -> None:
    shock = {"kind": "squeeze", "assets": ["SOL"], "size": 1.0, "at_hours": 10}
    moves = price_moves(_calm(shocks=[shock]).market)[3]
    assert np.array_equal(moves, np.where(np.arange(721) >= 10, np.log(2), 0))


def _depeg_of_2023(**changes: object) -> Config:
    """The built-in scenario, its depeg changed."""
    data = load("usdc-depeg-2023").model_dump()
    data["shocks"] = [
        {**shock, **changes} if shock["kind"] == "depeg" else shock for shock in data["shocks"]
    ]
    return from_mapping(data)


def test_bridges_hit_every_anchor_exactly_and_the_process_goes_on_from_the_last() -> None:
    config = _depeg_of_2023(dispersion=0.0)
    (depeg,) = (shock for shock in config.shocks if shock.kind == "depeg")
    index = draw_index(config.market, 0, 50)[0]
    for hours, price in depeg.anchors:
        assert np.all(index[round(hours * 4)] == price)
    last = round(depeg.anchors[-1][0] * 4)
    free = draw_index(
        from_mapping(config.model_dump() | {"shocks": []}).market,
        0,
        50,
    )[0]
    assert index[last:] / index[last] == pytest.approx(free[last:] / free[last], rel=1e-12)
    assert np.array_equal(index[: 45 * 4], free[: 45 * 4])


def test_dispersed_anchors_are_log_normal_about_those_written_down() -> None:
    config = _depeg_of_2023(dispersion=0.3)
    (depeg,) = (shock for shock in config.shocks if shock.kind == "depeg")
    index = draw_index(config.market, 0, 2_000)[0]
    falls = np.log([index[round(hours * 4)] for hours, price in depeg.anchors if price != 1.0])
    written = np.log([price for _, price in depeg.anchors if price != 1.0])
    stretch = falls / written[:, None]
    # One number a path: e^(0.3 z).
    assert stretch == pytest.approx(np.broadcast_to(stretch[0], stretch.shape), rel=1e-9)
    logs = np.log(stretch[0])
    assert abs(logs.mean()) < 5 * 0.3 / np.sqrt(2_000)
    assert logs.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 2_000))
    assert np.array_equal(draw_index(config.market, 7, 2)[0], index[:, 7:9])


def test_each_leg_has_its_own_volatility() -> None:
    (depeg,) = (s for s in load("usdc-depeg-2023").shocks if s.kind == "depeg")
    legs = [0.0] * (len(depeg.anchors) - 1)
    legs[-1] = 1.0
    index = draw_index(_depeg_of_2023(dispersion=0.0, leg_volatilities=legs).market, 0, 200)[0]
    first, last = (round(hours * 4) for hours, _ in depeg.anchors[-2:])
    assert np.all(np.ptp(index[45 * 4 : first + 1], axis=1) == 0)
    middle = np.log(index[(first + last) // 2])
    expected = np.sqrt((last - first) / 4 * 900 / SECONDS_PER_YEAR)  # √(t/4): of a bridge, half way
    assert middle.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * 200))


@given(
    volatility=st.floats(0.05, 2),
    steps=st.lists(st.integers(1, 60), min_size=1, max_size=3),
)
@settings(max_examples=10, deadline=None)
def test_a_bridge_has_the_variance_of_a_brownian_bridge(
    volatility: float, steps: list[int]
) -> None:
    ends = np.concatenate(([0], np.cumsum(steps)))
    variance = volatility**2 * 1e-4
    anchors = np.repeat(np.exp(0.01 * np.arange(len(ends)))[:, None], 3_000, axis=1)
    prices = np.ones((ends[-1] + 1, 3_000))
    normals = np.random.default_rng(1).standard_normal((ends[-1], 3_000))
    kernels.bridge(prices, ends, anchors, normals, np.full(len(steps), variance))
    assert np.all(prices[ends] == anchors)
    step = np.arange(ends[0], ends[1] + 1)
    span = ends[1]
    expected = variance * step * (span - step) / span  # Var B_t = t(T − t)/T, per unit of time
    found = np.log(prices[: span + 1]).var(axis=1)
    assert np.all(np.abs(found - expected) <= 5 * expected * np.sqrt(2 / 3_000) + 1e-18)
    mean = np.log(prices[: span + 1]).mean(axis=1)
    assert np.all(np.abs(mean - 0.01 * step / span) <= 5 * np.sqrt(expected / 3_000) + 1e-12)


def test_the_compiled_kernel_agrees_with_plain_python() -> None:
    generator = np.random.default_rng(3)
    normals = generator.standard_normal((3, 12, 4))
    factors = np.tril(generator.uniform(0.1, 1, (2, 3, 3)))
    drift, volatility = generator.normal(size=(2, 3)), generator.uniform(0.1, 1, (2, 3))
    regime = np.array([0] * 7 + [1] * 5)
    jumps = np.where(generator.random((3, 13, 4)) < 0.1, 0.3, 0.0)
    jumps[:, 0] = 0
    fast, plain = jumps.copy(), jumps.copy()
    at_points = np.zeros_like(jumps)
    at_points[:, 1:] = normals
    arguments = (regime, factors, drift, volatility)
    kernels.diffuse(fast, at_points, True, *arguments)
    kernels.diffuse.py_func(plain, at_points, True, *arguments)
    assert np.array_equal(fast, plain)
    still = np.zeros_like(jumps)
    kernels.diffuse(still, at_points, True, *arguments)
    kernels.diffuse(at_points, at_points, False, *arguments)  # the normals make room for prices
    assert np.array_equal(still, at_points)
    correlated = np.einsum("tij,jtp->itp", factors[regime], normals)
    steps = drift[regime].T[:, :, None] + volatility[regime].T[:, :, None] * correlated
    assert fast[:, 1:] == pytest.approx(np.cumsum(steps + jumps[:, 1:], axis=1))
