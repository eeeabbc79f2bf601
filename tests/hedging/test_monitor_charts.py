"""Run lengths of the charts, simulated, against the theory their thresholds come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import kstest

from simulator.hedging.monitor import arl
from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher, Shewhart
from simulator.types import Booleans, Floats, InputError
from tests.sizes import sized

PATHS = sized(1_000, 20_000)


def _mean_run(
    update: Callable[[Floats], Booleans],
    shift: float,
    most: int,
    seed: int,
    *,
    product: bool = False,
) -> tuple[float, float]:
    """Mean run length over :data:`PATHS` charts, and its standard error."""
    generator = np.random.default_rng(seed)

    def step() -> Booleans:
        draws = generator.standard_normal(PATHS)
        if product:
            draws = draws * generator.standard_normal(PATHS)
        return update(draws + shift)

    first = arl.first_alarms(step, PATHS, most)
    return float(first.mean()), float(first.std() / PATHS**0.5)


@pytest.mark.parametrize("target", [50.0, 400.0])
@pytest.mark.parametrize("reference", [0.25, 0.5])
def test_the_cusum_alarms_falsely_as_often_as_stated(target: float, reference: float) -> None:
    chart = Cusum(PATHS, target, reference)
    mean, error = _mean_run(chart.update, 0.0, int(12 * target), 1)
    # Siegmund's approximation is good to a few percent.
    assert mean == pytest.approx(target, rel=0.06, abs=4 * error)


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_the_cusum_finds_a_shift_as_soon_as_theory_says(shift: float) -> None:
    chart = Cusum(PATHS, 500.0, 0.5)
    mean, error = _mean_run(chart.update, shift, 3_000, 2)
    expected = arl.cusum_arl(float(chart.threshold), 0.5, shift)
    assert mean == pytest.approx(expected, rel=0.06, abs=4 * error)


def test_the_cusums_arl_is_the_textbooks() -> None:
    """Montgomery, table 9.3: k = ½, h = 4 and 5 have ARL₀ 168 and 465, and 8.38, 10.4 at one σ."""
    for threshold, false, delay in ((4.0, 168.0, 8.38), (5.0, 465.0, 10.4)):
        assert arl.cusum_arl(threshold, 0.5) == pytest.approx(false, rel=0.02)
        assert arl.cusum_arl(threshold, 0.5, 1.0) == pytest.approx(delay, rel=0.02)


@pytest.mark.parametrize("product", [False, True])
def test_the_ewma_chart_alarms_falsely_as_often_as_stated(product: bool) -> None:
    chart = EwmaChart(PATHS, 300.0, 0.1, products=product)
    mean, error = _mean_run(chart.update, 0.0, 4_000, 3, product=product)
    assert mean == pytest.approx(300.0, rel=0.02, abs=4 * error)


def test_the_ewma_charts_arl_is_the_textbooks() -> None:
    """Lucas and Saccucci (1990), table 3: λ = 0.1, L = 2.814 has ARL₀ 500."""
    assert arl.ewma_arl(2.814, 0.1) == pytest.approx(500.0, rel=0.01)
    assert arl.ewma_limit(500.0, 0.25) == pytest.approx(2.998, abs=0.005)


def test_products_of_normals_have_the_law_assumed() -> None:
    draws = np.random.default_rng(4).standard_normal((2, 4_000))
    assert kstest(draws[0] * draws[1], arl.product_cdf).pvalue > 1e-3
    # Normal limits would alarm half as often again: the tails of a product are fat.
    assert arl.ewma_arl(arl.ewma_limit(300.0, 0.1), 0.1, arl.product_cdf) < 225.0


def test_the_shewhart_chart_is_exact() -> None:
    chart = Shewhart(200.0)
    assert arl.shewhart_arl(chart.threshold) == pytest.approx(200.0, rel=1e-12)
    for shift in (0.0, 2.0):
        mean, error = _mean_run(chart.update, shift, 4_000, 5)
        assert mean == pytest.approx(arl.shewhart_arl(chart.threshold, shift), abs=4 * error)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_rolling_correlation_alarms_falsely_about_as_often_as_stated(correlation: float) -> None:
    target, window, paths = 600.0, 40, PATHS // 4
    chart = RollingFisher(paths, target, window)
    generator, reference = np.random.default_rng(6), np.full(paths, correlation)

    def step() -> Booleans:
        one, other = generator.standard_normal((2, paths))
        other = correlation * one + (1 - correlation**2) ** 0.5 * other
        fell, rose = chart.update(one, other, reference)
        return fell | rose

    first = arl.first_alarms(step, paths, 4_000)
    # The score of 40 observations is a little fatter than a normal.
    assert first.mean() == pytest.approx(target, rel=0.25)


@pytest.mark.parametrize(("after", "side"), [(0.0, 0), (0.995, 1)])
def test_rolling_correlation_finds_breakdown_and_convergence(after: float, side: int) -> None:
    window, paths = 40, 200
    chart = RollingFisher(paths, 5_000.0, window)
    generator, reference = np.random.default_rng(7), np.full(paths, 0.8)
    found = np.zeros((2, paths), np.bool_)
    for step in range(3 * window):
        correlation = 0.8 if step < 2 * window else after
        one, other = generator.standard_normal((2, paths))
        other = correlation * one + (1 - correlation**2) ** 0.5 * other
        found |= np.array(chart.update(one, other, reference))
        if step < window - 1:
            assert np.isnan(chart.statistic).all()
    assert found[side].mean() > 0.9
    assert found[1 - side].mean() < 0.05


def test_a_path_does_not_depend_on_its_neighbours() -> None:
    generator = np.random.default_rng(8)
    draws, others = generator.standard_normal((2, 300, 5))
    alone = RollingFisher(1, 100.0, 20)
    together = RollingFisher(5, 100.0, 20)
    one, many = Cusum(1, 50.0), Cusum(5, 50.0)
    for x, y in zip(draws, others, strict=True):
        alone.update(x[2:3], y[2:3], np.zeros(1))
        together.update(x, y, np.zeros(5))
        np.testing.assert_array_equal(alone.statistic, together.statistic[2:3])
        assert one.update(x[2:3])[0] == many.update(x)[2]
        np.testing.assert_array_equal(one.statistic, many.statistic[2:3])


def test_correlation_of_a_window_is_numpys() -> None:
    generator = np.random.default_rng(9)
    chart = RollingFisher(2, 1e6, 25)
    draws = generator.standard_normal((60, 2, 2))
    for x, y in draws:
        chart.update(x, y, np.zeros(2))
    for path in range(2):
        expected = np.corrcoef(draws[-25:, 0, path], draws[-25:, 1, path])[0, 1]
        assert chart.correlation[path] == pytest.approx(expected, rel=1e-9)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="arl"):
        Cusum(1, 0.5)
    with pytest.raises(InputError, match="reference"):
        Cusum(1, 100.0, 0.0)
    with pytest.raises(InputError, match="weight"):
        EwmaChart(1, 100.0, 1.0)
    with pytest.raises(InputError, match="window"):
        RollingFisher(1, 100.0, 3)
    with pytest.raises(InputError, match="arl"):
        Shewhart(1.0)
