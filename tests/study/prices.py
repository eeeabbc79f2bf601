"""History files of three coins with a known beta."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from simulator.types import Floats

START = pd.Timestamp("2021-03-01 05:00")
HEDGES = ("BTCUSDT", "ETHUSDT")


def prices(seed: int, beta: Floats) -> Floats:
    """Hourly prices ``[hours, 3]`` of SOL, BTC and ETH; SOL follows BTC by ``beta [hours]``."""
    generator = np.random.default_rng(seed)
    hours = len(beta)
    market = 0.006 * generator.standard_t(5.0, hours)
    ether = market + 0.004 * generator.standard_normal(hours)
    target = beta * market + 0.004 * generator.standard_normal(hours)
    return 100.0 * np.exp(np.cumsum(np.stack([target, market, ether], axis=1), axis=0))


def write(path: Path, table: Floats) -> Path:
    """The prices as a history file."""
    times = pd.date_range(START, periods=len(table), freq="h")
    frames = [
        pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": table[:, column]})
        for column, symbol in enumerate(("SOLUSDT", *HEDGES))
    ]
    pd.concat(frames).to_parquet(path)
    return path
