"""Minimum-variance hedge ratios against least squares done elsewhere; and where Σ is singular."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hedging import covariance, effectiveness, hedge_ratios
from simulator.hedging.minimum_variance import window_moments, window_ratios
from simulator.types import Floats

ASSETS, WINDOW, PATHS = 3, 400, 5


@pytest.fixture(scope="module")
def returns() -> Floats:
    """``[assets, window, paths]``: correlated, fat-tailed, of different volatilities and means."""
    generator = np.random.default_rng(7)
    mixing = np.array([[0.03, 0.01, 0.008], [0.0, 0.02, 0.012], [0.0, 0.0, 0.025]])
    noise = generator.standard_t(5.0, (ASSETS, WINDOW, PATHS))
    return np.einsum("ij,jtp->itp", mixing, noise) + np.array([1e-3, -2e-3, 5e-4])[:, None, None]


def test_covariance_equals_numpys(returns: Floats) -> None:
    result = covariance(returns)
    for path in range(PATHS):
        # Sums of 400 products of size 1e-3: relative rounding 400·ε.
        np.testing.assert_allclose(result[:, :, path], np.cov(returns[:, :, path]), rtol=1e-12)


def test_covariance_of_a_path_does_not_depend_on_its_neighbours(returns: Floats) -> None:
    whole = covariance(returns)
    for path in range(PATHS):
        alone = covariance(np.ascontiguousarray(returns[:, :, path : path + 1]))
        np.testing.assert_array_equal(whole[:, :, path], alone[:, :, 0])


def test_compiled_covariance_equals_its_plain_twin(returns: Floats) -> None:
    few = np.ascontiguousarray(returns[:, :40, :2])
    # LLVM may contract nothing without fastmath: the same operations in the same order.
    np.testing.assert_array_equal(window_moments(few), window_moments.py_func(few))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.sampled_from(("", "twins", "still", "all")))
def test_the_compiled_ratios_are_the_ratios(seed: int, hedges: int, singular: str) -> None:
    """Of assets a thousand times apart in size, also where two are one or some do not move."""
    generator = np.random.default_rng(seed)
    moved = generator.standard_normal((1 + hedges, 60, 4))
    moved += generator.standard_normal((60, 4))
    moved *= 10.0 ** generator.uniform(-4.0, -1.0, (1 + hedges, 1, 1))
    if singular == "twins" and hedges > 1:
        moved[1] = -2.5 * moved[hedges]
    elif singular in ("still", "all"):
        moved[1 if singular == "still" else slice(None)] = 0.0
    moments = covariance(moved)
    expected = hedge_ratios(moments)
    # Of correlations with a condition of some hundreds.
    np.testing.assert_allclose(
        window_ratios(moments), expected, rtol=0.0, atol=1e-12 * np.abs(expected).max(initial=0.0)
    )


def test_two_hedge_ratios_are_the_slopes_of_least_squares(returns: Floats) -> None:
    betas = hedge_ratios(covariance(returns))
    for path in range(PATHS):
        regressors = np.column_stack([np.ones(WINDOW), returns[1, :, path], returns[2, :, path]])
        (_, *slopes), *_ = np.linalg.lstsq(regressors, returns[0, :, path], rcond=None)
        np.testing.assert_allclose(betas[:, path], slopes, rtol=1e-10)


def test_effectiveness_is_the_r_squared_of_least_squares(returns: Floats) -> None:
    result = effectiveness(covariance(returns))
    for path in range(PATHS):
        regressors = np.column_stack([np.ones(WINDOW), returns[1, :, path], returns[2, :, path]])
        _, (residual,), *_ = np.linalg.lstsq(regressors, returns[0, :, path], rcond=None)
        total = np.sum((returns[0, :, path] - returns[0, :, path].mean()) ** 2)
        assert result[path] == pytest.approx(1.0 - residual / total, rel=1e-10)


def test_two_hedges_have_the_textbook_closed_form() -> None:
    """β₁ = σ_l(ρ_l1 − ρ_l2·ρ_12) / (σ₁(1 − ρ_12²)), and the same with 1 and 2 exchanged."""
    volatilities = np.array([0.9, 0.6, 0.7])
    rho_l1, rho_l2, rho_12 = 0.75, 0.7, 0.8
    correlation = np.array([[1.0, rho_l1, rho_l2], [rho_l1, 1.0, rho_12], [rho_l2, rho_12, 1.0]])
    betas = hedge_ratios(correlation * np.outer(volatilities, volatilities))
    rest = 1.0 - rho_12**2
    np.testing.assert_allclose(
        betas,
        [
            0.9 / 0.6 * (rho_l1 - rho_l2 * rho_12) / rest,
            0.9 / 0.7 * (rho_l2 - rho_l1 * rho_12) / rest,
        ],
        rtol=1e-12,  # the condition number of Σ is about 10
    )


def test_two_hedges_that_move_as_one_share_the_exposure_equally() -> None:
    one = np.array([[0.81, 0.4], [0.4, 0.25]])
    twins = one[np.ix_([0, 1, 1], [0, 1, 1])]
    betas = hedge_ratios(twins)
    np.testing.assert_allclose(betas, np.full(2, 0.5 * 0.4 / 0.25), rtol=1e-12)
    assert float(effectiveness(twins)) == pytest.approx(float(effectiveness(one)), rel=1e-12)


def test_a_hedge_that_does_not_move_gets_nothing() -> None:
    still = np.zeros((3, 3))
    still[:2, :2] = [[0.81, 0.4], [0.4, 0.25]]
    np.testing.assert_allclose(hedge_ratios(still), [0.4 / 0.25, 0.0], rtol=1e-12)


@settings(max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2),
)
def test_no_other_hedge_has_a_smaller_variance(seed: int, change: list[float]) -> None:
    factor = np.random.default_rng(seed).standard_normal((ASSETS, 2 * ASSETS))
    sigma = factor @ factor.T
    betas = hedge_ratios(sigma)

    def variance(hedge: Floats) -> float:
        weights = np.concatenate([[1.0], -hedge])
        return float(weights @ sigma @ weights)

    best = variance(betas)
    assert variance(betas + np.array(change)) >= best - 1e-12 * sigma[0, 0]
    assert float(effectiveness(sigma)) == pytest.approx(1.0 - best / sigma[0, 0], abs=1e-10)
