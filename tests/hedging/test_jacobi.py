"""Jacobi's rotations against LAPACK."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hedging.jacobi import diagonalise
from simulator.types import Floats


def diagonal_of(matrix: Floats) -> tuple[Floats, Floats]:
    """What is left of a matrix, and its eigenvectors."""
    left, vectors = matrix.copy(), np.empty_like(matrix)
    diagonalise(left, vectors)
    return left, vectors


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_eigenvalues_are_lapacks(seed: int, size: int, rank: int) -> None:
    """Of any rank, and of entries of any size."""
    generator = np.random.default_rng(seed)
    factor = generator.standard_normal((size, min(rank, size))) * 10.0 ** generator.uniform(-8, 8)
    matrix = factor @ factor.T
    left, vectors = diagonal_of(matrix)
    largest = np.abs(matrix).max()
    expected = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(np.sort(np.diag(left)), expected, rtol=0, atol=1e-13 * largest)
    np.testing.assert_allclose(vectors @ left @ vectors.T, matrix, rtol=0, atol=1e-13 * largest)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), rtol=0, atol=1e-14 * size)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_is_diagonal_stays_as_it_is(size: int) -> None:
    matrix = np.diag(np.arange(size, dtype=float) - 1.0)
    left, vectors = diagonal_of(matrix)
    np.testing.assert_array_equal(left, matrix)
    np.testing.assert_array_equal(vectors, np.eye(size))
