"""Risk measures against closed forms, and their intervals against their stated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, binomtest, norm

from simulator.hedging import outcomes, risk
from simulator.types import Floats, InputError
from tests.sizes import sized

ROUNDS = sized(400, 4_000)
RETURNS = arrays(np.float64, st.integers(1, 80), elements=st.floats(-1.0, 3.0))
TAILS = st.sampled_from([0.01, 0.025, 0.05, 0.1, 0.5])


@given(returns=RETURNS, tail=TAILS)
def test_at_most_the_tail_loses_more_than_value_at_risk(returns: Floats, tail: float) -> None:
    bound = risk.value_at_risk(returns, tail)
    assert np.mean(-returns > bound) <= tail + 1e-12
    assert bound in -returns
    assert bound <= risk.expected_shortfall(returns, tail) + 1e-12


@given(returns=RETURNS, tail=TAILS, scale=st.floats(1e-3, 1e3))
def test_equal_weights_of_any_scale_are_no_weights(
    returns: Floats, tail: float, scale: float
) -> None:
    weights = np.full(returns.size, scale)
    assert risk.value_at_risk(returns, tail, weights) == risk.value_at_risk(returns, tail)
    assert risk.expected_shortfall(returns, tail, weights) == pytest.approx(
        risk.expected_shortfall(returns, tail), abs=1e-12
    )
    assert risk.effective_sample_size(weights) == pytest.approx(returns.size)


@given(
    counts=st.lists(st.tuples(st.floats(-1, 1), st.integers(1, 6)), min_size=1, max_size=30),
    tail=TAILS,
)
def test_a_whole_weight_stands_for_repetitions(
    counts: list[tuple[float, int]], tail: float
) -> None:
    values = np.array([value for value, _ in counts])
    weights = np.array([float(weight) for _, weight in counts])
    repeated = np.repeat(values, weights.astype(int))
    assert risk.value_at_risk(values, tail, weights) == risk.value_at_risk(repeated, tail)
    assert risk.mean(values, weights)[0] == pytest.approx(repeated.mean(), abs=1e-12)
    levels = [0.05, 0.5, 0.95]
    expected = np.quantile(repeated, levels, method="inverted_cdf")
    np.testing.assert_array_equal(risk.quantiles(values, levels, weights), expected)


def test_of_a_normal_they_are_the_closed_forms() -> None:
    returns = np.random.default_rng(1).standard_normal(400_000)
    z = norm.ppf(0.95)
    # Standard errors: 0.0034 of VaR, 0.004 of ES.
    assert risk.value_at_risk(returns) == pytest.approx(z, abs=0.012)
    assert risk.expected_shortfall(returns) == pytest.approx(norm.pdf(z) / 0.05, abs=0.015)


def test_the_interval_of_value_at_risk_covers_as_stated() -> None:
    generator, truth = np.random.default_rng(2), norm.ppf(0.95)
    found = [
        risk.value_at_risk_interval(generator.standard_normal(300), 0.05) for _ in range(ROUNDS)
    ]
    covered = sum(low <= truth <= high for _, low, high in found)
    assert binomtest(covered, ROUNDS, 0.95, alternative="less").pvalue > 1e-3
    assert all(low <= value <= high for value, low, high in found)


def test_the_interval_of_a_weighted_value_at_risk_covers_and_is_narrower() -> None:
    """Half of the draws from a normal around −2, weighted back: more of them say where 1 % lies."""
    generator, truth, covered, widths = np.random.default_rng(8), norm.isf(0.01), 0, []
    for _ in range(ROUNDS):
        draws = generator.standard_normal(400)
        plain = risk.value_at_risk_interval(draws, 0.01)
        draws[::2] -= 2.0
        weights = 1.0 / (0.5 + 0.5 * np.exp(-2.0 * draws - 2.0))
        _, low, high = risk.value_at_risk_interval(draws, 0.01, weights)
        covered += low <= truth <= high
        widths.append((high - low) / (plain.high - plain.low))
    assert binomtest(covered, ROUNDS, 0.92, alternative="less").pvalue > 1e-3
    assert np.median(widths) < 0.7


def test_few_observations_leave_an_end_of_value_at_risk_open() -> None:
    _, low, high = risk.value_at_risk_interval(np.linspace(-1.0, 1.0, 40), 0.05)
    assert high == np.inf
    assert np.isfinite(low)


def test_the_intervals_of_expected_shortfall_cover_and_agree() -> None:
    generator, truth = np.random.default_rng(3), norm.pdf(norm.ppf(0.9)) / 0.1
    covered, widths = 0, []
    for number in range(ROUNDS):
        returns = generator.standard_normal(800)
        found = risk.expected_shortfall_interval(returns, 0.1)
        covered += found.low <= truth <= found.high
        if number < 4:
            redrawn = outcomes.bootstrap(
                lambda x: risk.expected_shortfall(x, 0.1), (returns,), generator, 400
            )
            widths.append((found.high - found.low) / (redrawn.high - redrawn.low))
    # The normal interval of 80 tail observations covers a little less than it says.
    assert binomtest(covered, ROUNDS, 0.91, alternative="less").pvalue > 1e-3
    np.testing.assert_allclose(widths, 1.0, atol=0.25)


@given(st.integers(1, 20_000), st.floats(1e-3, 0.999), st.floats(1e-4, 1.0 - 1e-4))
def test_a_binomial_quantile_is_the_least_that_reaches_its_share(
    n: int, tail: float, share: float
) -> None:
    found = risk.binomial_quantile(share, n, tail)
    assert binom.cdf(found, n, tail) >= share - 1e-9
    assert binom.cdf(found - 1, n, tail) < share + 1e-9


@given(st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_is_scipys(case: tuple[int, int]) -> None:
    expected = binomtest(*case).proportion_ci(0.95, method="exact")
    assert risk.clopper_pearson(*case) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_importance_sampling_finds_a_rare_probability() -> None:
    """P(Z < −4) = 3.2e-5 from 2,000 draws around −4, where plain sampling sees nothing."""
    draws = np.random.default_rng(5).standard_normal(2_000) - 4.0
    weights = np.exp(4.0 * draws + 8.0)
    truth = norm.cdf(-4.0)
    # Not self-normalised by these weights: the tail holds next to none of their sum.
    direct = np.mean(weights * (draws < -4.0))
    assert direct == pytest.approx(truth, rel=0.1)
    mixed = np.concatenate([draws, np.random.default_rng(6).standard_normal(2_000)])
    # Balance heuristic (Veach and Guibas 1995) over both halves.
    balanced = 1.0 / (0.5 + 0.5 * np.exp(-4.0 * mixed - 8.0))
    value, low, high = risk.probability(mixed < -4.0, balanced)
    assert low < truth < high
    assert value == pytest.approx(truth, rel=0.2)


def test_nothing_seen_is_bounded_by_the_effective_sample() -> None:
    weights = np.array([1.0, 1.0, 10.0])
    value, low, high = risk.probability(np.zeros(3, np.bool_), weights)
    assert value == low == 0.0
    assert high == risk.wilson(0, 144 / 102)[1]


def test_drawdown_of_known_paths() -> None:
    values = np.array([[1.0, 1.0], [2.0, 0.5], [1.0, 0.75], [3.0, 0.25]])
    np.testing.assert_allclose(outcomes.max_drawdown(values), [0.5, 0.75])


def test_effectiveness_is_rho_squared_and_its_interval_covers_it() -> None:
    generator = np.random.default_rng(9)
    draws = generator.multivariate_normal([0, 0], [[1.0, 0.9], [0.9, 1.0]], 2_000)
    unhedged, hedged = draws[:, 0], draws[:, 0] - 0.9 * draws[:, 1]
    found = outcomes.bootstrap(outcomes.hedge_effectiveness, (unhedged, hedged), generator, 300)
    assert found.low < 0.81 < found.high
    assert found.high - found.low < 0.05
    # Normal tails scale with the standard deviation.
    assert outcomes.shortfall_reduction(unhedged, hedged) == pytest.approx(1 - 0.19**0.5, abs=0.05)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="returns"):
        risk.value_at_risk([])
    with pytest.raises(InputError, match="tail"):
        risk.expected_shortfall([1.0], 0.0)
    with pytest.raises(InputError, match="weights"):
        risk.value_at_risk([1.0, 2.0], 0.05, [1.0])
    with pytest.raises(InputError, match="not all be 0"):
        risk.effective_sample_size([0.0, 0.0])
    with pytest.raises(InputError, match="samples"):
        outcomes.bootstrap(
            outcomes.hedge_effectiveness, ([1.0], [1.0, 2.0]), np.random.default_rng(1)
        )
