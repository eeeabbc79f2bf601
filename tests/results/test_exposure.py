"""The vault's exposure series say what the vault then gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.config import Config, from_mapping
from simulator.result import Result


@pytest.fixture(scope="module")
def result(config: Config) -> Result:
    changes = {"horizon_hours": 120, "step_minutes": 10, "shocks": (), "paths": 3}
    return simulator.run(from_mapping(config.model_dump() | changes), workers=1)


def test_deltas_count_position_and_perps(result: Result) -> None:
    series = result.series
    for symbol in ("BTC", "ETH"):
        expected = series[f"size_{symbol}"] * series[f"oracle_{symbol}"]
        np.testing.assert_allclose(series[f"delta_{symbol}"], expected, rtol=1e-12, atol=1e-6)
    assert (series["delta_SOL"] >= 0.0).all()
    assert series["delta_SOL"].max() > 1e5
    total = series[["delta_SOL", "delta_BTC", "delta_ETH"]].sum(axis=1)
    np.testing.assert_allclose(series["net_delta"], total, rtol=1e-9, atol=1e-6)


def test_delta_and_gamma_explain_what_the_position_gains(result: Result) -> None:
    """Δ·r and Δ·r + ½Γr²: over steps in which the position stands still."""
    series = result.series[result.series["path"] == 0].reset_index(drop=True)
    move = series["oracle_SOL"].pct_change()
    # What is idle in the asset counts as well; fees are income, not exposure.
    change = (series["lp_value"] + series["idle_value"] - series["lp_fees"]).diff()
    before = series.shift(1)
    still = (series["gamma"] < 0.0) & (before["gamma"] < 0.0) & (move.abs() > 2e-3)
    still &= (series["oracle_USDC"] / before["oracle_USDC"] - 1).abs() < 1e-4
    still &= series["flows"].diff().abs() < 1e-6
    # A recentring or a trade of the position shows as a jump of L, so of Γ/√P.
    scaled = series["gamma"] / np.sqrt(series["oracle_SOL"])
    still &= (scaled / scaled.shift(1) - 1).abs() < 1e-3
    assert still.sum() > 50
    first = before["delta_SOL"] * move
    second = first + 0.5 * before["gamma"] * move**2
    errors = pd.DataFrame({"first": change - first, "second": change - second})[still].abs().sum()
    assert errors["second"] < 0.25 * errors["first"]


def test_cross_gamma_mirrors_gamma(result: Result) -> None:
    assert (result.series["gamma"] <= 0.0).all()
    np.testing.assert_array_equal(result.series["cross_gamma"], -result.series["gamma"])
