"""The Whalley–Wilmott band is where simulated mean-variance utility is largest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hedging.bands import fixed, implied_risk_aversion, trade_to_edge, whalley_wilmott
from simulator.types import Floats, InputError
from tests.sizes import sized

COST, GAMMA, AVERSION = 5e-4, -1_000_000.0, 2e-4
PATHS = sized(40, 400)
STEPS = 20_000

costs = st.floats(1e-6, 0.05)
gammas = st.floats(1e2, 1e9)
aversions = st.floats(1e-9, 1.0)


def _penalty(half_width: float, moves: Floats, step_deviation: float) -> float:
    """Cost plus ½λ·variance per unit of variance, of a hedge kept within the band at its edges.

    ``moves`` ``[T, P]`` standard normal. The dollar delta moves by Γ_$ times the return, and what
    the hedge is off earns that return: mean-variance utility falls by ½λ·off²·variance.
    """
    off = np.zeros(moves.shape[1])
    traded, squared = 0.0, 0.0
    for move in moves:
        squared += float(off @ off)
        off = off - GAMMA * step_deviation * move
        trade = trade_to_edge(off, 0.0, half_width)
        traded += float(np.abs(trade).sum())
        off = off + trade
    variance = moves.size * step_deviation**2
    return COST * traded / variance + 0.5 * AVERSION * squared / moves.size


def test_simulated_utility_is_largest_at_the_band() -> None:
    best = float(whalley_wilmott(COST, GAMMA, AVERSION))
    moves = np.random.default_rng(11).standard_normal((STEPS, PATHS))
    # Twenty steps to the edge: the band of continuous time, nearly.
    deviation = best / 20.0 / abs(GAMMA)
    multiples = np.array([0.5, 0.75, 1.0, 1.35, 2.0])
    penalties = np.array([_penalty(k * best, moves, deviation) for k in multiples])
    assert int(np.argmin(penalties)) == 2
    # The asymptotic penalty is κΓ²/2H + λH²/6: a reflected walk is uniform over the band and is
    # pushed back at the rate σ²/2H. Steps overshoot the edge, a few percent here.
    expected = COST * GAMMA**2 / (2 * multiples * best) + AVERSION * (multiples * best) ** 2 / 6
    np.testing.assert_allclose(penalties, expected, rtol=0.12)


def test_trading_to_the_target_costs_more_than_trading_to_the_edge() -> None:
    """At any band: the same walk, but returned to the middle, pays twice and more."""
    best = float(whalley_wilmott(COST, GAMMA, AVERSION))
    moves = np.random.default_rng(3).standard_normal((5_000, 40)) * best / 20.0
    off, traded = np.zeros(40), 0.0
    for move in moves:
        off = off + move
        out = np.abs(off) > best
        traded += float(np.abs(off[out]).sum())
        off = np.where(out, 0.0, off)
    edge, held = 0.0, np.zeros(40)
    for move in moves:
        held = held + move
        trade = trade_to_edge(held, 0.0, best)
        edge += float(np.abs(trade).sum())
        held = held + trade
    assert traded > 1.5 * edge


@given(cost=costs, gamma=gammas, aversion=aversions, k=st.floats(0.01, 100.0))
def test_the_width_grows_with_the_cube_root(
    cost: float, gamma: float, aversion: float, k: float
) -> None:
    once = whalley_wilmott(cost, gamma, aversion)
    np.testing.assert_allclose(whalley_wilmott(k * cost, gamma, aversion), k ** (1 / 3) * once)
    np.testing.assert_allclose(whalley_wilmott(cost, k * gamma, aversion), k ** (2 / 3) * once)
    np.testing.assert_allclose(whalley_wilmott(cost, gamma, k * aversion), k ** (-1 / 3) * once)
    np.testing.assert_allclose(whalley_wilmott(cost, -gamma, aversion), once)


@given(cost=costs, gamma=gammas, width=st.floats(1.0, 1e7))
def test_a_fixed_band_says_a_risk_aversion(cost: float, gamma: float, width: float) -> None:
    aversion = implied_risk_aversion(cost, gamma, width)
    np.testing.assert_allclose(whalley_wilmott(cost, gamma, aversion), width, rtol=1e-9)


@given(holding=st.floats(-1e7, 1e7), target=st.floats(-1e7, 1e7), half_width=st.floats(0.0, 1e6))
def test_trades_end_at_the_edge_and_only_outside(
    holding: float, target: float, half_width: float
) -> None:
    trade = float(trade_to_edge(holding, target, half_width))
    if abs(holding - target) <= half_width * (1 - 1e-9):
        assert trade == 0.0
    else:
        assert abs(holding + trade - target) <= half_width * (1 + 1e-9) + 1e-6
        assert trade * (target - holding) >= 0.0


def test_the_fixed_band_is_a_fraction_of_nav() -> None:
    np.testing.assert_array_equal(fixed([2e6, -5.0], 0.02), [40_000.0, 0.0])


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="cost"):
        whalley_wilmott(-1e-4, 1.0, 1.0)
    with pytest.raises(InputError, match="risk_aversion"):
        whalley_wilmott(1e-4, 1.0, 0.0)
    with pytest.raises(InputError, match="dollar_gamma"):
        whalley_wilmott(1e-4, np.nan, 1.0)
    with pytest.raises(InputError, match="band"):
        fixed(1.0, 1.5)
    with pytest.raises(InputError, match="half_width"):
        implied_risk_aversion(1e-4, 1.0, 0.0)
