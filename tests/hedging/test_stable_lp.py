"""A share of a StableSwap pool at prices from outside: a minimum, its slope, moved by no trade."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hedging import stable_lp
from simulator.types import InputError
from tests.reference.stableswap import StablePool, root

A = st.floats(1.0, 5_000.0)
PRICES = st.lists(st.floats(0.9, 1.1), min_size=2, max_size=4)


@given(PRICES, A)
def test_balances_are_on_the_curve_and_at_the_prices(prices: list[float], a: float) -> None:
    n, x = len(prices), stable_lp.balances(prices, 1.0, a)
    ann, p = n * a, 1.0 / (n**n * np.prod(x))
    assert ann * x.sum() + 1.0 == pytest.approx(ann + p, rel=1e-12)
    marginal = ann + p / x
    assert marginal / marginal[0] == pytest.approx(np.array(prices) / prices[0], rel=1e-9)


@given(PRICES, A, st.integers(0, 3))
def test_delta_is_the_slope_of_the_value(prices: list[float], a: float, coin: int) -> None:
    coin, step = coin % len(prices), 1e-5
    up, down = (np.array(prices) for _ in range(2))
    up[coin] += step
    down[coin] -= step
    slope = (stable_lp.value(up, 3.0, a) - stable_lp.value(down, 3.0, a)) / (2 * step)
    delta = stable_lp.delta(prices, 3.0, a)
    # The third derivative grows as the square of A near the peg.
    assert slope == pytest.approx(delta[coin], abs=1e-9 + 3.0 * (step * a) ** 2)


@given(st.floats(0.97, 1.03), st.floats(5.0, 200.0), st.floats(-0.9, 0.9))
def test_nothing_on_the_curve_is_worth_less(price: float, a: float, moved: float) -> None:
    """So that wherever a trader has left the pool its coins fetch at least the value."""
    pool = StablePool((18, 18), int(a), 0)
    pool.add([10**24, 10**24])
    pool.exchange(*((0, 1) if moved > 0 else (1, 0)), int(abs(moved) * 1e24) + 1)
    d = root(pool.scaled(), pool.a) / 1e18
    held = np.array(pool.raw) / 1e18
    worth = float(stable_lp.value([price, 1.0], d, int(a)))
    assert held[0] * price + held[1] >= worth * (1 - 1e-12)
    assert d == pytest.approx(2e6, rel=1e-15)


@given(st.floats(0.05, 0.8))
def test_a_trade_moves_the_value_by_its_fees_alone_and_up(part: float) -> None:
    pool = StablePool((6, 6), 200, 4_000_000)
    pool.add([10**12, 10**12])

    def worth() -> float:
        return float(stable_lp.value([0.98, 1.0], root(pool.scaled(), pool.a) / 1e18, 200))

    before, raw = worth(), int(part * 1e12)
    spot = pool.raw[0] * 0.98 + pool.raw[1]
    pool.exchange(0, 1, raw)
    fees = raw / 1e6 * 4e-4
    # They are of the coin that is scarce by then, which the curve has at up to a tenth above par.
    assert 0.0 <= worth() - before <= 1.1 * fees
    if part > 0.2:  # while what the pool holds at those prices has moved by a great deal more
        assert abs(pool.raw[0] * 0.98 + pool.raw[1] - spot) / 1e6 > 2 * fees


def test_at_the_peg_it_is_the_invariant_in_equal_parts() -> None:
    for n in (2, 3, 4):
        held = stable_lp.balances(np.ones(n), 8.0, 100.0)
        assert held == pytest.approx(np.full(n, 8.0 / n), rel=1e-12)
        assert stable_lp.value(np.ones(n), 8.0, 100.0) == pytest.approx(8.0, rel=1e-14)
        assert stable_lp.impermanent_loss(np.ones(n), 100.0) == pytest.approx(0.0, abs=1e-13)


def test_off_the_peg_the_pool_is_the_coin_that_fell() -> None:
    held = stable_lp.balances([[0.9, 1.0], [1.0, 1.0], [1.0, 0.9]], 2.0, 200.0)
    assert held[0, 0] > 1.8
    assert held[0, 1] < 0.15
    assert held[0] == pytest.approx(held[2, ::-1], rel=1e-12)
    loss = stable_lp.impermanent_loss([[0.9, 1.0], [0.99, 1.0]], 200.0)
    assert -0.06 < loss[0] < loss[1] < 0.0


def test_prices_far_apart_have_balances_too() -> None:
    held = stable_lp.balances([1e-12, 1.0, 1e12], 1.0, 500.0)
    assert np.all(held > 0.0)
    ann, p = 1_500.0, 1.0 / (27.0 * np.prod(held))
    assert ann * held.sum() + 1.0 == pytest.approx(ann + p, rel=1e-9)


@pytest.mark.parametrize(
    ("prices", "invariant", "a", "names"),
    [
        ([0.0, 1.0], 1.0, 10.0, "prices"),
        ([1.0], 1.0, 10.0, "1 coins"),
        (1.0, 1.0, 10.0, "0 coins"),
        ([1.0, 1.0], -1.0, 10.0, "invariant"),
        ([1.0, 1.0], 1.0, 0.4, "amplification"),
    ],
)
def test_what_cannot_be_is_refused(prices: object, invariant: float, a: float, names: str) -> None:
    with pytest.raises(InputError, match=names):
        stable_lp.balances(prices, invariant, a)  # type: ignore[arg-type]


@pytest.mark.parametrize("amplification", [5.0, 200.0, 2_000.0])
@pytest.mark.parametrize("price", [0.8, 0.97, 1.0, 1.01])
def test_gamma_is_the_slope_of_delta(price: float, amplification: float) -> None:
    step = 1e-6
    at = np.array([[price - step, 1.1], [price + step, 1.1]])
    held = stable_lp.delta(at, 3e5, amplification)[:, 0]
    expected = price**2 * (held[1] - held[0]) / (2.0 * step)
    found = stable_lp.gamma([price, 1.1], 3e5, amplification)
    assert found == pytest.approx(expected, rel=1e-5)
    assert found < 0.0


def test_gamma_is_of_two_coins() -> None:
    with pytest.raises(InputError, match="two coins"):
        stable_lp.gamma([1.0, 1.0, 1.0], 1.0, 100.0)
