"""Speed of the hedge study: every estimator walked over many coins, refits included."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from simulator.bench.row import WORKERS, Row
from simulator.market.streams import Stream
from simulator.study import Settings, study_all

COINS, HOURS = 20, 23_000
HEDGES = ("BTCUSDT", "ETHUSDT")


def rows() -> list[Row]:
    """Wall-clock time of the hourly study, from the file to the tests and intervals."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "prices.parquet"
        targets = _write(file)
        study_all(file, [(targets[0], HEDGES)], [Settings()], workers=1)  # compiles
        began = time.perf_counter()
        study_all(file, [(target, HEDGES) for target in targets], [Settings()], workers=WORKERS)
        taken = time.perf_counter() - began
    return [
        Row(
            "hedge_study_seconds",
            taken,
            "s",
            "<= 120",
            f"hedge study of {COINS} coins × {HOURS:,} hours, all estimators, {WORKERS} cores",
        )
    ]


def _write(file: Path) -> list[str]:
    """Prices of a market factor and noise, volatility coming and going; returns the targets."""
    targets = [f"COIN{number}USDT" for number in range(COINS)]
    symbols = [*HEDGES, *targets]
    normals = Stream(1, "bench.study").normals(0, len(symbols) + 1, HOURS)
    level = 0.008 * np.exp(0.5 * np.sin(np.arange(HOURS) / 700.0))[:, None]
    returns = level * (normals[:, :1] + 0.7 * normals[:, 1:])
    times = pd.date_range("2020-01-01", periods=HOURS, freq="h")
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    frames = [
        pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": close[:, place]})
        for place, symbol in enumerate(symbols)
    ]
    pd.concat(frames).to_parquet(file)
    return targets
