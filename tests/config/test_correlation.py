from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import from_mapping
from simulator.config.correlation import (
    assumed,
    build,
    cholesky,
    is_positive_semidefinite,
    nearest,
    regimes,
)
from simulator.types import Floats

SYMBOLS = ("USDC", "ETH", "BTC", "SOL")


@st.composite
def symmetric(draw: st.DrawFn) -> Floats:
    """Unit diagonal, anything in [−1, 1] elsewhere."""
    size = draw(st.integers(2, 5))
    matrix = np.eye(size)
    for row in range(size):
        for column in range(row):
            matrix[row, column] = matrix[column, row] = draw(st.floats(-1, 1))
    return matrix


@given(symmetric())
@settings(max_examples=60, deadline=None)
def test_the_nearest_matrix_is_a_correlation_matrix(matrix: Floats) -> None:
    result = nearest(matrix)
    assert is_positive_semidefinite(result)
    assert np.all(np.diag(result) == 1)
    assert np.array_equal(result, result.T)
    assert np.all(np.abs(result) <= 1)


def test_nearest_finds_highams_own_example() -> None:
    # Higham 2002, section 4: the tridiagonal of ones; its nearest has 0.7607 and 0.1573.
    given_matrix = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    expected = np.array([[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]])
    assert nearest(given_matrix) == pytest.approx(expected, abs=1.01e-3)


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_cholesky_factors_multiply_back_even_when_singular(loadings: list[list[float]]) -> None:
    rows = np.array(loadings) + 0.0
    rows[:, 0] += np.where(np.linalg.norm(rows, axis=1) < 0.1, 1.0, 0.0)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    matrix = rows @ rows.T  # rank three at most, so singular from four assets on
    factor = cholesky(matrix)
    assert factor @ factor.T == pytest.approx(matrix, abs=2e-5)
    assert np.array_equal(factor, np.tril(factor))


def test_cholesky_of_perfect_correlation_uses_one_factor() -> None:
    assert np.array_equal(cholesky(np.ones((3, 3))), np.array([[1, 0, 0]] * 3))


def test_usdc_is_uncorrelated_unless_a_pair_says_so() -> None:
    matrix = build(SYMBOLS, 0.5, {"SOL/USDC": 0.1})
    assert list(matrix[0]) == [1, 0, 0, 0.1]
    assert matrix[1, 2] == 0.5


def test_windows_set_correlations_and_multiply_volatilities(plain: dict[str, Any]) -> None:
    window = {"at_hours": 10, "duration_hours": 20}
    plain["shocks"] = [
        {"kind": "convergence", "correlation": 0.98, "volatility_multiple": 2, **window},
        {
            "kind": "decoupling",
            "asset": "BTC",
            "volatility_multiple": 3,
            "at_hours": 25,
            "duration_hours": 10,
        },
    ]
    found = [
        (r.first, r.last, r.correlation[1, 2], *r.volatility_multiple)
        for r in regimes(from_mapping(plain))
    ]
    # columns: first, last, ρ(ETH, BTC), factors of USDC, ETH, BTC
    assert found == [
        (0, 10, 0.8, 1, 1, 1),
        (10, 25, 0.98, 1, 2, 2),
        (25, 30, 0.0, 1, 2, 6),  # the later shock sets ρ; the factors multiply
        (30, 35, 0.0, 1, 1, 3),
        (35, 48, 0.8, 1, 1, 1),
    ]


def test_the_assumed_correlation_replaces_the_pairs_it_names(plain: dict[str, Any]) -> None:
    plain["vault"]["assumed_correlation"] = {"BTC/ETH": 0.3}
    assert assumed(from_mapping(plain))[1, 2] == 0.3
