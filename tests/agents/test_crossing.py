"""Where a function of one amount crosses zero: as brentq finds it, in few values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from simulator.agents.crossing import between, is_wide, narrowed


def crossing(value_at: Callable[[float], float], first: float, last: float) -> tuple[float, int]:
    """The place, and how many values between the ends it took."""
    span, values = between(first, last, value_at(first), value_at(last)), 0
    while is_wide(span):
        span, values = narrowed(span, value_at(span.place)), values + 1
    return float(span.place), values


def impact(exponent: float, size: float) -> Callable[[float], float]:
    """An edge that is eaten by its own trade: linearly, and by a power of it."""
    return lambda x: 1.0 - x / size - 0.3 * x * ((1.01) / (abs(x) + 0.01)) ** (1.0 - exponent)


@given(st.floats(0.3, 1.0), st.floats(1e-3, 1e6), st.booleans())
def test_it_is_where_brent_finds_it_and_soon(exponent: float, size: float, falls: bool) -> None:
    value_at = impact(exponent, size)
    side = 1.0 if falls else -1.0
    found, values = crossing(lambda x: side * value_at(x), 0.0, size)
    expected = brentq(value_at, 0.0, size, xtol=1e-15, rtol=1e-14)
    assert found == pytest.approx(expected, rel=1e-8)
    assert values <= 40


def test_it_takes_a_quarter_of_the_values_that_bisection_does() -> None:
    rng = np.random.default_rng(1)
    taken = [
        crossing(impact(exponent, size), 0.0, size)[1]
        for exponent, size in zip(
            rng.uniform(0.3, 1.0, 200), 10.0 ** rng.uniform(-3, 1, 200), strict=True
        )
    ]
    assert np.mean(taken) < 8


@pytest.mark.parametrize(("at", "end"), [(lambda x: x + 1.0, 0.0), (lambda x: x - 9.0, 4.0)])
def test_without_a_crossing_it_is_the_nearer_end(at: Callable[[float], float], end: float) -> None:
    assert crossing(at, 0.0, 4.0) == (end, 0)
    assert crossing(lambda x: -at(x), 0.0, 4.0) == (end, 0)


def test_an_end_that_is_the_crossing_is_it() -> None:
    assert crossing(lambda x: x, 0.0, 4.0) == (0.0, 0)
    assert crossing(lambda x: x - 4.0, 0.0, 4.0) == (4.0, 0)
    assert crossing(lambda x: x, 0.0, 0.0) == (0.0, 0)
