"""Data without information: coins that never move, rarely move, or move as another does."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.hedging import betas, hedge_ratios, rank, ratios
from simulator.hedging.estimators import standard
from simulator.hedging.estimators.base import Estimator
from simulator.types import Floats

ROWS = 3_600  # hours: past the first training window, one refit in between
ESTIMATORS = {estimator.name: estimator for estimator in standard(24)}
#: What pulls each correlation away from the sample's, a twin's with its twin included.
SHRINK = {"ledoit-wolf", "regimes", "learned", "kalman"}


def _coins(seed: int = 3) -> Floats:
    """Hourly returns ``[T, 2]`` of SOL and BTC."""
    generator = np.random.default_rng(seed)
    bitcoin = 0.006 * generator.standard_t(5.0, ROWS)
    return np.stack([1.2 * bitcoin + 0.004 * generator.standard_normal(ROWS), bitcoin], axis=1)


def _wrapped(decimals: int) -> Floats:
    """Returns of SOL, BTC and 0.9995·BTC, prices as an exchange rounds them."""
    coins = _coins()
    prices = np.exp(np.cumsum(coins, axis=0)) * [30.0, 20_000.0]
    table = np.round(np.column_stack([prices, 0.9995 * prices[:, 1]]), decimals)
    return np.diff(np.log(table), axis=0)


@pytest.fixture(scope="module", params=[2, 6], ids=["cents", "exact"])
def wrapped(request: pytest.FixtureRequest) -> Floats:
    return _wrapped(request.param)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_wrapped_coin_takes_half_of_the_hedge_and_adds_no_information(
    wrapped: Floats, name: str
) -> None:
    """Newey and West's betas were −0.59 and 1.53 of two coins that are one."""
    estimator: Estimator = ESTIMATORS[name]
    both = betas(estimator.forecast(wrapped))[2_400:]
    alone = betas(estimator.forecast(wrapped[:, :2]))[2_400:, 0]
    np.testing.assert_allclose(both[:, 0], both[:, 1], rtol=2e-3, atol=1e-3)
    # Of what shrinks, the sum is near; the rest does not see the twin at all.
    tolerance = 0.12 if name in SHRINK else 2e-3
    np.testing.assert_allclose(both.sum(axis=1), alone, rtol=tolerance)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("moves", [0, 2])
def test_a_coin_that_hardly_moves_is_forecast_no_wilder_than_it_was(name: str, moves: int) -> None:
    """Two moves of 0.1 % in thousands of hours made a variance of 1e134 once."""
    still = np.zeros(ROWS)
    still[[1_000, 3_000][:moves]] = 0.001
    returns = np.column_stack([_coins(), still])
    forecast = ESTIMATORS[name].forecast(returns)
    known = forecast[~np.isnan(forecast[:, 0, 0])]
    assert np.isfinite(known).all()
    # No more than the mean square of one move alone, and what is shrunk towards the other coins.
    shrunk = 0.05 * known[:, 1, 1] if name == "ledoit-wolf" else 0.0
    assert np.all(known[:, 2, 2] <= 0.001**2 * 1.01 + shrunk)
    if (name, moves) == ("one-factor", 2):
        return  # its index is the hedges' mean, whatever one of them is worth
    alone = ESTIMATORS[name].forecast(_coins())
    before, after = betas(alone)[2_400:, 0], betas(forecast)[2_400:, 0]
    np.testing.assert_allclose(after, before, rtol=0.25 if name in SHRINK else 0.02)


def test_a_still_target_is_forecast_as_still() -> None:
    returns = np.column_stack([np.zeros(ROWS), _coins()])
    for estimator in ESTIMATORS.values():
        forecast = estimator.forecast(returns)[2_400:]
        assert np.isfinite(forecast).all(), estimator.name
        # Ledoit and Wolf's target is the mean variance, which others move.
        most = 0.2 if estimator.name == "ledoit-wolf" else 1e-3
        assert np.sqrt(forecast[:, 0, 0]).max() < most * 0.006, estimator.name
        assert np.abs(betas(forecast)).max() < 1e-3, estimator.name


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-6, 1e-4])
def test_hedges_under_limits_that_move_as_one_share(noise: float) -> None:
    """Between exact twins and rounding apart nothing changes; nothing is called unbounded."""
    one = np.array([[0.81, 0.4], [0.4, 0.25]])
    twins = one[np.ix_([0, 1, 1], [0, 1, 1])] + np.diag([0.0, 0.0, 0.25 * noise**2])
    expected = -1_000.0 * 0.4 / 0.25
    free = ratios.minimum_variance(twins, 1_000.0)
    np.testing.assert_allclose(free.positions, expected / 2, rtol=1e-5)
    capped = ratios.minimum_variance(twins, 1_000.0, ratios.Limits(caps=(300.0, 1e6)))
    np.testing.assert_allclose(capped.positions, [-300.0, expected + 300.0], rtol=1e-5)
    np.testing.assert_allclose(hedge_ratios(twins), 0.8, rtol=1e-5)


def test_dust_of_a_running_sum_is_no_hedge() -> None:
    """A hedge that moved long ago leaves 1e-13 of variance, and any correlation."""
    sigma = np.array([[4e-5, 3e-5, 4e-13], [3e-5, 4e-5, -3e-13], [4e-13, -3e-13, 1e-18]])
    np.testing.assert_allclose(hedge_ratios(sigma), [0.75, 0.0], rtol=1e-12)


def test_scale_does_not_decide_what_adds_information() -> None:
    generator = np.random.default_rng(4)
    factor = generator.standard_normal((4, 9))
    sigma: Floats = factor @ factor.T
    for scale in (np.ones(4), np.array([1e-3, 1.0, 1e-2, 30.0])):
        scaled: Floats = sigma * (scale[:, None] * scale)
        assert rank.independent(scaled) == [0, 1, 2, 3]
        mixed = np.vstack([np.eye(4), [0.0, 0.5, 0.0, 2.0]])
        five = mixed @ scaled @ mixed.T
        assert rank.independent(five) == [0, 1, 2, 3]
        np.testing.assert_allclose(rank.carried(five, [0, 1, 2, 3]), mixed, atol=1e-6)
        whole = rank.inverse(scaled, rank.scales(scaled))
        np.testing.assert_allclose(whole @ scaled, np.eye(4), atol=1e-6)
