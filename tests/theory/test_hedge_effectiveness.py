"""Effectiveness of the minimum-variance hedge on drawn market paths tends to ρ², as 1/√n."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import hyp2f1

from simulator.config import from_mapping
from simulator.hedging import covariance, effectiveness, hedge_ratios
from simulator.market.draw import draw
from simulator.types import Floats

CORRELATIONS = {"LOW": 0.3, "MIDDLE": 0.6, "HIGH": 0.85, "TWIN": 0.97}
SAMPLES = np.array([30, 120, 480, 1_920])
PATHS = 600
# Every comparison below holds at 99 % together: Bonferroni over correlations and sample sizes.
LEVEL = 1.0 - 0.01 / (len(CORRELATIONS) * len(SAMPLES))
QUANTILE = float(stats.norm.ppf(0.5 + LEVEL / 2))


@pytest.fixture(scope="module")
def returns() -> Floats:
    """Log returns ``[1 + hedges, 2·max(n), paths]``: the LP asset, then one hedge each."""
    one_factor = {
        f"{a}/{b}": CORRELATIONS[a] * CORRELATIONS[b]
        for a in CORRELATIONS
        for b in CORRELATIONS
        if a < b
    }
    steps = 2 * int(SAMPLES[-1])
    config = from_mapping(
        {
            "name": "effectiveness",
            "seed": 5,
            "horizon_hours": steps,
            "assets": {
                "USDC": {"price": 1.0, "decimals": 6},
                "LP": {"price": 2_000.0, "volatility": 0.9, "drift": 0.3},
                **{
                    name: {"price": 10.0, "volatility": 0.4 + 0.2 * number}
                    for number, name in enumerate(CORRELATIONS)
                },
            },
            "correlation": {
                "pairs": {**one_factor, **{f"LP/{a}": rho for a, rho in CORRELATIONS.items()}}
            },
            "pool": {"base": "LP", "background": [{"value_usd": 1e6}]},
            "clearing": {"markets": {"LOW": {"skew_scale_usd": 1e9, "max_skew_usd": 1e8}}},
            "vault": {"range_half_width_percent": 20.0},
        }
    )
    return np.diff(np.log(draw(config.market, 0, PATHS).index[1:]), axis=1)


def estimates(returns: Floats) -> Floats:
    """Sample effectiveness ``[correlations, sizes, paths]`` from the first n returns."""
    pairs = [returns[[0, 1 + hedge]] for hedge in range(len(CORRELATIONS))]
    return np.array(
        [[effectiveness(covariance(pair[:, :size].copy())) for size in SAMPLES] for pair in pairs]
    )


def test_effectiveness_converges_to_rho_squared(returns: Floats) -> None:
    """Its mean is E[R²] = 1 − (n−2)/(n−1)·(1−ρ²)·₂F₁(1, 1; (n+1)/2; ρ²), which tends to ρ².

    Olkin and Pratt (1958), one regressor.
    """
    sample = estimates(returns)
    mean = sample.mean(axis=-1)
    half_width = QUANTILE * sample.std(axis=-1, ddof=1) / np.sqrt(PATHS)
    square = np.array(list(CORRELATIONS.values()))[:, None] ** 2
    n = SAMPLES[None, :]
    expected = 1.0 - (n - 2) / (n - 1) * (1 - square) * hyp2f1(1.0, 1.0, (n + 1) / 2, square)
    for row, rho in enumerate(CORRELATIONS.values()):
        for column, size in enumerate(SAMPLES):
            print(
                f"rho {rho}: n {size:4d}  effectiveness {mean[row, column]:.5f} "
                f"± {half_width[row, column]:.5f}  E[R2] {expected[row, column]:.5f}  "
                f"rho2 {rho**2:.5f}"
            )
    assert np.all(np.abs(mean - expected) <= half_width)
    # And with the longest sample ρ² itself, whose distance to E[R²] is then (1 − ρ²)²/n ≤ 4.3e-4.
    assert np.all(np.abs(mean[:, -1] - square[:, 0]) <= half_width[:, -1] + 4.5e-4)


def test_error_of_effectiveness_shrinks_as_one_over_root_n(returns: Floats) -> None:
    """The root-mean-square error is 2ρ(1 − ρ²)/√n (delta method): slope −½ and that constant."""
    rho = np.array(list(CORRELATIONS.values()))
    # From 120 returns: below, at ρ = 0.3, the error of order 1/n is as large as that of 1/√n.
    sizes = SAMPLES[1:]
    errors = estimates(returns)[:, 1:] - (rho**2)[:, None, None]
    groups = np.array_split(np.arange(PATHS), 12)
    slopes = np.array(
        [
            [
                np.polyfit(np.log(sizes), 0.5 * np.log(np.mean(row[:, group] ** 2, axis=-1)), 1)[0]
                for row in errors
            ]
            for group in groups
        ]
    )
    centre = slopes.mean(axis=0)
    half_width = stats.t.ppf(1 - 0.005 / len(rho), len(groups) - 1) * stats.sem(slopes, axis=0)
    for one, slope, half in zip(rho, centre, half_width, strict=True):
        print(f"rho {one}: slope of log RMS error on log n {slope:.3f} ± {half:.3f}")
    assert np.all(np.abs(centre + 0.5) <= half_width)
    assert np.all(half_width <= 0.1)  # a rate of 1/n or none at all is far outside
    root_mean_square = np.sqrt(np.mean(errors[:, -1] ** 2, axis=-1))
    theory = 2 * rho * (1 - rho**2) / np.sqrt(sizes[-1])
    # A root mean square of 600 normal draws has a relative deviation of 1/√1200; four of them.
    np.testing.assert_allclose(root_mean_square, theory, rtol=4 / np.sqrt(2 * PATHS))


def test_hedge_estimated_on_the_past_removes_rho_squared_of_future_variance(
    returns: Floats,
) -> None:
    """Out of sample a beta estimated on n returns leaves (1 − ρ²)(1 + 1/n + …) of the variance."""
    size = int(SAMPLES[-1])
    for hedge, (name, rho) in enumerate(CORRELATIONS.items(), start=1):
        past = returns[[0, hedge], :size].copy()
        future = returns[[0, hedge], size:]
        (betas,) = hedge_ratios(covariance(past))
        hedged = future[0] - betas * future[1]
        achieved = 1.0 - hedged.var(axis=0) / future[0].var(axis=0)
        half_width = QUANTILE * achieved.std(ddof=1) / np.sqrt(PATHS)
        print(f"{name}: out of sample {achieved.mean():.5f} ± {half_width:.5f}, rho2 {rho**2:.5f}")
        # Estimation of beta and of the two variances moves the mean by at most a few 1/n.
        assert abs(achieved.mean() - rho**2) <= half_width + 2.0 / size


def test_two_hedges_reach_the_multiple_correlation(returns: Floats) -> None:
    """With the factor structure drawn, R² of (MIDDLE, HIGH) is σᵀΣ⁻¹σ of the correlations."""
    first, second = CORRELATIONS["MIDDLE"], CORRELATIONS["HIGH"]
    between = first * second
    theory = (first**2 + second**2 - 2 * first * second * between) / (1 - between**2)
    both = effectiveness(covariance(returns[[0, 2, 3]].copy()))
    half_width = QUANTILE * both.std(ddof=1) / np.sqrt(PATHS)
    print(f"two hedges: {both.mean():.5f} ± {half_width:.5f}, theory {theory:.5f}")
    assert theory > max(first, second) ** 2
    # Bias of R² with two regressors: at most 2/n.
    assert abs(both.mean() - theory) <= half_width + 2.0 / (2 * SAMPLES[-1])
