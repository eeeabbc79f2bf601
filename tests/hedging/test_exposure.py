"""USD sensitivities of a position against differences of its value."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.hedging import lp
from simulator.hedging.exposure import lp_exposure

LOWER, UPPER, LIQUIDITY = 0.8, 1.3, 50_000.0
prices = st.floats(0.3, 3.0)


def _worth(base: float, quote: float) -> float:
    return float(quote * lp.value(base / quote, LIQUIDITY, LOWER, UPPER))


@given(base=prices, quote=prices)
def test_sensitivities_are_the_derivatives_of_the_value(base: float, quote: float) -> None:
    price, bump = base / quote, 1e-4
    # Gamma jumps at the ends of the range.
    assume(min(abs(price / LOWER - 1), abs(price / UPPER - 1)) > 5 * bump)
    found = lp_exposure(base, quote, LIQUIDITY, LOWER, UPPER)

    def at(up_base: int, up_quote: int) -> float:
        return _worth(base * (1 + up_base * bump), quote * (1 + up_quote * bump))

    value = at(0, 0)
    close = partial(pytest.approx, rel=1e-5, abs=1e-3 * value)
    assert found.delta_base == close((at(1, 0) - at(-1, 0)) / (2 * bump))
    assert found.delta_quote == close((at(0, 1) - at(0, -1)) / (2 * bump))
    assert found.gamma == close((at(1, 0) - 2 * value + at(-1, 0)) / bump**2)
    assert found.gamma == close((at(0, 1) - 2 * value + at(0, -1)) / bump**2)
    cross = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * bump**2)
    assert found.cross_gamma == close(cross)


@given(base=prices, quote=prices)
def test_both_tokens_moving_together_move_the_value_and_no_more(base: float, quote: float) -> None:
    found = lp_exposure(base, quote, LIQUIDITY, LOWER, UPPER)
    assert found.delta_base + found.delta_quote == pytest.approx(_worth(base, quote), rel=1e-9)
    assert found.gamma == -found.cross_gamma
    assert found.gamma <= 0.0


def test_exposures_broadcast() -> None:
    found = lp_exposure(np.ones((3, 2)), 1.0, np.array([1.0, 2.0]), LOWER, UPPER)
    assert {part.shape for part in found} == {(3, 2)}
    np.testing.assert_allclose(found.gamma[:, 1], 2.0 * found.gamma[:, 0])
