"""The active-set solver against the conditions of Karush, Kuhn and Tucker, and against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from simulator.hedging.quadratic import InfeasibleError, minimise, minimise_semidefinite
from simulator.types import Floats, InputError


def _problem(seed: int, n: int, m: int, condition: float) -> tuple[Floats, ...]:
    """A random programme whose constraints a known point meets, some of them with equality."""
    generator = np.random.default_rng(seed)
    root = np.linalg.qr(generator.standard_normal((n, n)))[0]
    G = root @ np.diag(np.geomspace(1.0, condition, n)) @ root.T
    C = generator.standard_normal((m, n))
    inside = generator.standard_normal(n)
    b = C @ inside - np.maximum(generator.standard_normal(m), 0.0)
    return (G + G.T) / 2, 5.0 * generator.standard_normal(n), C, b


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 16),
    m=st.integers(0, 40),
    condition=st.sampled_from([1.0, 1e2, 1e4]),
)
def test_solutions_meet_the_kkt_conditions(seed: int, n: int, m: int, condition: float) -> None:
    G, a, C, b = _problem(seed, n, m, condition)
    found = minimise(G, a, C, b)
    scale = 1.0 + np.max(np.abs(G)) * np.max(np.abs(found.x)) + np.max(np.abs(a))
    np.testing.assert_allclose(G @ found.x + a, C.T @ found.multipliers, atol=1e-8 * scale)
    slack = C @ found.x - b
    assert np.all(slack >= -1e-9 * (1.0 + np.abs(b) + np.max(np.abs(found.x))))
    assert np.all(found.multipliers >= 0.0)
    np.testing.assert_allclose(found.multipliers * slack, 0.0, atol=1e-7 * scale)


@pytest.mark.parametrize("seed", range(8))
def test_value_equals_scipys(seed: int) -> None:
    G, a, C, b = _problem(seed, 5, 9, 10.0)
    found = minimise(G, a, C, b)
    other = minimize(
        lambda x: 0.5 * x @ G @ x + a @ x,
        np.zeros(5),
        jac=lambda x: G @ x + a,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda x: C @ x - b, "jac": lambda _: C},
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert other.success
    np.testing.assert_allclose(found.x, other.x, atol=1e-6)


def test_without_constraints_it_solves_the_normal_equations() -> None:
    G, a, *_ = _problem(3, 4, 0, 10.0)
    found = minimise(G, a, np.zeros((0, 4)), [])
    np.testing.assert_allclose(found.x, -np.linalg.solve(G, a), rtol=1e-12)


def test_repeated_constraints_change_nothing() -> None:
    G, a, C, b = _problem(5, 4, 6, 10.0)
    once = minimise(G, a, C, b)
    thrice = minimise(G, a, np.tile(C, (3, 1)), np.tile(b, 3))
    np.testing.assert_allclose(thrice.x, once.x, atol=1e-10)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), gap=st.floats(1e-3, 10.0))
def test_contradicting_constraints_are_refused(seed: int, n: int, gap: float) -> None:
    G, a, C, b = _problem(seed, n, 5, 10.0)
    # ℓ(x) ≥ top and −ℓ(x) ≥ gap − top cannot both hold.
    C, b = np.vstack([C, -C[:1]]), np.append(b, gap - b[0])
    with pytest.raises(InfeasibleError, match="no point meets all"):
        minimise(G, a, C, b)


def test_an_empty_row_that_asks_for_something_is_refused() -> None:
    with pytest.raises(InfeasibleError, match="row 0"):
        minimise(np.eye(2), [0.0, 0.0], [[0.0, 0.0]], [1.0])


@pytest.mark.parametrize(
    ("quadratic", "message"),
    [
        ([[1.0, 0.0], [0.0, 0.0]], "positive definite"),
        ([[1.0]], "must be"),
        ([[np.nan, 0.0], [0.0, 1.0]], "finite"),
    ],
)
def test_bad_input_is_named(quadratic: list[list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        minimise(quadratic, [0.0, 0.0], [[1.0, 0.0]], [1.0])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 5), cost=st.floats(1e-6, 10.0))
def test_absolute_values_are_handled_by_splitting(seed: int, n: int, cost: float) -> None:
    """min ½(x − y)ᵀD(x − y) + c·Σ|x|, D diagonal: soft thresholding (Donoho 1995)."""
    generator = np.random.default_rng(seed)
    target, diagonal = generator.standard_normal(n), generator.uniform(0.5, 2.0, n)
    G = np.zeros((2 * n, 2 * n))
    G[:n, :n] = np.diag(diagonal)
    eye = np.eye(n)
    rows = np.block([[-eye, eye], [eye, eye]])
    found = minimise_semidefinite(
        G, np.concatenate([-diagonal * target, np.full(n, cost)]), rows, np.zeros(2 * n)
    )
    expected = np.sign(target) * np.maximum(np.abs(target) - cost / diagonal, 0.0)
    np.testing.assert_allclose(found.x[:n], expected, atol=1e-7)


def test_an_objective_without_a_floor_is_refused() -> None:
    with pytest.raises(InputError, match="without bound"):
        minimise_semidefinite(np.zeros((1, 1)), [-1.0], [[1.0]], [0.0])
