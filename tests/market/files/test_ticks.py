"""Rows at irregular times are sampled: the last price at or before each step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from simulator.market.draw import draw
from simulator.market.files import ticks
from simulator.market.history import with_history
from simulator.market.history_file import read_bars
from simulator.types import InputError


def trades(mean_seconds: float, count: int, seed: int) -> pd.DataFrame:
    """Trades as a Poisson process, several a moment now and then."""
    generator = np.random.default_rng(seed)
    waits = generator.exponential(mean_seconds * 1e3, count).round()
    waits[::50] = 0
    times = pd.Timestamp("2023-01-01 00:00:17") + pd.to_timedelta(np.cumsum(waits), unit="ms")
    prices = 20 * np.exp(np.cumsum(generator.normal(0, 1e-3, count)))
    return pd.DataFrame({"timestamp_utc": times, "price": prices})


@pytest.mark.parametrize(("mean_seconds", "minutes"), [(5, 1), (60, 5), (900, 60), (9_000, 1_440)])
def test_the_last_trade_at_or_before_each_step_is_its_price(
    tmp_path: Path, mean_seconds: float, minutes: int
) -> None:
    frame = trades(mean_seconds, 3_000, 3)
    file = tmp_path / "trades.csv"
    frame.assign(symbol="SOLUSDT", close=frame["price"]).drop(columns="price").to_csv(
        file, index=False
    )
    bars = read_bars(file, "SOLUSDT")
    assert bars.bar == pd.Timedelta(minutes=minutes)
    assert bars.lag == pd.Timedelta(0)
    for moment, price in list(zip(bars.times, bars.prices, strict=True))[:: len(bars.times) // 20]:
        before = frame[frame["timestamp_utc"] <= moment]
        assert price == pytest.approx(before["price"].iloc[-1], rel=1e-12)
        assert before["timestamp_utc"].iloc[-1] > moment - bars.bar
    assert any(f"every {minutes} minutes is taken" in note for note in bars.notes)


def test_trades_are_replayed_and_it_is_said(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    parts = [
        trades(60, 6_000, seed).rename(columns={"price": "close"}).assign(symbol=symbol)
        for seed, symbol in enumerate(("SOLUSDT", "ETHUSDT"))
    ]
    pd.concat(parts).to_csv(file, index=False)
    config = with_history(load("calm"), file, "SOL", ["ETH"], "2023-01-03:2023-01-03")
    assert config.step_minutes == 5
    assert draw(config.market, 0, 1).index.shape[1] == config.steps + 1 == 288
    assert any("irregular times" in note for note in config.history.notes)


def test_bars_with_gaps_are_no_trades() -> None:
    regular = pd.date_range("2023-01-01", periods=500, freq="1h")
    generator = np.random.default_rng(1)
    assert not ticks.are(regular)
    assert not ticks.are(regular[np.sort(generator.choice(500, 400, replace=False))])
    assert not ticks.are(regular[::-1])
    assert ticks.are(regular + pd.to_timedelta(generator.uniform(0, 3_000, 500), unit="s"))


def test_what_lacks_rows_for_whole_days_is_refused(tmp_path: Path) -> None:
    frame = trades(400_000, 200, 5)
    file = tmp_path / "rare.csv"
    frame.rename(columns={"price": "close"}).assign(symbol="SOLUSDT").to_csv(file, index=False)
    with pytest.raises(InputError, match="irregular times"):
        read_bars(file, "SOLUSDT")
