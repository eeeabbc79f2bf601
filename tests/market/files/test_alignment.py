"""Bars of unlike length belong together when they close together, wherever prices are used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import calibrate
from simulator.config import load
from simulator.market.draw import draw
from simulator.market.files.window import chosen
from simulator.market.history import with_history
from simulator.market.history_file import Reading, read_bars, read_together
from simulator.market.panel import read_panel
from simulator.study.walks import read_returns
from simulator.types import InputError

DAYS = 60
START = "2024-01-01"


def _minutes() -> pd.Series:
    """A price every ten minutes, at the moment of its close."""
    times = pd.date_range(START, periods=DAYS * 144 + 1, freq="10min")
    moves = np.random.default_rng(4).normal(0, 0.002, len(times))
    return pd.Series(100 * np.exp(np.cumsum(moves)), index=times)


def _bars(closes: pd.Series, symbol: str, freq: str, scale: float = 1.0) -> pd.DataFrame:
    """Bars stamped at their opening, as exchanges write them."""
    length = pd.Timedelta(freq)
    at = closes[(closes.index - closes.index[0]) % length == pd.Timedelta(0)][1:]
    frame = pd.DataFrame({"timestamp_utc": at.index - length, "close": scale * at.to_numpy()})
    return frame.assign(symbol=symbol)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Spot in hours and its perp, which costs twice as much, in half hours."""
    closes = _minutes()
    file = tmp_path / "both.csv"
    frames = [_bars(closes, "ETHUSDT", "1h"), _bars(closes, "ETH-PERP", "30min", 2.0)]
    pd.concat(frames).to_csv(file, index=False)
    return file


def test_hours_beside_half_hours_hedge_perfectly(both: Path) -> None:
    """By stamps alone the perp's price is half an hour old, and explains a quarter."""
    _, returns = read_returns(both, ["ETHUSDT", "ETH-PERP"], "1h")
    assert returns[:, 0] == pytest.approx(returns[:, 1], abs=1e-12)
    panel = read_panel(both, ("ETHUSDT", "ETH-PERP"))
    assert panel.step_minutes == 60
    assert panel.returns[:, 0] == pytest.approx(panel.returns[:, 1], abs=1e-12)
    named = {"ETH": "ETHUSDT", "PERP": "ETH-PERP"}
    fitted = calibrate(both, "bootstrap", named).block()
    assert fitted["correlation"]["pairs"] == {"ETH/PERP": pytest.approx(1.0)}


def test_a_replay_has_both_prices_of_one_moment(both: Path) -> None:
    config = with_history(load("calm"), both, "ETHUSDT", ["ETH-PERP"], "2024-02-01:2024-02-05")
    assert config.symbols == ("USDC", "ETHUSDT", "ETHPERP")
    spot, perp = draw(config.market, 0, 1).index[1:, :, 0]
    assert perp == pytest.approx(2 * spot, rel=1e-12)
    # A bar is named by its opening: the first price is the close an hour later.
    assert spot[0] == pytest.approx(_minutes()["2024-02-01 01:00"], rel=1e-12)


def test_a_series_stamped_at_its_close_is_matched_to_one_stamped_at_its_opening(
    tmp_path: Path,
) -> None:
    """CoinGecko gives prices of a moment, an exchange bars: equal stamps are an hour apart."""
    closes = _minutes()
    hours = closes[pd.DatetimeIndex(closes.index).minute == 0]
    moments = pd.DataFrame({"snapped_at": hours.index, "price": hours.to_numpy()})
    moments.to_csv(tmp_path / "eth-usd-max.csv", index=False)
    _bars(closes, "ETHUSDT", "1h").to_csv(tmp_path / "bars.csv", index=False)
    file = f"{tmp_path}/bars.csv,{tmp_path}/eth-usd-max.csv"
    exchange, site = read_together(file, ["ETHUSDT", "ETH-USD"])
    common = exchange.times.intersection(site.times)
    assert len(common) >= len(exchange.times) - 1
    one, other = (b.prices[b.times.get_indexer(common)] for b in (exchange, site))
    assert one == pytest.approx(other, rel=1e-12)


def test_stamps_at_the_close_are_an_option(tmp_path: Path) -> None:
    closes = _minutes()
    frames = [_bars(closes, "A", "1h"), _bars(closes, "B", "30min")]
    for frame, length in zip(frames, ("1h", "30min"), strict=True):
        frame["timestamp_utc"] += pd.Timedelta(length) - pd.Timedelta(milliseconds=1)
    pd.concat(frames).to_csv(tmp_path / "prices.csv", index=False)
    panel = read_panel(tmp_path / "prices.csv", ("A", "B"), reading=Reading(stamps="close"))
    assert panel.returns[:, 0] == pytest.approx(panel.returns[:, 1], abs=1e-12)
    with pytest.raises(InputError, match="stamps = end: must be one of open, close"):
        Reading(stamps="end")


def test_bars_that_never_close_together_are_refused(tmp_path: Path) -> None:
    closes = _minutes()
    shifted = _bars(closes, "B", "1h")
    shifted["timestamp_utc"] += pd.Timedelta(minutes=20)
    pd.concat([_bars(closes, "A", "1h"), shifted]).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError, match="close at 01:20, A hourly bars that close at 01:00"):
        read_together(tmp_path / "p.csv", ["A", "B"])


