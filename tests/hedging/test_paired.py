"""The ratio of two means: Fieller's limits by closed forms, where they end, and how often right."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.hedging.paired import ratio_of_means
from simulator.hedging.risk import mean, normal_quantile
from simulator.types import InputError


def test_what_is_always_twice_as_much_is_so_without_doubt() -> None:
    below = np.random.default_rng(1).normal(1.0, 0.3, 50)
    found = ratio_of_means(2.0 * below, below)
    assert found == pytest.approx((2.0, 2.0, 2.0), rel=1e-7)


def test_over_what_is_known_the_limits_are_those_of_the_mean_above() -> None:
    above = np.random.default_rng(2).normal(3.0, 1.0, 40)
    found = ratio_of_means(above, np.full(40, 2.0))
    centre, error = mean(above)
    half = normal_quantile(0.95) * error
    expected = np.array([centre, centre - half, centre + half]) / 2.0
    assert found == pytest.approx(tuple(expected), rel=1e-12)


def test_at_the_limits_the_difference_is_just_refused() -> None:
    """The definition: the mean of above − θ·below is z of its own errors away from 0."""
    rng = np.random.default_rng(3)
    below = rng.normal(1.0, 0.5, 60)
    above = 1.5 * below + rng.normal(0.0, 0.4, 60)
    weights = rng.uniform(0.5, 2.0, 60)
    found = ratio_of_means(above, below, weights)
    for end in (found.low, found.high):
        centre, error = mean(above - end * below, weights)
        assert abs(centre) / error == pytest.approx(normal_quantile(0.95), rel=1e-9)
    assert found.low < found.value < found.high


def test_no_ratio_is_too_large_over_what_may_be_nothing() -> None:
    rng = np.random.default_rng(4)
    found = ratio_of_means(rng.normal(1.0, 1.0, 20), rng.normal(0.01, 1.0, 20))
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_nineteen_of_twenty_intervals_hold_the_ratio() -> None:
    rng, inside = np.random.default_rng(5), 0
    for _ in range(2_000):
        below = rng.normal(1.0, 0.8, 80)
        found = ratio_of_means(1.4 * below + rng.normal(0.0, 0.6, 80), below)
        inside += found.low <= 1.4 <= found.high
    assert 0.93 < inside / 2_000 < 0.97


@pytest.mark.parametrize(
    ("above", "below", "weights", "said"),
    [
        ([1.0], [1.0, 2.0], None, "of the same scenarios"),
        ([1.0, 2.0], [1.0, -1.0], None, "a mean that is not 0"),
        ([1.0, 2.0], [1.0, 2.0], [0.0, 0.0], "not all 0"),
        ([1.0, np.nan], [1.0, 2.0], None, "above"),
    ],
)
def test_what_has_no_ratio_is_refused(
    above: list[float], below: list[float], weights: list[float] | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        ratio_of_means(above, below, weights)
