"""Any usual file of prices gives the same bars, and how it was read is said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.market.files.pools import Pool
from simulator.market.history_file import Bars, Reading, read_bars, reading_lines, symbols_of
from simulator.types import InputError
from tests.market.files.written import CLOSE, LAYOUTS, MS, TIMES, fractal_pool, investing, ticks

HEADER = "timestamp_utc,symbol,close\n"


@pytest.mark.parametrize(
    ("write", "symbol", "named"), LAYOUTS, ids=[write.__name__ for write, _, _ in LAYOUTS]
)
def test_every_usual_layout_is_read_alike_and_named(
    tmp_path: Path, write: Callable[[Path], Path], symbol: str, named: str
) -> None:
    file = write(tmp_path)
    assert symbol in symbols_of(file)
    bars = read_bars(file, symbol)
    assert np.array_equal(bars.prices, CLOSE)
    assert bars.times.equals(TIMES)
    assert bars.bar == pd.Timedelta(hours=1)
    (line,) = reading_lines(file, [bars])
    assert named in line
    assert f"{file.name} read as " in line
    assert "hourly" in line


def test_days_of_a_site_whose_price_is_a_close(tmp_path: Path) -> None:
    bars = read_bars(investing(tmp_path), "ETH-USD")
    assert np.array_equal(bars.prices, CLOSE)
    assert (bars.bar, bars.lag) == (pd.Timedelta(days=1), pd.Timedelta(days=1))
    assert bars.notes == ("ETH-USD was newest first, turned",)


@pytest.mark.parametrize(("write", "within"), [(ticks, 6e-5), (fractal_pool, 1e-12)])
def test_a_pools_file_needs_its_tokens_and_gives_dollars(
    tmp_path: Path, write: Callable[[Path], Path], within: float
) -> None:
    """A tick is 1 bp. Without the tokens 0.0005 WETH would be read as a price in dollars."""
    file = write(tmp_path)
    with pytest.raises(InputError, match=r"pool = \(none\): .*e.g. USDC:6/WETH:18"):
        symbols_of(file)
    reading = Reading(pool="USDC:6/WETH:18")
    assert symbols_of(file, reading) == ["WETH/USDC"]
    prices = read_bars(file, "WETH/USDC", reading).prices
    assert prices == pytest.approx(CLOSE, rel=within)


def test_either_token_of_a_pool_may_be_the_dollar() -> None:
    """The same 2,000 USD: on one chain WETH is token 1, on the other token 0."""
    tick = np.log(2_000 / 1e12) / np.log(1.0001)
    first, second = Pool("USDC", 6, "WETH", 18), Pool("WETH", 18, "USDC", 6)
    assert (first.symbol, second.symbol) == ("WETH/USDC", "WETH/USDC")
    assert first.prices_at(np.array([-tick])) == pytest.approx(2_000)
    assert second.prices_at(np.array([tick])) == pytest.approx(2_000)


@pytest.mark.parametrize("unit", [10**3, 1, 10**-3, 10**-6])
def test_epochs_are_told_apart_by_size(tmp_path: Path, unit: float) -> None:
    """Seconds, ms, µs and ns; whole numbers and, as pandas writes them beside a gap, floats."""
    for kind in (np.int64, np.float64):
        frame = pd.DataFrame({"time": (MS / unit).astype(kind), "symbol": "E", "close": CLOSE})
        frame.to_csv(tmp_path / "prices.csv", index=False)
        assert read_bars(tmp_path / "prices.csv", "E").times.equals(TIMES)


def test_epochs_of_two_units_are_refused_naming_row_and_both(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    times = np.where(np.arange(len(MS)) < 40, MS, MS * 1_000)
    pd.DataFrame({"time": times, "symbol": "E", "close": CLOSE}).to_csv(file, index=False)
    with pytest.raises(
        InputError, match=rf"row 41: time = {times[40]} is an epoch in µs, .* in ms"
    ):
        read_bars(file, "E")


def test_a_small_number_is_no_epoch(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": range(len(MS)), "symbol": "E", "close": CLOSE})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(InputError, match="row 1: time = 0 is not a time: epochs are seconds, ms"):
        read_bars(tmp_path / "prices.csv", "E")


def test_dates_that_may_be_two_days_are_refused_with_both(tmp_path: Path) -> None:
    times = pd.date_range("2024-03-01", periods=11, freq="D").strftime("%m/%d/%Y")
    frame = pd.DataFrame({"date": times, "symbol": "E", "close": CLOSE[:11]})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(InputError, match="is 03 January 2024 or 01 March 2024"):
        read_bars(tmp_path / "prices.csv", "E")
    times = pd.date_range("2024-03-01", periods=20, freq="D").strftime("%m/%d/%Y")
    frame = pd.DataFrame({"date": times, "symbol": "E", "close": CLOSE[:20]})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    assert read_bars(tmp_path / "prices.csv", "E").times[-1] == pd.Timestamp("2024-03-20")


# ----------------------------------------------------------------------------- text is never a gap


def _with(cells: dict[int, str], tmp_path: Path, style: str = "{:.2f}") -> Path:
    lines = [
        f'{at},ETHUSDT,"{cells.get(n, style.format(price))}"'
        for n, (at, price) in enumerate(zip(TIMES, CLOSE, strict=True))
    ]
    file = tmp_path / "prices.csv"
    file.write_text(HEADER + "\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    "text", ["halted", "1,010.23", "1.010,23", "$2000", "2 000", "1_000", "-", "2000.5.1", "0x7d0"]
)
def test_text_among_numbers_is_refused_naming_row_and_text(tmp_path: Path, text: str) -> None:
    file = _with({40: text}, tmp_path)
    with pytest.raises(InputError) as caught:
        read_bars(file, "ETHUSDT")
    assert str(caught.value).startswith(
        f"{file}: ETHUSDT, row 41: close = {text!r} is not a number"
    )


@pytest.mark.parametrize("text", ["", "NaN", "null", "NA"])
def test_an_empty_cell_is_a_gap(tmp_path: Path, text: str) -> None:
    assert np.isnan(read_bars(_with({40: text}, tmp_path), "ETHUSDT").prices[40])


@pytest.mark.parametrize("cell", ["{:,.2f}", "{:,.5f}"])
def test_thousands_are_read_where_the_whole_column_marks_them(tmp_path: Path, cell: str) -> None:
    file = _with({3: "983.70", 5: "1,234,567.25", 9: ""}, tmp_path, cell)
    prices = read_bars(file, "ETHUSDT").prices
    assert (prices[3], prices[5]) == (983.7, 1_234_567.25)
    assert np.isnan(prices[9])
    assert np.array_equal(np.delete(prices, [3, 5, 9]), np.delete(CLOSE, [3, 5, 9]))


def test_a_comma_that_may_be_either_is_refused_with_both_readings(tmp_path: Path) -> None:
    file = _with({}, tmp_path, "1,010")
    with pytest.raises(InputError, match=r"row 1: close = '1,010' is 1010 or 1.01: write it"):
        read_bars(file, "ETHUSDT")


def _semicolons(cells: list[str], tmp_path: Path) -> Path:
    file = tmp_path / "prices.csv"
    rows = [f"{at};ETHUSDT;{cell}" for at, cell in zip(TIMES, cells, strict=False)]
    file.write_text("\n".join(["timestamp;symbol;close", *rows]) + "\n")
    return file


def test_dots_that_may_mark_thousands_are_refused_with_both_readings(tmp_path: Path) -> None:
    """Whole prices around 1,000 with dots for thousands once read as 1.001, then 997."""
    file = _semicolons(["", "997", "1.001", "998"], tmp_path)
    with pytest.raises(InputError, match=r"row 3: close = '1.001' is 1001 or 1.001: files with s"):
        read_bars(file, "ETHUSDT")
    file = _semicolons(["60.000", "59.902"], tmp_path)
    with pytest.raises(InputError, match=r"row 1: close = '60.000' is 60000 or 60: files with"):
        read_bars(file, "ETHUSDT")


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["0.997", "1.001"], [0.997, 1.001]),
        (["1.0015", "997"], [1.0015, 997.0]),
        (["1.001", "997.25"], [1.001, 997.25]),
        (["1.001,50", "997,25"], [1001.5, 997.25]),
        (["1.001.000", "997"], [1_001_000.0, 997.0]),
        (["1001", "997"], [1001.0, 997.0]),
    ],
)
def test_dots_that_something_in_the_column_tells_are_read(
    tmp_path: Path, cells: list[str], read: list[float]
) -> None:
    assert read_bars(_semicolons(cells * 9, tmp_path), "ETHUSDT").prices.tolist() == read * 9


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_a_few_bars_are_read(tmp_path: Path, rows: int) -> None:
    """Two were a traceback once."""
    prices = [100.0 + row for row in range(rows)]
    file = _semicolons([str(price) for price in prices], tmp_path)
    assert read_bars(file, "ETHUSDT").prices.tolist() == prices


def test_a_number_with_a_comma_and_no_quotes_is_refused_naming_the_line(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(HEADER + "2024-01-01,E,1\n2024-01-02,E,2\n2024-01-03,E,1,010.23\n")
    with pytest.raises(InputError, match="line 4 has 4 fields, those before it 3; a number with"):
        read_bars(file, "E")


# --------------------------------------------------------------------------- refused with the guess


def _all(file: Path) -> list[Bars]:
    return [read_bars(file, symbol) for symbol in symbols_of(file)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,tvl,volume,fees,liquidity\n2024-01-01,1,2,3,4\n", "fractal's pool history without"),
        ("time,coin,fundingRate\n2024-01-01,ETH,0.0001\n", "looks like funding rates"),
        ("a,b,c\nx,y,z\n", "no column of times among a, b, c"),
        ("1,2,3\n4,5,6\n", "no header and 3 columns"),
        ("timestamp_utc,symbol,close\n", "holds no rows"),
        ('{"a": 1}', "JSON without a list of candles"),
        ("<html><body>rate limited</body></html>", "no columns in"),
    ],
)
def test_what_is_no_table_of_prices_is_refused_with_a_guess(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "prices.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        _all(tmp_path / "prices.csv")


def test_another_column_is_read_by_its_name(tmp_path: Path) -> None:
    """Recorded funding has no close, and is asked for by name."""
    frame = pd.DataFrame({"time": TIMES, "symbol": "ETH", "rate": np.arange(72) / 1e4})
    frame.to_csv(tmp_path / "funding.csv", index=False)
    bars = read_bars(tmp_path / "funding.csv", "ETH", column="rate")
    assert bars.prices.tolist() == (np.arange(72) / 1e4).tolist()
    with pytest.raises(InputError, match="column high is missing; has rate"):
        read_bars(tmp_path / "funding.csv", "ETH", column="high")


# ------------------------------------------------------------------------------------ several files


def test_files_of_one_symbol_each_are_read_as_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": MS, "close": CLOSE})
    for name, rows in (("ETHUSDT-1h-a", slice(None, 40)), ("ETHUSDT-1h-b", slice(38, None))):
        frame[rows].to_csv(tmp_path / f"{name}.csv", index=False)
    (frame * [1, 2]).to_csv(tmp_path / "other.csv", index=False)
    both = f"{tmp_path}/ETHUSDT*.csv,BTCUSDT={tmp_path}/other.csv"
    assert symbols_of(both) == ["ETHUSDT", "BTCUSDT"]
    eth, btc = (read_bars(both, symbol) for symbol in ("ETHUSDT", "BTCUSDT"))
    assert np.array_equal(eth.prices, CLOSE)
    assert len(eth.duplicates) == 2  # what two files both have is taken once
    assert np.array_equal(btc.prices, 2 * CLOSE)
    assert eth.place(50).startswith(f"{tmp_path}/ETHUSDT-1h-b.csv: ETHUSDT, row 13 ")
    assert symbols_of(tmp_path) == ["ETHUSDT", "other"]  # a folder: all files in it
    with pytest.raises(InputError, match="no file there"):
        symbols_of(f"{tmp_path}/SOL*.csv")


def test_a_file_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    rows = [{"time": int(at), "symbol": "E", "close": 1.0} for at in MS]
    file.write_text(json.dumps(rows))
    assert read_bars(file, "E").prices[0] == 1.0
    file.write_text(json.dumps([row | {"close": 2.5} for row in rows]))
    assert read_bars(file, "E").prices[0] == 2.5


# ----------------------------------------------------------------------------------------- the grid


def test_a_live_last_row_is_dropped_and_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"timestamp_utc": TIMES, "symbol": "E", "close": CLOSE})
    live = {"timestamp_utc": TIMES[-1:] + pd.Timedelta(minutes=27), "symbol": "E", "close": 1_234.5}
    frame = pd.concat([frame, pd.DataFrame(live)], ignore_index=True)
    for order in (frame, frame[::-1]):
        order.to_csv(tmp_path / "prices.csv", index=False)
        bars = read_bars(tmp_path / "prices.csv", "E")
        assert np.array_equal(bars.prices, CLOSE)
        assert any("live, 2024-03-03 23:27:00 is off the grid" in note for note in bars.notes)


def test_a_stray_row_is_refused_and_makes_no_finer_grid(tmp_path: Path) -> None:
    frame = pd.DataFrame({"timestamp_utc": TIMES, "symbol": "E", "close": CLOSE})
    stray = frame.iloc[[30]].assign(timestamp_utc=TIMES[30] + pd.Timedelta(minutes=30))
    pd.concat([frame[:31], stray, frame[31:]]).to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(InputError, match="row 32: 2024-03-02 06:30:00 is off the grid of hourly"):
        read_bars(tmp_path / "prices.csv", "E")


def test_bars_that_change_their_length_are_refused(tmp_path: Path) -> None:
    times = TIMES.append(pd.date_range(TIMES[-1], periods=72, freq="30min")[1:])
    frame = pd.DataFrame({"timestamp_utc": times, "symbol": "E", "close": 1.0})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(InputError, match="row 1: hourly bars beside 30-minute bars"):
        read_bars(tmp_path / "prices.csv", "E")


def test_an_hour_that_comes_twice_is_local_time(tmp_path: Path) -> None:
    local = TIMES.tz_localize("UTC") + pd.Timedelta(days=238)  # to 27 October 2024
    local = local.tz_convert("Europe/Berlin").tz_localize(None)
    assert local.has_duplicates
    frame = pd.DataFrame({"timestamp_utc": local, "symbol": "E", "close": CLOSE})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    with pytest.raises(InputError, match=r"02:00:00 has two prices, .*clocks go back .* write UTC"):
        read_bars(tmp_path / "prices.csv", "E")


def _bars_of(order: tuple[str, ...], folder: Path) -> Path:
    spread = np.abs(np.random.default_rng(5).normal(0, 5, (2, len(CLOSE)))) + 1
    opening = np.roll(CLOSE, 1)
    prices = {"open": opening, "close": CLOSE}
    prices["high"] = np.maximum(opening, CLOSE) + spread[0]
    prices["low"] = np.minimum(opening, CLOSE) - spread[1]
    rows = np.column_stack([MS, *[prices[name] for name in order], np.ones(len(CLOSE))])
    (folder / "ETHUSD.json").write_text(json.dumps(rows.tolist()))
    return folder / "ETHUSD.json"


@pytest.mark.parametrize(
    "order", ["open high low close", "low high open close", "open close high low"]
)
def test_the_four_prices_are_told_by_their_sizes_where_no_header_does(
    tmp_path: Path, order: str
) -> None:
    """Exchanges' answers differ in the order; by place alone Bitfinex' low would be the close."""
    file = _bars_of(tuple(order.split()), tmp_path)
    assert np.array_equal(read_bars(file, "ETHUSD").prices, CLOSE)
    assert np.all(read_bars(file, "ETHUSD", column="low").prices < CLOSE)


def test_prices_in_no_known_order_are_refused(tmp_path: Path) -> None:
    file = _bars_of(("close", "low", "open", "high"), tmp_path)
    with pytest.raises(InputError, match="no usual order of open, high, low and close fits"):
        symbols_of(file)


@pytest.mark.parametrize("layout", ["%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_dates_written_as_one_number_are_no_epochs(tmp_path: Path, layout: str) -> None:
    frame = pd.DataFrame({"time": TIMES.strftime(layout), "symbol": "E", "close": CLOSE})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    assert read_bars(tmp_path / "prices.csv", "E").times.equals(TIMES)


def test_pandas_own_missing_values_are_gaps(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": MS, "symbol": pd.Categorical(["E"] * len(MS)), "close": CLOSE})
    frame = frame.astype({"time": "Int64", "close": "Float64"})
    frame.loc[3, "close"] = pd.NA
    frame.to_parquet(tmp_path / "prices.parquet")
    bars = read_bars(tmp_path / "prices.parquet", "E")
    assert np.flatnonzero(np.isnan(bars.prices)).tolist() == [3]
    assert bars.times.equals(TIMES)
