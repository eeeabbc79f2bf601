"""Tests of equal loss against statsmodels and arch, and against what is known of their size."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from simulator.hedging.significance import (
    block_length,
    confidence_set,
    diebold_mariano,
    long_run_variance,
    resampled_shortfall,
    resampled_variance,
    shortfall_loss,
    stationary_counts,
)
from simulator.types import Floats, InputError


def fat_tailed(seed: int, rows: int) -> Floats:
    return np.random.default_rng(seed).standard_t(4.0, rows)


def autocorrelated(generator: np.random.Generator, rows: int, rho: float) -> Floats:
    return lfilter([1.0], [1.0, -rho], generator.standard_normal(rows))


@pytest.mark.parametrize("lags", [0, 3, 12])
def test_long_run_variance_is_statsmodels_hac(lags: int) -> None:
    values = autocorrelated(np.random.default_rng(3), 400, 0.5) + 2.0
    fitted = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    expected = float(fitted.cov_params()[0, 0]) * len(values)
    assert long_run_variance(values, lags) == pytest.approx(expected, rel=1e-12)


def test_diebold_mariano_is_a_t_test_with_the_small_sample_factor() -> None:
    one, other = fat_tailed(1, 300) ** 2, fat_tailed(2, 300) ** 2
    gap, rows = one - other, 300
    result = diebold_mariano(one, other, lags=4)
    plain = gap.mean() / np.sqrt(long_run_variance(gap, 4) / rows)
    # One interval ahead the factor of Harvey, Leybourne and Newbold is √((T − 1)/T).
    assert result.statistic == pytest.approx(plain * np.sqrt((rows - 1) / rows), rel=1e-12)
    assert result.mean == pytest.approx(gap.mean(), rel=1e-12)


@pytest.mark.parametrize(("rho", "lags"), [(0.0, 4), (0.0, 60), (0.6, None)])
def test_diebold_mariano_rejects_as_often_as_it_says(rho: float, lags: int | None) -> None:
    generator = np.random.default_rng(5)
    trials, rejected = 2_000, 0
    for _ in range(trials):
        noise = autocorrelated(generator, 400, rho)
        rejected += diebold_mariano(noise, np.zeros(400), lags=lags).p_value < 0.05
    # Binomial with 5 %: four standard deviations are 1.9 %. Without the critical value of Kiefer
    # and Vogelsang 60 lags reject 9 %; memory of 0.6 leaves Bartlett's weights a bit short.
    assert 0.031 < rejected / trials < (0.069 if rho == 0.0 else 0.085)


def test_diebold_mariano_finds_a_real_difference_and_its_sign() -> None:
    quiet, loud = 0.8 * fat_tailed(7, 4_000), fat_tailed(8, 4_000)
    better = diebold_mariano(quiet**2, loud**2)
    worse = diebold_mariano(loud**2, quiet**2)
    assert better.mean < 0
    assert better.p_value < 0.01
    assert (worse.statistic, worse.p_value) == (-better.statistic, better.p_value)


def test_equal_losses_do_not_differ() -> None:
    loss = fat_tailed(9, 50) ** 2
    assert diebold_mariano(loss, loss.copy()).p_value == 1.0
    with pytest.raises(InputError, match="same shape"):
        diebold_mariano(loss, loss[:-1])


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(40, 500), st.sampled_from([0.9, 0.95, 0.975]))
def test_shortfall_loss_means_the_tail_mean(seed: int, rows: int, level: float) -> None:
    pnl = fat_tailed(seed, rows)
    size = (1.0 - level) * rows
    worst = np.sort(-pnl)[::-1]
    whole = int(size)
    expected = (worst[:whole].sum() + (size - whole) * worst[whole]) / size
    assert shortfall_loss(pnl, level).mean() == pytest.approx(expected, rel=1e-9)
    once = np.ones((1, rows))
    assert resampled_shortfall(pnl, once, level)[0] == pytest.approx(expected, rel=1e-9)
    assert resampled_variance(pnl, once)[0] == pytest.approx(pnl.var(), rel=1e-9)


def test_resamples_are_the_series_drawn_again() -> None:
    pnl = fat_tailed(11, 60)
    counts = stationary_counts(np.random.default_rng(1), 60, 5.0, 20)
    for resample, variance, shortfall in zip(
        counts,
        resampled_variance(pnl, counts),
        resampled_shortfall(pnl, counts, 0.9),
        strict=True,
    ):
        drawn = np.repeat(pnl, resample.astype(int))
        assert len(drawn) == 60
        assert variance == pytest.approx(drawn.var(), rel=1e-12)
        assert shortfall == pytest.approx(shortfall_loss(drawn, 0.9).mean(), rel=1e-12)


def test_stationary_bootstrap_widens_an_autocorrelated_mean_as_it_should() -> None:
    values = autocorrelated(np.random.default_rng(13), 3_000, 0.7)
    generator = np.random.default_rng(2)
    spread = {
        block: (stationary_counts(generator, 3_000, block, 600) @ values / 3_000).std()
        for block in (1.0, 40.0)
    }
    independent = values.std() / np.sqrt(3_000)
    # 600 resamples know a standard deviation to 3 %; blocks of 40 miss a few per cent of the rest.
    assert spread[1.0] == pytest.approx(independent, rel=0.12)
    assert spread[40.0] == pytest.approx(np.sqrt(long_run_variance(values, 60) / 3_000), rel=0.15)
    assert spread[40.0] > 1.8 * independent


def test_blocks_are_longer_where_memory_is() -> None:
    generator = np.random.default_rng(17)
    short = block_length(generator.standard_normal(2_000))
    long = block_length(autocorrelated(generator, 2_000, 0.9))
    assert 1.0 <= short < 10.0 < long


def test_confidence_set_keeps_the_best_and_drops_the_worst() -> None:
    generator = np.random.default_rng(19)
    common = generator.standard_normal(1_500) ** 2
    losses = np.stack(
        [common + 0.3 * generator.standard_normal(1_500) + shift for shift in (0.0, 0.002, 0.2)],
        axis=1,
    )
    found = confidence_set(losses, block=3.0, replications=300, seed=1)
    assert found.max() == 1.0
    assert found[2] < 0.05 < found[0]
    twice = np.column_stack([losses, losses[:, 2] * (1.0 + 1e-14), losses[:, 0]])
    again = confidence_set(twice, block=3.0, replications=300, seed=1)
    np.testing.assert_array_equal(again, [*found, found[2], found[0]])
    alone = confidence_set(losses[:, [0, 0]], block=3.0, replications=300, seed=1)
    np.testing.assert_array_equal(alone, 1.0)
