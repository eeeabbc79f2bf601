"""Shapley values by themselves: the axioms that define them, and known answers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.explain import shapley
from simulator.types import Floats, InputError

FIGURES = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def games(draw: st.DrawFn, least: int = 1) -> Floats:
    players = draw(st.integers(least, 5))
    return draw(arrays(np.float64, (1 << players, 3), elements=FIGURES))


def by_definition(values: Floats) -> Floats:
    """The mean over all orders of what each player adds when it joins."""
    players = len(values).bit_length() - 1
    total, orders = np.zeros((players, *values.shape[1:])), list(permutations(range(players)))
    for order in orders:
        mask = 0
        for player in order:
            total[player] += values[mask | 1 << player] - values[mask]
            mask |= 1 << player
    return total / len(orders)


@given(games())
def test_exact_values_are_the_mean_over_all_orders(values: Floats) -> None:
    assert shapley.exact(values) == pytest.approx(by_definition(values), abs=1e-6)


@given(games())
def test_exact_values_share_out_all_there_is(values: Floats) -> None:
    gained = values[-1] - values[0]
    assert shapley.exact(values).sum(axis=0) == pytest.approx(gained, rel=1e-9, abs=1e-8)


@given(games(least=2))
def test_players_who_add_the_same_to_every_coalition_get_the_same(values: Floats) -> None:
    masks = np.arange(len(values))
    swapped = (masks & ~3) | (masks & 1) << 1 | (masks & 2) >> 1
    alike = 0.5 * (values + values[swapped])
    found = shapley.exact(alike)
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@given(games(), st.integers(0, 4))
def test_who_adds_nothing_gets_nothing(values: Floats, player: int) -> None:
    player %= len(values).bit_length() - 1
    idle = values[np.arange(len(values)) & ~(1 << player)]
    assert shapley.exact(idle)[player] == pytest.approx(0.0, abs=1e-12)


@given(games(), games())
def test_values_of_a_sum_of_games_are_the_sum_of_their_values(one: Floats, other: Floats) -> None:
    size = min(len(one), len(other))
    both = shapley.exact(one[:size] + other[:size])
    apart = shapley.exact(one[:size]) + shapley.exact(other[:size])
    assert both == pytest.approx(apart, abs=1e-6)


def test_the_glove_game_has_the_values_of_the_textbooks() -> None:
    """One left glove, two right ones, a pair is worth 1: ⅔, ⅙, ⅙ (Shapley and Shubik 1969)."""
    pairs = [float(mask & 1 and mask & 6 != 0) for mask in range(8)]
    assert shapley.exact(pairs) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_an_airport_is_paid_for_as_littlechild_and_owen_have_it() -> None:
    """A runway costs as much as the longest that is needed (Littlechild and Owen 1973)."""
    cost = np.array([1.0, 4.0, 6.0, 13.0])
    worth = [max((cost[i] for i in range(4) if mask >> i & 1), default=0.0) for mask in range(16)]
    steps = np.diff(cost, prepend=0.0) / np.arange(4, 0, -1)
    assert shapley.exact(worth) == pytest.approx(np.cumsum(steps))


def test_sampled_orders_share_out_all_and_cover_the_truth() -> None:
    """Of 200 samplings the interval of two standard errors misses as seldom as it should."""
    generator = np.random.default_rng(5)
    values = generator.normal(size=(64, 1)) * np.arange(64)[:, None].astype(float)
    truth, missed = shapley.exact(values), 0
    for seed in range(200):
        orders = shapley.orders(6, 12, seed)
        met = {int(mask) for mask in shapley.coalitions(orders).ravel()}
        found = shapley.sampled(orders, {mask: values[mask] for mask in met})
        assert found.values.sum(axis=0) == pytest.approx(values[-1] - values[0])
        missed += int(np.sum(np.abs(found.values - truth) > 2.0 * found.errors))
    assert 0 < missed < 0.12 * 200 * 6


def test_an_additive_game_is_known_after_any_orders() -> None:
    own = np.array([1.0, -2.0, 5.0])
    worth = {mask: sum(own[i] for i in range(3) if mask >> i & 1) for mask in range(8)}
    found = shapley.sampled(shapley.orders(3, 2), worth)
    assert found.values == pytest.approx(own)
    assert found.errors == pytest.approx(np.zeros(3), abs=1e-12)


def test_every_order_is_followed_by_its_reverse() -> None:
    orders = shapley.orders(5, 7, seed=3)
    assert (orders[1::2] == orders[::2, ::-1]).all()
    assert (np.sort(orders, axis=1) == np.arange(5)).all()
    assert not (shapley.orders(5, 7, seed=4) == orders).all()


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros(0), np.array([0.0, np.nan]), 1.0])
def test_what_is_no_game_is_refused(values: Floats) -> None:
    with pytest.raises(InputError, match="values"):
        shapley.exact(values)


def test_orders_without_a_value_for_each_coalition_are_refused() -> None:
    orders = shapley.orders(2, 2)
    with pytest.raises(InputError, match="no value of coalition 3"):
        shapley.sampled(orders, {0: 0.0, 1: 1.0, 2: 1.0})
    with pytest.raises(InputError, match="pairs = 1"):
        shapley.orders(2, 1)
