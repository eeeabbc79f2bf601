"""12 March 2020 as one venue's hourly candles have it, and the scenario that is to be it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from simulator.market.draw import draw
from simulator.types import Floats

RECORD = Path(__file__).parents[2].parent / "shared/data/history/march_2020_1h.parquet"
PATHS = 400


def figures(eth: Floats, btc: Floats) -> tuple[Floats, ...]:
    """Lows of both over the start, ETH's worst hour, correlation on the 12th and 13th.

    Of hourly prices ``[hours + 1, P]`` from 11 March 12:00.
    """
    hours = [np.diff(np.log(one), axis=0) for one in (eth, btc)]
    crisis = [(one[12:60] - one[12:60].mean(axis=0)) for one in hours]
    together = (crisis[0] * crisis[1]).sum(axis=0) / np.sqrt(
        (crisis[0] ** 2).sum(axis=0) * (crisis[1] ** 2).sum(axis=0)
    )
    worst = np.expm1(hours[0].min(axis=0))
    return eth.min(axis=0) / eth[0] - 1.0, btc.min(axis=0) / btc[0] - 1.0, worst, together


def test_the_scenario_is_what_its_header_says() -> None:
    config = load("march-2020")
    market = draw(config.market, 0, PATHS)
    every = 60 // config.step_minutes
    found = figures(*(market.index[market.assets.index(name)][::every] for name in ("ETH", "BTC")))
    lowest, of_btc, worst, together = (float(np.median(one)) for one in found)
    assert lowest == pytest.approx(-0.508, abs=0.08)
    assert of_btc == pytest.approx(-0.472, abs=0.08)
    assert worst == pytest.approx(-0.21, abs=0.06)
    assert together == pytest.approx(0.94, abs=0.07)


def test_the_header_is_what_was_recorded() -> None:
    if not RECORD.is_file():
        pytest.skip(f"recorded market data is not there: {RECORD}")
    record = pd.read_parquet(RECORD)
    closes = record.pivot_table(index="timestamp_utc", columns="symbol", values="close")
    # Stamped at their open: the first closes at 12:00.
    closes = closes["2020-03-11 11:00":"2020-03-14 22:00"]
    eth, btc = (closes[f"{name}USDT"].to_numpy()[:, None] for name in ("ETH", "BTC"))
    found = [float(one[0]) for one in figures(eth, btc)]
    assert found == pytest.approx([-0.508, -0.472, -0.21, 0.94], abs=0.02)
