"""Each estimator against scikit-learn, statsmodels, arch, or its formula written plainly."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from arch import arch_model
from scipy.optimize import check_grad
from sklearn.covariance import ledoit_wolf
from statsmodels.stats.sandwich_covariance import S_hac_simple
from statsmodels.tsa.statespace.mlemodel import MLEModel

from simulator.hedging.estimators import dcc, garch, kalman, regimes
from simulator.hedging.estimators.base import betas
from simulator.hedging.estimators.ewma import Ewma
from simulator.hedging.estimators.learned import Learned, nearest
from simulator.hedging.estimators.ledoit_wolf import LedoitWolf
from simulator.hedging.estimators.newey_west import NeweyWest, bartlett_lags
from simulator.hedging.estimators.one_factor import OneFactor
from simulator.hedging.estimators.realised import realised
from simulator.hedging.estimators.sample import Rolling, Sample
from simulator.types import Floats

from .test_estimators import volatile

AT = (60, 97, 150)


@pytest.fixture(scope="module")
def returns() -> Floats:
    return volatile(3, 150)


def test_sample_and_rolling_are_numpys(returns: Floats) -> None:
    sample, rolling = Sample(60).forecast(returns), Rolling(60).forecast(returns)
    for row in AT:
        np.testing.assert_allclose(sample[row], np.cov(returns[:row].T), rtol=1e-11)
        np.testing.assert_allclose(rolling[row], np.cov(returns[row - 60 : row].T), rtol=1e-11)


def test_ewma_is_the_weighted_sum(returns: Floats) -> None:
    found = Ewma(0.94, 60).forecast(returns)[150]
    weights = 0.06 * 0.94 ** np.arange(89, -1, -1.0)
    late = np.einsum("t,ti,tj->ij", weights, returns[60:], returns[60:])
    early = 0.94**90 * returns[:60].T @ returns[:60] / 60
    np.testing.assert_allclose(found, late + early, rtol=1e-12)


def test_ledoit_wolf_is_scikit_learns(returns: Floats) -> None:
    for window in (5, 60):
        found = LedoitWolf(window).forecast(returns)
        for row in AT:
            expected, intensity = ledoit_wolf(returns[row - window : row])
            np.testing.assert_allclose(found[row], expected, rtol=1e-10)
            assert 0.0 < intensity < 1.0


def test_newey_west_is_statsmodels(returns: Floats) -> None:
    found = NeweyWest(50).forecast(returns)
    for row in AT:
        expected = S_hac_simple(returns[row - 50 : row], nlags=bartlett_lags(50)) / 50
        np.testing.assert_allclose(found[row], expected, rtol=1e-10)


def test_newey_west_finds_the_beta_that_a_lag_hides() -> None:
    generator = np.random.default_rng(5)
    leader = generator.standard_normal(4_001)
    # The follower takes half of the move at once and half one interval later: its beta is 1.
    follower = 0.5 * leader[1:] + 0.5 * leader[:-1] + 0.1 * generator.standard_normal(4_000)
    pair = np.stack([follower, leader[1:]], axis=1)
    plain = betas(Rolling(4_000).forecast(pair))[-1, 0]
    corrected = betas(NeweyWest(4_000).forecast(pair))[-1, 0]
    assert plain == pytest.approx(0.5, abs=0.03)
    # The first of L = 9 lags has weight 0.9: 0.5 + 0.45.
    assert corrected == pytest.approx(0.5 + 0.5 * (1 - 1 / (bartlett_lags(4_000) + 1)), abs=0.06)


def test_one_factor_has_least_squares_loadings(returns: Floats) -> None:
    found = OneFactor(60).forecast(returns)[60]
    rows = returns[:60]
    index = (rows[:, 1:] / rows[:, 1:].std(axis=0, ddof=1)).sum(axis=1)
    slopes = sm.OLS(rows, sm.add_constant(index)).fit().params[1]
    expected = np.outer(slopes, slopes) * index.var(ddof=1)
    np.fill_diagonal(expected, rows.var(axis=0, ddof=1))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


class RandomWalkBeta(MLEModel):
    """statsmodels' state space of the same model, its prior written the same way."""

    def __init__(self, rows: Floats, ratios: Floats, noise: float) -> None:
        super().__init__(rows[:, 0], k_states=2)
        self["design"] = rows[None, :, 1:].transpose(0, 2, 1)
        self["transition"] = self["selection"] = np.eye(2)
        self["obs_cov", 0, 0] = noise
        self["state_cov"] = noise * np.diag(ratios)
        self.ssm.initialize_known(np.zeros(2), noise * (kalman.PRIOR * np.eye(2) + np.diag(ratios)))


