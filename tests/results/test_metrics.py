"""Figures accumulated during a run against the same figures computed from its records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulator.books.buckets import BUCKETS, HEDGE_LEG, LP_LEG
from simulator.books.correlation import rolling_correlation
from simulator.config import Config, load, resolve
from simulator.market.draw import draw
from simulator.results.records import fan_steps, rolling_window
from simulator.results.store import Outcome
from simulator.runner import Plan, simulate_chunk
from simulator.types import Status
from simulator.world import actions
from simulator.world.gas import GAS_UNITS

PATHS = 4


@pytest.fixture(scope="module")
def squeezed() -> Config:
    return load("hedge-liquidation", [f"paths={PATHS}"])


@pytest.fixture(scope="module")
def outcome(squeezed: Config) -> Outcome:
    """Everything recorded of four paths on which the vault is liquidated."""
    return simulate_chunk(Plan(squeezed, "model", (), PATHS), 0, PATHS, PATHS)


def each(outcome: Outcome) -> Iterator[tuple[int, pd.Series[Any]]]:
    """Every path with its row of metrics."""
    for path, row in outcome.paths.iterrows():
        assert isinstance(path, int)
        yield path, row


def by_path(frame: pd.DataFrame | None, path: int) -> pd.DataFrame:
    assert frame is not None
    return frame[frame["path"] == path].reset_index(drop=True)


def test_return_and_drawdown_are_those_of_the_recorded_share_price(outcome: Outcome) -> None:
    for path, row in each(outcome):
        price = by_path(outcome.series, path)["share_price"]
        assert row["return"] == pytest.approx(price.iloc[-1] - 1, abs=1e-15)
        peaks = np.maximum.accumulate(np.append(1.0, price))[1:]
        assert row["max_drawdown"] == pytest.approx((1 - price / peaks).max(), abs=1e-15)


def test_hedge_effectiveness_is_one_minus_the_ratio_of_variances(outcome: Outcome) -> None:
    for path, row in each(outcome):
        series = by_path(outcome.series, path)
        alone = series[list(LP_LEG)].sum(axis=1).diff().dropna()
        both = series[[*LP_LEG, *HEDGE_LEG]].sum(axis=1).diff().dropna()
        assert row["hedge_effectiveness"] == pytest.approx(1 - both.var() / alone.var(), rel=1e-9)


def test_lowest_margin_ratio_is_at_most_the_lowest_at_the_end_of_a_step(outcome: Outcome) -> None:
    assert outcome.series is not None
    recorded = outcome.series.groupby("path")["margin_ratio"].min()
    assert (outcome.paths["min_margin_ratio"] <= recorded + 1e-12).all()
    # A liquidation needs E < M, and the step ends after it: only a look in between sees it.
    assert (outcome.paths.loc[outcome.paths["liquidated"], "min_margin_ratio"] < 1).all()
    assert outcome.paths["liquidated"].any()


def test_counts_are_those_of_the_events(squeezed: Config, outcome: Outcome) -> None:
    markets = len(squeezed.markets)
    kinds = {"rebalances": "Rebalance", "recenters": "Recenter", "liquidations": "Liquidate"}
    for path, row in each(outcome):
        events = by_path(outcome.events, path)
        ours = events[(events["status"] == "OK") & (events["account"] <= markets)]
        for column, action in kinds.items():
            assert row[column] == (ours["action"] == action).sum()
        for status in Status:
            if status > Status.OK:
                seen = (events["status"] == status.name).sum()
                assert row[f"refused_{status.name.lower()}"] == seen


def test_gas_is_paid_for_every_transaction_refused_ones_included(
    squeezed: Config, outcome: Outcome
) -> None:
    price = draw(squeezed.market, 0, PATHS).gas_usd
    units = {kind.__name__: amount for kind, amount in GAS_UNITS.items()}
    upkeep = {"Rebalance", "Recenter", "TopUp", "Deleverage", "PostBetas"}
    for path, row in each(outcome):
        events = by_path(outcome.events, path)
        assert (events["status"] != "OK").any()
        paid = events["action"].map(units).astype(float) * price[events["step"], path]
        assert row["gas"] == pytest.approx(paid.sum(), rel=1e-12)
        assert row["upkeep_gas"] == pytest.approx(
            paid[events["action"].isin(upkeep)].sum(), rel=1e-12
        )


def test_turnover_covers_the_recorded_changes_of_size(squeezed: Config, outcome: Outcome) -> None:
    for path, row in each(outcome):
        series = by_path(outcome.series, path)
        net = sum(
            (series[f"size_{symbol}"].diff().fillna(series[f"size_{symbol}"]).abs()
             * series[f"oracle_{symbol}"]).sum()
            for symbol in squeezed.markets
        )  # fmt: skip
        assert net > 0
        assert row["turnover"] >= net * (1 - 1e-9)


def test_recorded_buckets_end_at_the_attribution_of_the_path(outcome: Outcome) -> None:
    assert outcome.series is not None
    last = outcome.series.groupby("path")[list(BUCKETS)].last()
    assert np.array_equal(last.to_numpy(), outcome.paths[list(BUCKETS)].to_numpy())


def test_realised_correlation_and_betas_are_those_of_the_index(
    squeezed: Config, outcome: Outcome
) -> None:
    protocol = resolve(squeezed)
    hedges = [m.asset for m in protocol.clearing.markets]
    returns = np.diff(np.log(draw(squeezed.market, 0, PATHS).index), axis=1)
    for path, row in each(outcome):
        lp, hedge = returns[1, :, path], returns[hedges][:, :, path]
        posted = [row[f"posted_beta_{symbol}"] for symbol in squeezed.markets]
        portfolio = np.dot(posted, hedge)
        assert row["realised_correlation"] == pytest.approx(
            np.corrcoef(lp, portfolio)[0, 1], abs=1e-12
        )
        design = np.column_stack([np.ones(lp.size), hedge.T])
        betas = np.linalg.lstsq(design, lp, rcond=None)[0][1:]
        found = [row[f"realised_beta_{symbol}"] for symbol in squeezed.markets]
        assert found == pytest.approx(betas, rel=1e-8)


def test_rolling_correlation_is_that_of_each_window() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, (3, 60, 2))
    weights = np.array([[0.5, 1.0], [0.2, -0.3]])
    points = np.array([0, 9, 10, 37, 60])
    found = rolling_correlation(returns, weights, points, 10)
    assert np.isnan(found[:2]).all()
    for row, point in enumerate(points[2:], start=2):
        for path in range(2):
            window = returns[:, point - 10 : point, path]
            hedge = weights[:, path] @ window[1:]
            assert found[row, path] == pytest.approx(np.corrcoef(window[0], hedge)[0, 1], abs=1e-12)


def test_rolling_correlation_of_what_stands_still_is_unknown() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, (2, 40, 1))
    returns[0, 20:] = 0.0
    found = rolling_correlation(returns, np.ones((1, 1)), np.array([20, 40]), 10)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


@pytest.mark.parametrize("steps", [1, 2, 7, 120, 121, 720, 8_760])
def test_fan_holds_first_and_last_step_and_at_most_121_points(steps: int) -> None:
    points = fan_steps(steps)
    assert points[0] == 0
    assert points[-1] == steps
    assert len(points) == min(121, steps + 1)
    assert rolling_window(steps, 3_600) >= 1 or steps < 2


def test_every_action_has_a_gas_price() -> None:
    assert set(GAS_UNITS) == set(actions.ACTIONS)
    assert all(units > 0 for units in GAS_UNITS.values())
