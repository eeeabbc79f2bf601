"""Constrained hedges against closed forms, one constraint at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hedging import hedge_ratios
from simulator.hedging.ratios import (
    Limits,
    Position,
    Trading,
    minimum_shortfall,
    minimum_variance,
)
from simulator.types import Floats, InputError

# Hourly: the target, a strong proxy, a weaker one.
VOLATILITY = np.array([0.012, 0.007, 0.009])
CORRELATION = np.array([[1.0, 0.8, 0.75], [0.8, 1.0, 0.85], [0.75, 0.85, 1.0]])
SIGMA: Floats = CORRELATION * (VOLATILITY[:, None] * VOLATILITY)
EXPOSURE = 250_000.0


def _random_covariance(seed: int, assets: int) -> Floats:
    root = np.random.default_rng(seed).standard_normal((assets, assets + 2)) * 0.01
    return root @ root.T


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), hedges=st.integers(1, 6), dollars=st.floats(1.0, 1e9))
def test_unconstrained_it_is_the_least_squares_hedge(
    seed: int, hedges: int, dollars: float
) -> None:
    sigma = _random_covariance(seed, hedges + 1)
    found = minimum_variance(sigma, dollars)
    expected = -hedge_ratios(sigma[:, :, None])[:, 0] * dollars
    np.testing.assert_allclose(found.positions, expected, rtol=1e-5, atol=1e-7 * dollars)
    remaining = sigma[0, 0] - sigma[0, 1:] @ np.linalg.solve(sigma[1:, 1:], sigma[1:, 0])
    assert found.risk == pytest.approx(remaining * dollars**2, rel=1e-6)


def test_a_cap_binds_and_the_other_hedge_takes_over() -> None:
    cap = 50_000.0
    found = minimum_variance(SIGMA, EXPOSURE, Limits(caps=(cap, 1e9)))
    # With h₁ held at −cap, the other is the least-squares hedge of what is left.
    second = -(SIGMA[2, 0] * EXPOSURE - SIGMA[2, 1] * cap) / SIGMA[2, 2]
    np.testing.assert_allclose(found.positions, [-cap, second], rtol=1e-6)


def test_shorts_only_leaves_out_what_would_be_bought() -> None:
    # The second proxy only cleans the first of what both share: it would be held long.
    correlation = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.85], [0.5, 0.85, 1.0]])
    sigma = correlation * (VOLATILITY[:, None] * VOLATILITY)
    assert minimum_variance(sigma, EXPOSURE).positions[1] > 0.0
    found = minimum_variance(sigma, EXPOSURE, Limits(shorts_only=True))
    alone = -sigma[0, 1] / sigma[1, 1] * EXPOSURE
    np.testing.assert_allclose(found.positions, [alone, 0.0], rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("shorts_only", [True, False])
def test_leverage_binds_as_the_lagrangian_says(shorts_only: bool) -> None:
    free = minimum_variance(SIGMA, EXPOSURE)
    most = 0.8 * float(np.abs(free.positions).sum())
    found = minimum_variance(SIGMA, EXPOSURE, Limits(leverage=most, shorts_only=shorts_only))
    # Both short: Σ_hh h + σe = ν·1 on 1ᵀh = −L.
    ones, inverse = np.ones(2), np.linalg.inv(SIGMA[1:, 1:])
    price = (-most - ones @ free.positions) / (ones @ inverse @ ones)
    np.testing.assert_allclose(found.positions, free.positions + price * inverse @ ones, rtol=1e-6)
    assert np.all(found.positions < 0.0)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_costs_leave_a_region_without_trades_and_stop_at_its_edge(side: float) -> None:
    """One hedge: h trades to target ∓ c/(λσ²) and no further."""
    sigma, cost, aversion = SIGMA[:2, :2], 5e-4, 1e-4
    target = -sigma[0, 1] / sigma[1, 1] * EXPOSURE
    half = cost / (aversion * sigma[1, 1])

    def hedge(held: float) -> float:
        trading = Trading((held,), (cost,))
        return float(
            minimum_variance(sigma, EXPOSURE, trading=trading, risk_aversion=aversion).positions[0]
        )

    inside, outside = target + side * 0.99 * half, target + side * 3.0 * half
    assert hedge(inside) == pytest.approx(inside, rel=1e-7)
    assert hedge(outside) == pytest.approx(target + side * half, rel=1e-7)


def test_costs_and_leverage_together_meet_the_kkt_conditions() -> None:
    held, costs, aversion = np.array([-90_000.0, -20_000.0]), np.array([4e-4, 8e-4]), 2e-5
    limits = Limits(leverage=100_000.0)
    trading = Trading(tuple(held), tuple(costs))
    found = minimum_variance(SIGMA, EXPOSURE, limits, trading, aversion).positions

    def objective(h: Floats) -> float:
        total = np.concatenate([[EXPOSURE], h])
        return float(0.5 * aversion * total @ SIGMA @ total + costs @ np.abs(h - held))

    best = objective(found)
    assert np.abs(found).sum() <= limits.leverage * (1 + 1e-9)
    for move in np.random.default_rng(1).standard_normal((400, 2)) * 3_000.0:
        near = found + move
        near *= min(1.0, limits.leverage / np.abs(near).sum())
        assert objective(near) >= best * (1 - 1e-9)


def test_the_least_shortfall_of_elliptical_returns_is_the_least_variance() -> None:
    """Elliptical and symmetric: every tail measure of mean zero is a multiple of √variance."""
    generator = np.random.default_rng(4)
    raw = generator.multivariate_normal(np.zeros(3), SIGMA, 2_000)
    raw /= np.sqrt(generator.chisquare(5.0, 2_000) / 5.0)[:, None]
    shortfall = minimum_shortfall(np.vstack([raw, -raw]), EXPOSURE, 0.1)
    variance = minimum_variance(SIGMA, EXPOSURE)
    # 400 scenarios in the tail: the minimiser has a standard error of a few percent.
    np.testing.assert_allclose(shortfall.positions, variance.positions, rtol=0.15)


def test_shortfall_reported_is_that_of_the_hedge() -> None:
    returns = np.random.default_rng(2).multivariate_normal(np.zeros(3), SIGMA, 400)
    found = minimum_shortfall(returns, EXPOSURE, 0.05)
    results = returns[:, 0] * EXPOSURE + returns[:, 1:] @ found.positions
    assert found.risk == pytest.approx(-np.sort(results)[:20].mean(), rel=1e-9)


def test_shortfall_heeds_limits_and_costs() -> None:
    returns = np.random.default_rng(2).multivariate_normal(np.zeros(3), SIGMA, 400)
    limits = Limits(leverage=100_000.0, shorts_only=True, caps=(60_000.0, 90_000.0))
    found = minimum_shortfall(returns, EXPOSURE, 0.05, limits)
    assert np.all(found.positions <= 1e-6)
    assert np.abs(found.positions[0]) <= 60_000.0 * (1 + 1e-9)
    assert np.abs(found.positions).sum() == pytest.approx(100_000.0, rel=1e-9)
    held = (-10_000.0, -5_000.0)
    still = minimum_shortfall(returns, EXPOSURE, 0.05, limits, Trading(held, (0.5, 0.5)))
    np.testing.assert_allclose(still.positions, held, rtol=1e-9)


def test_gamma_adds_a_variance_and_moves_the_hedge_only_with_the_mean() -> None:
    position = Position(
        np.array([EXPOSURE, 0.0, -4_000.0]),
        np.array([[-9e5, 3e5, 0.0], [3e5, 2e5, 0.0], [0.0, 0.0, 0.0]]),
    )
    draws = np.random.default_rng(8).multivariate_normal(np.zeros(3), SIGMA, 400_000)
    second = 0.5 * np.einsum("si,ij,sj->s", draws, position.gamma, draws)
    # Kurtosis of a quadratic form: the variance of 400,000 draws is known to half a percent.
    assert position.gamma_variance(SIGMA) == pytest.approx(second.var(), rel=0.03)
    np.testing.assert_array_equal(position.exposure(), position.delta)
    mean = np.array([-0.01, 0.0, 0.0])
    whole = (draws + mean) @ position.delta
    whole += 0.5 * np.einsum("si,ij,sj->s", draws + mean, position.gamma, draws + mean)
    slope = np.linalg.lstsq(draws, whole - whole.mean(), rcond=None)[0]
    np.testing.assert_allclose(slope, position.exposure(mean), atol=0.02 * EXPOSURE)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="caps"):
        minimum_variance(SIGMA, EXPOSURE, Limits(caps=(1.0,)))
    with pytest.raises(InputError, match="leverage"):
        minimum_variance(SIGMA, EXPOSURE, Limits(leverage=-1.0))
    with pytest.raises(InputError, match="exposure"):
        minimum_variance(SIGMA, [1.0, 2.0])
    with pytest.raises(InputError, match="tail"):
        minimum_shortfall(np.zeros((3, 2)), 1.0, 1.0)
    with pytest.raises(InputError, match="holdings"):
        minimum_variance(SIGMA, EXPOSURE, trading=Trading((1.0,), (1.0,)))


def test_an_arbitrage_among_scenarios_is_refused() -> None:
    returns = np.array([[0.01, 0.02], [-0.01, 0.03]])  # the hedge gains in every scenario
    with pytest.raises(InputError, match="no hedge of least shortfall"):
        minimum_shortfall(returns, 1.0)