def test_kalman_filter_is_statsmodels(returns: Floats) -> None:
    rows, ratios = returns / returns.std(axis=0), np.array([1e-3, 4e-3])
    found, spread, likelihood, noise = kalman.follow(rows, ratios, len(rows))
    model = RandomWalkBeta(rows, ratios, noise)
    expected = model.ssm.filter()
    np.testing.assert_allclose(found[1:], expected.predicted_state.T[1:], rtol=1e-6, atol=1e-8)
    final = noise * spread[-1]
    np.testing.assert_allclose(final, expected.predicted_state_cov[:, :, -1], rtol=1e-6)
    assert likelihood == pytest.approx(expected.llf, rel=1e-9)


def test_a_beta_that_never_moves_is_least_squares(returns: Floats) -> None:
    rows = returns / returns.std(axis=0)
    found, _, _, _ = kalman.follow(rows, np.zeros(2), len(rows))
    slopes, *_ = np.linalg.lstsq(rows[:, 1:], rows[:, 0], rcond=None)
    np.testing.assert_allclose(found[-1], slopes, rtol=1e-5)


def test_kalman_variances_are_recovered() -> None:
    generator = np.random.default_rng(7)
    rows, step = 4_000, 0.03
    beta = 1.0 + np.cumsum(step * generator.standard_normal(rows))
    hedge = generator.standard_normal(rows)
    target = beta * hedge + generator.standard_normal(rows)
    (ratio,) = kalman.fit_ratios(np.stack([target, hedge], axis=1))
    # Over twenty seeds log q scatters by 0.17 around the truth.
    assert np.log(ratio) == pytest.approx(np.log(step**2), abs=0.5)


@pytest.fixture(scope="module")
def garch_series() -> Floats:
    generator = np.random.default_rng(11)
    variance, series = 1.0, np.empty(3_000)
    for row in range(len(series)):
        series[row] = np.sqrt(variance) * generator.standard_normal()
        variance = 0.05 + 0.08 * series[row] ** 2 + 0.87 * variance
    return series


def test_garch_fit_and_variances_are_archs(garch_series: Floats) -> None:
    model = arch_model(garch_series, mean="Zero", rescale=False)
    expected = model.fit(disp="off", options={"ftol": 1e-10})
    found = garch.fit(garch_series)
    begin = garch.backcast(garch_series)
    likelihood, _ = garch.likelihood(garch_series, found.omega, found.alpha, found.beta, begin)
    assert likelihood == pytest.approx(expected.loglikelihood, abs=2e-3)
    parameters = [found.omega, found.alpha, found.beta]
    np.testing.assert_allclose(parameters, expected.params, rtol=0.02)
    same = garch.Garch(*expected.params).variances(garch_series, begin)
    np.testing.assert_allclose(same[:-1], expected.conditional_volatility**2, rtol=1e-9)


def test_garch_gradient_is_the_slope(garch_series: Floats) -> None:
    begin = garch.backcast(garch_series)

    def value(p: Floats) -> float:
        return garch.likelihood(garch_series, *p, begin)[0]

    def slope(p: Floats) -> Floats:
        return np.array(garch.likelihood(garch_series, *p, begin)[1])

    point = np.array([0.1, 0.1, 0.8])
    assert check_grad(value, slope, point) < 1e-4 * np.linalg.norm(slope(point))


def test_dcc_follows_engles_equations() -> None:
    z = np.random.default_rng(13).standard_normal((50, 3))
    target = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, 0.6], [0.3, 0.6, 1.0]])
    found = np.empty((51, 3, 3))
    likelihood = dcc.follow(z, 0.04, 0.9, target, found)
    q, expected = target.copy(), 0.0
    for row in range(51):
        root = np.sqrt(np.diag(q))
        r = q / np.outer(root, root)
        np.testing.assert_allclose(found[row], r, rtol=1e-12)
        if row < 50:
            expected -= 0.5 * (np.linalg.slogdet(r)[1] + z[row] @ np.linalg.solve(r, z[row]))
            q = 0.06 * target + 0.04 * np.outer(z[row], z[row]) + 0.9 * q
    assert likelihood == pytest.approx(expected, rel=1e-12)


