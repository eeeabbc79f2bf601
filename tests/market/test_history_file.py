"""Every fault of a history file is filled by the rule and counted, or refused naming the row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.market.history_file import SymbolReport, on_grid, read_bars
from simulator.types import Floats, InputError

START = datetime(2022, 1, 1)
Write = Callable[[pd.DataFrame], Path]


def _frame(prices: list[float], symbol: str = "SOLUSDT") -> pd.DataFrame:
    times = pd.date_range(START, periods=len(prices), freq="1h")
    return pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": prices})


@pytest.fixture(params=["csv", "parquet"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    def to_file(frame: pd.DataFrame) -> Path:
        file = tmp_path / f"prices.{request.param}"
        if request.param == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file)
        return file

    return to_file


def _load(
    file: Path, points: int = 6, step: int = 60, gap: float = 3
) -> tuple[Floats, SymbolReport]:
    return on_grid(read_bars(file, "SOLUSDT"), START, points, step, gap)


def test_clean_bars_come_back_as_they_are(write: Write) -> None:
    both = pd.concat([_frame([9.0] * 6, "BTCUSDT"), _frame([1.0, 2, 3, 4, 5, 6])])
    prices, report = _load(write(both))
    assert prices.tolist() == [1, 2, 3, 4, 5, 6]
    assert report == SymbolReport("SOLUSDT", 6, 0, 0, 0)


def test_a_short_gap_is_filled_and_counted(write: Write) -> None:
    prices, report = _load(write(_frame([1.0, 2, 3, 4, 5, 6]).drop([2, 3])))
    assert prices.tolist() == [1, 2, 2, 2, 5, 6]
    assert report == SymbolReport("SOLUSDT", 6, missing=2, unusable=0, duplicates=0)
    assert report.filled == 2


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0, np.inf])
def test_an_unusable_price_is_filled_and_counted(write: Write, bad: float) -> None:
    prices, report = _load(write(_frame([1.0, 2, bad, 4, 5, 6])))
    assert prices.tolist() == [1, 2, 2, 4, 5, 6]
    assert (report.missing, report.unusable) == (0, 1)


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0, np.inf])
def test_too_many_unusable_prices_are_refused_naming_the_first(write: Write, bad: float) -> None:
    frame = pd.concat([_frame([9.0] * 6, "BTCUSDT"), _frame([1.0, bad, bad, bad, bad, 6])])
    file = write(frame)
    with pytest.raises(InputError) as caught:
        _load(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: SOLUSDT, row 8 (2022-01-01 01:00:00): close = {bad}")
    assert "4 bars in a row, at most 3 are filled (3 h)" in text
    assert _load(file, gap=4)[0].tolist() == [1, 1, 1, 1, 1, 6]


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0])
def test_an_unusable_first_price_has_nothing_to_be_filled_with(write: Write, bad: float) -> None:
    with pytest.raises(InputError, match=r"SOLUSDT, row 1 .*there is no price before"):
        _load(write(_frame([bad, 2, 3, 4, 5, 6])))


def test_a_long_gap_is_refused_naming_the_row_before_it(write: Write) -> None:
    with pytest.raises(
        InputError, match=r"row 2 \(.*no bar at 2022-01-01 02:00:00; 4 bars in a row"
    ):
        _load(write(_frame([1.0, 2, 3, 4, 5, 6, 7]).drop([2, 3, 4, 5])), points=7)


def test_prices_that_end_too_soon_are_refused(write: Write) -> None:
    with pytest.raises(InputError, match="no bar at 2022-01-01 06:00:00"):
        _load(write(_frame([1.0, 2, 3, 4, 5, 6])), points=11)


def test_exact_duplicates_are_dropped_and_counted(write: Write) -> None:
    frame = _frame([1.0, 2, np.nan, 4, 5, 6])
    prices, report = _load(
        write(pd.concat([frame, frame.iloc[[1, 2]]]).sort_values("timestamp_utc"))
    )
    assert prices.tolist() == [1, 2, 2, 4, 5, 6]
    assert report.duplicates == 2


def test_two_prices_for_one_moment_are_refused(write: Write) -> None:
    frame = _frame([1.0, 2, 3, 4, 5, 6])
    twice = pd.concat([frame.iloc[:2], frame.iloc[[1]].assign(close=2.5), frame.iloc[2:]])
    with pytest.raises(InputError, match=r"SOLUSDT, row 3: .* has two prices, 2.0 and 2.5"):
        _load(write(twice))


def test_time_that_runs_backwards_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match="SOLUSDT, row 4: time runs backwards"):
        _load(write(_frame([1.0, 2, 3, 4, 5, 6]).iloc[[0, 1, 3, 2, 4, 5]]))


def test_a_time_that_cannot_be_read_is_refused(write: Write) -> None:
    frame = _frame([1.0, 2, 3]).astype({"timestamp_utc": str})
    frame.loc[1, "timestamp_utc"] = "noon"
    with pytest.raises(InputError, match="SOLUSDT, row 2: timestamp_utc = 'noon' is not a time"):
        _load(write(frame))


def test_a_bar_off_the_grid_is_refused(write: Write) -> None:
    frame = _frame([1.0, 2, 3, 4])
    frame.loc[[3], "timestamp_utc"] += pd.Timedelta(minutes=90)
    with pytest.raises(InputError, match=r"row 4: .* is off the grid"):
        _load(write(frame))


def test_a_single_bar_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match="row 1: one bar only"):
        _load(write(_frame([1.0])))


def test_an_unknown_symbol_is_refused_naming_those_near(write: Write) -> None:
    with pytest.raises(InputError, match="symbol SOLUSD is not there; did you mean SOLUSDT"):
        read_bars(write(_frame([1.0, 2])), "SOLUSD")


def test_a_missing_column_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match="column close is missing"):
        _load(write(_frame([1.0, 2]).drop(columns="close")))


def test_a_file_that_is_not_there_or_not_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_bars(tmp_path / "none.parquet", "SOLUSDT")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(InputError, match="neither Parquet nor CSV"):
        read_bars(tmp_path / "text.parquet", "SOLUSDT")


def test_a_time_zone_is_taken_into_account(write: Write) -> None:
    frame = _frame([1.0, 2, 3, 4, 5, 6])
    frame["timestamp_utc"] = (
        frame["timestamp_utc"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    )
    assert _load(write(frame))[0].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_longer_step_skips_bars_and_a_shorter_one_is_refused(write: Write) -> None:
    file = write(_frame([1.0, 2, 3, 4, 5, 6]))
    assert _load(file, points=3, step=120)[0].tolist() == [1, 3, 5]
    with pytest.raises(InputError, match="step_minutes = 30: must be a multiple of the bars"):
        _load(file, points=3, step=30)


@given(holes=st.sets(st.integers(1, 29)), gap=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_gaps_are_filled_up_to_the_limit_and_never_beyond(
    tmp_path_factory: pytest.TempPathFactory, holes: set[int], gap: int
) -> None:
    file = tmp_path_factory.mktemp("history") / "prices.csv"
    # The first two bars and the last stay, so that bar length and end are known.
    holes = {hole for hole in holes if 1 < hole < 29}
    _frame([float(n + 1) for n in range(30)]).drop(sorted(holes)).to_csv(file, index=False)
    longest = run = 0
    for n in range(30):
        run = run + 1 if n in holes else 0
        longest = max(longest, run)
    if longest > gap:
        with pytest.raises(InputError, match=f"at most {gap} are filled"):
            _load(file, points=30, gap=gap)
        return
    prices, report = _load(file, points=30, gap=gap)
    assert report.missing == len(holes)
    for n in range(30):
        assert prices[n] == (prices[n - 1] if n in holes else n + 1)