@pytest.mark.parametrize("freq", ["4h", "1d"])
def test_long_bars_are_replayed_resampled_fitted_and_hedged(tmp_path: Path, freq: str) -> None:
    """They open at half past, as some venues' do; a window's day begins with its first bar."""
    closes = _minutes()
    frames = [_bars(closes, "AUSDT", freq), _bars(closes, "BUSDT", freq, 3.0)]
    for frame in frames:
        frame["timestamp_utc"] += pd.Timedelta(minutes=30)
    file = tmp_path / "prices.csv"
    pd.concat(frames).to_csv(file, index=False)
    slow = load("calm", ["oracle.max_age_minutes=2880"])  # rounds come with the bars
    config = with_history(slow, file, "A", ["B"], "2024-02-01:2024-02-20")
    bars = read_bars(file, "AUSDT")
    assert config.step_minutes == bars.bar / pd.Timedelta(minutes=1)
    assert config.history.start == datetime(2024, 2, 1, 0, 30)
    assert any("begins at 2024-02-01 00:30" in note for note in config.history.notes)
    first, last = pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-21")
    inside = (bars.times >= first) & (bars.times < last)
    assert draw(config.market, 0, 1).index[1, :, 0] == pytest.approx(bars.prices[inside])
    assert len(read_panel(file, ("AUSDT", "BUSDT")).returns) == len(bars.prices) - 1
    start, returns = read_returns(file, ["AUSDT", "BUSDT"], "1d")
    assert start == pd.Timestamp("2024-01-01 00:30") + pd.Timedelta(days=1) * (start.day - 1)
    assert len(returns) >= DAYS - 3
    with pytest.raises(InputError, match=r"horizon = 1h: the bars of .* must be at most 60"):
        read_returns(file, ["AUSDT", "BUSDT"], "1h")


# --------------------------------------------------------------------------------------- the window


@pytest.fixture
def delisted(tmp_path: Path) -> Path:
    """LUNA ends on the 13th of February, SOL is listed on the 5th of January."""
    closes, file = _minutes(), tmp_path / "prices.csv"
    luna, sol, btc = (_bars(closes, f"{name}USDT", "1h") for name in ("LUNA", "SOL", "BTC"))
    luna = luna[luna["timestamp_utc"] < "2024-02-13"]
    sol = sol[sol["timestamp_utc"] >= "2024-01-05"]
    pd.concat([luna, sol, btc]).to_csv(file, index=False)
    return file


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (
            "2024-02-01:2024-02-20",
            "LUNAUSDT from .* to 2024-02-12 23:00:00, delisted .* end at 2024",
        ),
        ("2024-01-02:2024-02-10", "SOLUSDT from 2024-01-05 00:00:00 to .*, not listed before"),
        ("2024-02-20:2024-02-25", "LUNAUSDT"),
        ("2023-02-20:2023-02-25", "from 2024-01-01"),
        # what would do is not outside of what was asked for
        ("2024-02-20:2024-02-25", "let it lie within 2024-01-05T00:00 to 2024-02-12T23:00"),
        ("2023-02-20:2023-02-25", "let it lie within 2024-01-05T00:00 to 2024-02-12T23:00"),
    ],
)
def test_a_window_beyond_the_record_is_refused_naming_the_symbol(
    delisted: Path, window: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        with_history(load("calm"), delisted, "LUNA", ["SOL", "BTC"], window)


def test_without_a_window_what_bounds_it_is_said(delisted: Path) -> None:
    config = with_history(load("calm"), delisted, "LUNA", ["SOL", "BTC"])
    assert config.history.start == datetime(2024, 1, 5)
    notes = " ".join(config.history.notes)
    assert "end at 2024-02-12 23:00:00, where LUNAUSDT does" in notes
    assert "begin at 2024-01-05 00:00:00, where SOLUSDT does" in notes


def test_a_day_named_last_counts_whole_and_no_bar_more(delisted: Path) -> None:
    bars = read_together(delisted, ["LUNAUSDT", "BTCUSDT"])
    window = (datetime(2024, 2, 1), datetime(2024, 2, 12, 23, 59, 59, 999_999))
    assert chosen(bars, window) == (datetime(2024, 2, 1), datetime(2024, 2, 12, 23), [])


def test_a_window_begins_with_the_first_close_all_have(tmp_path: Path) -> None:
    """Half hours that begin with the second half of an hour close first at that hour's end."""
    closes, file = _minutes(), tmp_path / "prices.csv"
    late = _bars(closes, "B", "30min")[1:]
    pd.concat([_bars(closes, "A", "1h"), late]).to_csv(file, index=False)
    bars = read_together(file, ["A", "B"])
    first, _, notes = chosen(bars, (datetime(2024, 1, 1), None))
    assert (first, notes) == (datetime(2024, 1, 1), [])
    pd.concat([_bars(closes, "A", "1h"), late[1:]]).to_csv(file, index=False)
    first, _, notes = chosen(read_together(file, ["A", "B"]), (datetime(2024, 1, 1), None))
    assert first == datetime(2024, 1, 1, 1)
    assert notes == ["window begins at 2024-01-01 01:00, the first bar in it"]