def test_dcc_parameters_are_recovered() -> None:
    generator = np.random.default_rng(17)
    rows, news, memory = 6_000, 0.05, 0.92
    target = np.array([[1.0, 0.6], [0.6, 1.0]])
    q, z = target.copy(), np.empty((rows, 2))
    for row in range(rows):
        root = np.sqrt(np.diag(q))
        z[row] = np.linalg.cholesky(q / np.outer(root, root)) @ generator.standard_normal(2)
        q = (1 - news - memory) * target + news * np.outer(z[row], z[row]) + memory * q
    found_news, found_memory, found_target = dcc.fit(z)
    # Standard errors by the curvature of the likelihood: about 0.007 and 0.013.
    assert found_news == pytest.approx(news, abs=0.02)
    assert found_memory == pytest.approx(memory, abs=0.04)
    np.testing.assert_allclose(found_target, target, atol=0.06)


def test_hamiltons_filter_and_smoother_are_statsmodels(garch_series: Floats) -> None:
    rows = garch_series[:400]
    transition = np.array([[0.95, 0.05], [0.1, 0.9]])
    variances = np.array([0.6, 2.0])
    model = regimes.RegimeModel(transition, variances[:, None, None])
    predicted, filtered, likelihood = regimes.follow(
        model.densities(rows[:, None]), transition, model.start()
    )
    theirs = sm.tsa.MarkovRegression(rows, k_regimes=2, trend="n", switching_variance=True)
    expected = theirs.smooth(np.array([0.95, 0.1, *variances]))
    np.testing.assert_allclose(filtered, expected.filtered_marginal_probabilities, rtol=1e-8)
    assert likelihood == pytest.approx(expected.llf, rel=1e-10)
    smoothed, _ = regimes.look_back(predicted, filtered, transition)
    np.testing.assert_allclose(smoothed, expected.smoothed_marginal_probabilities, rtol=1e-8)


def test_regimes_are_recovered() -> None:
    generator = np.random.default_rng(19)
    truth = np.array([[0.97, 0.03], [0.06, 0.94]])
    calm = np.array([[0.5, 0.1], [0.1, 0.4]])
    wild = np.array([[3.0, 2.4], [2.4, 2.5]])
    roots = [np.linalg.cholesky(calm), np.linalg.cholesky(wild)]
    state, rows = 0, np.empty((5_000, 2))
    for row in range(len(rows)):
        rows[row] = roots[state] @ generator.standard_normal(2)
        state = generator.choice(2, p=truth[state])
    found = regimes.fit(rows)
    np.testing.assert_allclose(found.transition, truth, atol=0.02)
    np.testing.assert_allclose(found.covariances[0], calm, atol=0.06)
    np.testing.assert_allclose(found.covariances[1], wild, atol=0.35)


def test_realised_measures_are_their_sums(returns: Floats) -> None:
    covariance, downside, bipower = realised(returns, 20)
    rows = returns[77:97]
    np.testing.assert_allclose(covariance[97], rows.T @ rows, rtol=1e-12)
    below = np.minimum(rows, 0.0)
    np.testing.assert_allclose(downside[97], below.T @ below, rtol=1e-12)
    steps = np.abs(rows[1:] * rows[:-1]).sum(axis=0)
    np.testing.assert_allclose(bipower[97], np.pi / 2 * steps * 20 / 19, rtol=1e-12)
    assert np.isnan(covariance[19]).all()


def test_the_learned_forecast_learns_a_correlation_that_comes_and_goes() -> None:
    generator = np.random.default_rng(23)
    rows, period = 8_000, 200
    # The hedge loses its correlation for half of each period: a month-long average is always late.
    rho = np.where(np.arange(rows) % period < period // 2, 0.9, 0.1)
    hedge, own = generator.standard_normal((2, rows))
    pair = np.stack([rho * hedge + np.sqrt(1 - rho**2) * own, hedge], axis=1)
    late = slice(4_000, rows)
    error = {}
    for name, estimator in (
        ("learned", Learned((10, 40, 200), 200)),
        ("long window", Rolling(200)),
    ):
        found = estimator.forecast(pair)[:-1]
        forecast = found[:, 0, 1] / np.sqrt(found[:, 0, 0] * found[:, 1, 1])
        error[name] = np.sqrt(np.mean((forecast[late] - rho[late]) ** 2))
    assert error["learned"] < 0.7 * error["long window"]


def test_correlations_that_cannot_be_are_moved_to_some_that_can() -> None:
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    possible = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])
    found = nearest(np.stack([impossible, possible]))
    assert np.linalg.eigvalsh(found[0])[0] > 0.0
    np.testing.assert_allclose(np.diag(found[0]), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(found[1], possible)
