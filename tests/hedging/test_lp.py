"""Properties of the closed forms of a liquidity position, over the whole range of parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hedging import lp
from simulator.model.pools.uniswap_v3.tick import amounts_for_liquidity
from simulator.types import InputError

FULL = (0.0, np.inf)

# Log-uniform prices and ranges by construction: nothing is filtered away.
exponents = st.floats(-12.0, 12.0)
prices = exponents.map(np.exp)
liquidities = st.floats(-5.0, 30.0).map(np.exp)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[float, float]:
    """The full range, a half-open one, or a bounded one at least a basis point wide."""
    lower = float(np.exp(draw(exponents)))
    upper = lower * float(np.exp(draw(st.floats(1e-4, 8.0))))
    return draw(st.sampled_from([FULL, (0.0, upper), (lower, np.inf), (lower, upper)]))


@st.composite
def price_and_range(draw: st.DrawFn) -> tuple[float, tuple[float, float]]:
    """A bounded range and a price below, in or above it, a tenth of its width off its ends."""
    lower = float(np.exp(draw(exponents)))
    width = draw(st.floats(1e-3, 6.0))
    place = draw(st.sampled_from([(-2.0, -0.1), (0.1, 0.9), (1.1, 3.0)]))
    return float(lower * np.exp(width * draw(st.floats(*place)))), (lower, lower * np.exp(width))


@given(price_and_range(), liquidities)
def test_delta_is_the_central_difference_of_value(
    case: tuple[float, tuple[float, float]], liquidity: float
) -> None:
    price, bounds = case
    width = np.log(bounds[1] / bounds[0])
    step = price * min(1e-4, width / 50.0)
    up, down = lp.value([price + step, price - step], liquidity, *bounds)
    # Truncation: V'''h²/6 = ⅛LP^{-5/2}h² ≤ 1.3e-9 L/√P; rounding: ε·V/h with V of the order L√P.
    scale = liquidity / np.sqrt(price)
    assert (up - down) / (2 * step) == pytest.approx(
        float(lp.delta(price, liquidity, *bounds)),
        rel=0,
        abs=2e-9 * scale + 1e-14 * scale * price / step,
    )


@given(price_and_range(), liquidities)
def test_gamma_is_the_central_difference_of_delta(
    case: tuple[float, tuple[float, float]], liquidity: float
) -> None:
    price, bounds = case
    step = price * min(1e-4, np.log(bounds[1] / bounds[0]) / 50.0)
    up, down = lp.delta([price + step, price - step], liquidity, *bounds)
    # Truncation: Δ'''h²/6 = (15/48) L P^{-7/2} h² ≤ 3.2e-9 L P^{-3/2}; rounding: ε·L P^{-1/2}/h.
    scale = liquidity * price**-1.5
    assert (up - down) / (2 * step) == pytest.approx(
        float(lp.gamma(price, liquidity, *bounds)),
        rel=0,
        abs=4e-9 * scale + 1e-14 * scale * price / step,
    )


@given(prices, liquidities, ranges(), st.floats(-8.0, 8.0).map(np.exp))
def test_value_is_homogeneous_in_liquidity_and_of_degree_a_half_in_prices(
    price: float, liquidity: float, bounds: tuple[float, float], factor: float
) -> None:
    value = float(lp.value(price, liquidity, *bounds))
    # A difference of roots over a range one basis point wide loses four digits of sixteen.
    scale = 1e-14 * liquidity * np.sqrt(np.clip(price, *bounds))
    more = float(lp.value(price, factor * liquidity, *bounds))
    assert more == pytest.approx(factor * value, rel=1e-11, abs=factor * scale)
    moved = float(lp.value(factor * price, liquidity, factor * bounds[0], factor * bounds[1]))
    assert moved == pytest.approx(np.sqrt(factor) * value, rel=1e-11, abs=np.sqrt(factor) * scale)


@given(ranges(), liquidities)
def test_value_and_delta_are_continuous_at_both_ends_of_the_range(
    bounds: tuple[float, float], liquidity: float
) -> None:
    for end in bounds:
        if not 0.0 < end < np.inf:
            continue
        around = end * np.array([1.0 - 1e-12, 1.0, 1.0 + 1e-12])
        # Both are Lipschitz: |ΔV| ≤ Δ·P·1e-12 and |Δδ| ≤ ½LP^{-1/2}·1e-12, to rounding.
        scale = liquidity * np.sqrt(end)
        assert np.ptp(lp.value(around, liquidity, *bounds)) <= 1e-11 * scale
        assert np.ptp(lp.delta(around, liquidity, *bounds)) <= 1e-11 * scale / end


@given(prices, prices, ranges())
def test_impermanent_loss_is_between_total_loss_and_zero_and_zero_at_entry(
    price: float, entry: float, bounds: tuple[float, float]
) -> None:
    loss = float(lp.impermanent_loss(price, entry, *bounds))
    assert -1.0 < loss <= 0.0
    # exp(±12) prices: rounding of √P·√P against P, at most an ulp, times the width of the range.
    assert float(lp.impermanent_loss(entry, entry, *bounds)) == pytest.approx(0.0, abs=1e-15)


@given(prices, prices)
def test_full_range_impermanent_loss_depends_on_the_price_ratio_alone(
    price: float, entry: float
) -> None:
    ratio = price / entry
    assert float(lp.impermanent_loss(price, entry)) == pytest.approx(
        2.0 * np.sqrt(ratio) / (1.0 + ratio) - 1.0, rel=0, abs=1e-13
    )


@given(prices, st.floats(1e-3, 4.0).map(np.exp), st.floats(-0.99, 0.99))
def test_a_range_centred_on_entry_multiplies_the_loss_by_one_over_one_less_root_of_its_width(
    entry: float, width: float, place: float
) -> None:
    """On [P₀/r, P₀r], while in range: IL = IL_full / (1 − 1/√r)."""
    price = entry * width**place
    concentrated = float(lp.impermanent_loss(price, entry, entry / width, entry * width))
    full = float(lp.impermanent_loss(price, entry))
    # Both are −(√k − 1)² over a sum of positive terms: rounding of √k − 1, absolute ε, squared up.
    size = abs(width**place - 1.0)
    assert concentrated == pytest.approx(
        full / (1.0 - width**-0.5), rel=1e-10, abs=1e-14 * size / (1.0 - width**-0.5) + 1e-30
    )


@given(prices, liquidities, ranges(), st.floats(0.0, 5.0))
def test_lvr_rate_is_half_variance_times_dollar_gamma_and_never_negative(
    price: float, liquidity: float, bounds: tuple[float, float], volatility: float
) -> None:
    rate = float(lp.lvr_rate(price, liquidity, volatility, *bounds))
    inside = bounds[0] <= price < bounds[1]
    closed = liquidity * volatility**2 * np.sqrt(price) / 4.0 if inside else 0.0
    assert rate == pytest.approx(closed, rel=1e-13)
    if bounds == FULL:
        value = float(lp.value(price, liquidity))
        assert rate == pytest.approx(volatility**2 / 8.0 * value, rel=1e-13)


@given(price_and_range(), liquidities)
def test_amounts_equal_those_of_the_models_kernel(
    case: tuple[float, tuple[float, float]], liquidity: float
) -> None:
    price, (lower, upper) = case
    base, quote = lp.amounts(price, liquidity, lower, upper)
    twin = amounts_for_liquidity(np.sqrt(price), np.sqrt(lower), np.sqrt(upper), liquidity)
    # Differences of roots over a tenth of 0.1 % of the price: twelve digits of sixteen are left.
    assert (float(base), float(quote)) == pytest.approx(twin, rel=1e-11)


def test_shapes_broadcast_and_a_row_equals_its_scalars() -> None:
    price = np.geomspace(500.0, 8_000.0, 7)[:, None]
    upper = np.array([2_500.0, 4_000.0, np.inf])
    result = lp.value(price, 3.0, 1_000.0, upper)
    assert result.shape == (7, 3)
    assert result[4, 1] == lp.value(float(price[4, 0]), 3.0, 1_000.0, 4_000.0)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0.0, 1.0), "price"),
        ((np.array([1.0, np.nan]), 1.0), "price"),
        ((np.inf, 1.0), "price"),
        ((1.0, -1.0), "liquidity"),
        ((1.0, np.inf), "liquidity"),
        ((1.0, 1.0, 2.0, 2.0), "lower, upper"),
        ((1.0, 1.0, -1.0, 2.0), "lower = -1"),
        ((1.0, 1.0, 2.0, np.nan), "upper = nan"),
    ],
)
def test_bad_input_is_refused_by_name(arguments: tuple[float, ...], field: str) -> None:
    with pytest.raises(InputError, match=field):
        lp.value(*arguments)


def test_bad_entry_price_and_volatility_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="entry_price"):
        lp.impermanent_loss(1.0, 0.0)
    with pytest.raises(InputError, match="volatility"):
        lp.lvr_rate(1.0, 1.0, -0.1)
