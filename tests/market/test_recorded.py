"""Open, extremes and close of a bar as steps of a run: what is visited, in which order, when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator
from simulator.config import Config, load
from simulator.market.draw import draw
from simulator.market.history import with_history
from simulator.market.history_file import Reading
from simulator.market.recorded import visits
from simulator.types import InputError

COLUMNS = ["open", "high", "low", "close"]


def bars(count: int, seed: int, level: float) -> pd.DataFrame:
    """Bars of a walk that opens where it closed, with wicks of about half a per cent."""
    generator = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(generator.normal(0, 0.004, count)))
    opens = np.concatenate(([level], close[:-1]))
    high = np.maximum(opens, close) * np.exp(np.abs(generator.normal(0, 0.005, count)))
    low = np.minimum(opens, close) * np.exp(-np.abs(generator.normal(0, 0.005, count)))
    return pd.DataFrame({"open": opens, "high": high, "low": low, "close": close})


def written(file: Path, frames: dict[str, pd.DataFrame], bar: str = "1h") -> Path:
    """The bars as a file, all beginning on one day."""
    parts = []
    for symbol, frame in frames.items():
        times = pd.date_range("2020-01-01", periods=len(frame), freq=bar)
        parts.append(frame.assign(timestamp_utc=times, symbol=symbol))
    pd.concat(parts).to_csv(file, index=False)
    return file


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    return {"AAAUSDT": bars(200, 1, 30.0), "BBBUSDT": bars(200, 2, 100.0)}


def replayed(file: Path, *overrides: str, how: str = "ohlc", **options: Any) -> Config:
    arguments: dict[str, Any] = {"window": "2020-01-06:2020-01-07"} | options
    return with_history(
        load("calm"), file, "AAAUSDT", ["BBBUSDT"], bars=how, overrides=overrides, **arguments
    )


@pytest.mark.parametrize("rows", [[130], [130, 131, 150]])
def test_a_low_above_its_high_is_refused_by_row(
    tmp_path: Path, frames: dict[str, pd.DataFrame], rows: list[int]
) -> None:
    """It was taken for a bar from its open to its close, unsaid."""
    frame = frames["AAAUSDT"]
    frame.loc[rows, ["low", "high"]] = frame.loc[rows, ["high", "low"]].to_numpy()
    file = written(tmp_path / "prices.csv", frames)
    match = rf"AAAUSDT, row 131 .*low = .* is above high = .* in {len(rows)} of 48"
    with pytest.raises(InputError, match=match):
        replayed(file)
    replayed(file, how="close")


def test_a_close_outside_its_low_and_high_is_said_and_counted(
    tmp_path: Path, frames: dict[str, pd.DataFrame]
) -> None:
    file = written(tmp_path / "prices.csv", frames)
    assert not any("outside" in line for line in replayed(file).history.notes)
    frame = frames["AAAUSDT"]
    frame.loc[[130, 140], "high"] = frame.loc[[130, 140], "low"] * 1.0001
    config = replayed(written(file, frames))
    said = [line for line in config.history.notes if "outside" in line]
    assert len(said) == 1
    assert "2 of 47 bars open or close outside their low and high" in said[0]


def test_a_rising_bar_shows_its_low_first_and_a_falling_one_its_high() -> None:
    assert visits(*np.array([[10.0, 10], [12, 12], [7, 7], [11, 9]])).tolist() == [
        [10, 7, 12, 11],
        [10, 12, 7, 9],
    ]


@given(st.lists(st.tuples(*[st.floats(0.1, 1e6)] * 4), min_size=1, max_size=20))
def test_each_price_of_a_bar_is_visited_once_the_close_last(rows: list[tuple[float, ...]]) -> None:
    low, opened, close, high = np.sort(np.array(rows), axis=1).T
    for first, last in ((opened, close), (close, opened)):
        found = visits(first, high, low, last)
        assert np.array_equal(np.sort(found, axis=1), np.sort(np.array(rows), axis=1))
        assert np.array_equal(found[:, 0], first)
        assert np.array_equal(found[:, 3], last)


def test_every_fourth_step_is_a_close_and_between_lie_open_and_extremes(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    file = written(tmp_path / "prices.csv", frames)
    config, closes = replayed(file), replayed(file, how="close")
    assert (config.step_minutes, config.steps) == (15, 4 * closes.steps)
    assert config.history.bars == "ohlc"
    index = draw(config.market, 0, 2).index
    assert np.array_equal(index[1:, ::4], draw(closes.market, 0, 2).index[1:])
    for row, frame in zip((1, 2), frames.values(), strict=True):
        inside = frame.iloc[121 : 121 + closes.steps]
        found = index[row, 1:, 0].reshape(-1, 4)
        assert np.allclose(found[:, 0], inside["open"])
        assert np.allclose(found.max(axis=1), inside["high"])
        assert np.allclose(found.min(axis=1), inside["low"])
        rising = inside["close"].to_numpy() >= inside["open"].to_numpy()
        assert np.array_equal(found[:, 1] < found[:, 2], rising)
    # What the designer assumes is measured on closes, whatever is visited.
    assert config.correlation == closes.correlation
    assert config.assets["AAA"].volatility == closes.assets["AAA"].volatility


def test_closes_say_which_wicks_they_leave_out(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    frames["AAAUSDT"].loc[[140], "low"] *= 0.8
    file = written(tmp_path / "prices.csv", frames)
    lines = replayed(file, how="close").history.notes
    lowest = frames["AAAUSDT"].loc[140, "low"]
    assert any(f"AAA: wicks are not replayed, they go from {lowest:.6g}" in line for line in lines)
    config = replayed(file)
    prices = np.log(draw(config.market, 0, 1).index[1, :, 0])
    ratio = np.sum(np.diff(prices) ** 2) / np.sum(np.diff(prices[::4]) ** 2)
    said = [line for line in config.history.notes if "wicks" in line]
    assert len(said) == 1
    assert f"add up to {ratio:.1f} times" in said[0]


def test_a_missing_bar_stays_at_the_price_before(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    whole = draw(replayed(written(tmp_path / "whole.csv", frames)).market, 0, 1).index[1, :, 0]
    file = written(tmp_path / "prices.csv", frames)
    table = pd.read_csv(file)
    gone = (table["symbol"] == "AAAUSDT") & (table["timestamp_utc"] == "2020-01-06 05:00:00")
    table[~gone].to_csv(file, index=False)
    index = draw(replayed(file).market, 0, 1).index[1, :, 0]
    expected = np.where(np.isin(np.arange(len(whole)), range(17, 21)), whole[16], whole)
    assert index == pytest.approx(expected, rel=1e-12)  # a trip through CSV


def test_several_bars_may_be_replayed_as_one(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    file = written(tmp_path / "prices.csv", frames, "5min")
    with pytest.raises(InputError, match="5 minutes do not split into 4 steps"):
        replayed(file, window="2020-01-01T04:00:2020-01-01T16:00")
    config = replayed(file, "step_minutes=5", window="2020-01-01T04:00:2020-01-01T16:00")
    assert config.steps == 144
    found = draw(config.market, 0, 1).index[1, 1:, 0].reshape(-1, 4)
    groups = np.arange(144) // 4
    inside = frames["AAAUSDT"].iloc[49 : 49 + 144].groupby(groups)
    assert np.allclose(found.max(axis=1), inside["high"].max())
    assert np.allclose(found.min(axis=1), inside["low"].min())
    assert np.allclose(found[:, 3], inside["close"].last())


def test_a_file_of_closes_has_no_extremes_to_visit(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    file = written(tmp_path / "prices.csv", {s: f[["close"]] for s, f in frames.items()})
    with pytest.raises(InputError, match="column open is missing"):
        replayed(file)
    assert not any("wicks" in line for line in replayed(file, how="close").history.notes)


def test_a_wick_liquidates_that_no_close_shows(
    frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """A spike of the hedge that is taken back within the hour: closes never see it."""
    frames["BBBUSDT"].loc[[130], "high"] *= 2.5
    file = written(tmp_path / "prices.csv", frames)
    liquidated = {}
    for how in ("close", "ohlc"):
        config = replayed(file, "horizon_hours=24", "vault.betas={BBB: 1.0}", how=how)
        liquidated[how] = int(simulator.run(config, paths=4, workers=1).paths["liquidated"].sum())
    assert liquidated == {"close": 0, "ohlc": 4}


@pytest.mark.data
def test_sols_wicks_of_ftxs_week_are_visited(history: Path) -> None:
    file = history / "spot_1h_2020_2022.parquet"
    window = "2022-11-06:2022-11-11"
    found = {}
    for how in ("close", "ohlc"):
        config = with_history(load("calm"), file, "SOLUSDT", ["SOLUSDT"], window, bars=how)
        found[how] = draw(config.market, 0, 1).index[1, :, 0]
    table = pd.read_parquet(file)
    inside = table[(table["symbol"] == "SOLUSDT") & table["timestamp_utc"].between(
        "2022-11-06 01:00", "2022-11-11 23:00")]  # fmt: skip
    assert found["ohlc"].min() == inside["low"].min() < found["close"].min()
    assert found["ohlc"].max() == inside["high"].max() > found["close"].max()
    assert np.array_equal(found["ohlc"][::4], found["close"])


@pytest.mark.data
def test_a_misprint_of_a_low_is_visited_only_if_it_is_kept(history: Path) -> None:
    """LINK's low of 0.0001 on 12 March 2020 beside three dollars."""
    lowest = {}
    for outliers in ("keep", "cut", "drop"):
        config = with_history(
            load("calm"), history / "march_2020_1h.parquet", "LINKUSDT", ["ETHUSDT"],
            "2020-03-11:2020-03-19", bars="ohlc", reading=Reading(outliers=outliers),
        )  # fmt: skip
        lowest[outliers] = draw(config.market, 0, 1).index[1].min()
        assert any("LINKUSDT: 1 price far off" in line for line in config.history.notes)
    assert lowest["keep"] == 0.0001
    assert lowest["cut"] > 1
    assert lowest["drop"] > 1
