from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from simulator.hedging.risk import wilson
from simulator.results.statistics import (
    describe,
    metrics,
    probabilities,
    statistics_of,
    tail_losses,
    tail_means,
)

RETURNS = st.lists(st.floats(-1, 3, allow_nan=False), min_size=1, max_size=300)


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_scipys(case: tuple[int, int]) -> None:
    successes, trials = case
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_failure_among_many_paths_is_not_proof_of_none() -> None:
    low, high = wilson(0, 1_000)
    assert low == 0.0
    assert 0.003 < high < 0.004


def test_tail_losses_of_a_hundred_known_returns() -> None:
    returns = np.arange(100) / 100 - 0.5  # losses 0.50, 0.49, …
    found = tail_losses(returns[::-1])
    assert found["var95"] == pytest.approx(0.46)
    assert found["es95"] == pytest.approx(0.48)
    assert found["var99"] == pytest.approx(0.50)
    assert found["es99"] == pytest.approx(0.50)


@given(RETURNS)
def test_expected_shortfall_is_at_least_value_at_risk_and_at_most_the_worst(
    returns: list[float],
) -> None:
    found = tail_losses(np.array(returns))
    worst = -min(returns)
    assert found["var95"] <= found["es95"] + 1e-12
    assert found["es95"] <= found["es99"] + 1e-12
    assert found["es99"] <= worst + 1e-12


@given(RETURNS)
def test_at_most_five_percent_lose_more_than_value_at_risk(returns: list[float]) -> None:
    bound = tail_losses(np.array(returns))["var95"]
    assert np.mean(-np.array(returns) > bound) <= 0.05 + 1e-12


def test_the_tails_parts_are_means_of_those_paths_the_edge_in_part() -> None:
    """Of 30 paths the worst 5 % are one and a half, whoever stands where."""
    order = np.random.default_rng(1).permutation(30)
    returns = np.where(order == 0, -0.9, np.where(order == 1, -0.6, 0.01 * order))
    paths = pd.DataFrame({"return": returns, "a": order + 1.0, "b": returns - order - 1.0})
    found = tail_means(paths, ["a", "b"])
    assert found["a"] == pytest.approx((1.0 + 2.0 / 2) / 1.5)
    assert found["a"] + found["b"] == pytest.approx(-tail_losses(returns)["es95"])
    twice = pd.concat([paths, paths.iloc[order == 1]]).assign(weight=1.0)
    twice.loc[twice["a"] == 2.0, "weight"] = 0.5  # one path of half the weight twice is one path
    assert tail_means(twice, ["a"]) == pytest.approx({"a": found["a"]})


def test_describe_leaves_out_what_has_no_value() -> None:
    assert describe(np.array([1.0, np.nan, 3.0]))["mean"] == 2.0
    assert set(describe(np.array([np.nan])).values()) == {None}


def test_every_statistic_a_requirement_may_name_is_there() -> None:
    paths = pd.DataFrame(
        {
            "path": [0, 1],
            "return": [0.1, -0.2],
            "return_at_index": [0.1, -0.2],
            "liquidated": [False, True],
            "bad_debt": [0.0, 5.0],
        }
    )
    known = statistics_of(paths.columns)
    found = metrics(paths)
    assert {name: set(figures) for name, figures in found.items()} == {
        name: set(names) for name, names in known.items() if not name.endswith("_probability")
    }
    for name, figures in probabilities(paths).items():
        assert set(known[f"{name}_probability"]) <= set(figures)
        assert figures["estimate"] == 0.5
