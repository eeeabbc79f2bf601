"""Staked ETH in June 2022 as Chainlink's feed recorded it, and the scenario that is to be it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from simulator.market.draw import draw
from simulator.types import Floats

RECORD = Path(__file__).parents[2].parent / "shared/data/onchain/steth_chainlink_2022.parquet"
PATHS = 400


@pytest.fixture(scope="module")
def drawn() -> tuple[Floats, Floats]:
    """Hourly STETH over ETH, and ETH over its start, ``[T + 1, P]``."""
    market = draw(load("lst-discount", ["step_minutes=60"]).market, 0, PATHS)
    steth, eth = (market.index[market.assets.index(name)] for name in ("STETH", "ETH"))
    return steth / eth, eth / eth[0]


def test_the_scenario_is_what_its_header_says(drawn: tuple[Floats, Floats]) -> None:
    ratio, eth = drawn
    assert np.median(ratio.min(axis=0)) == pytest.approx(0.935, abs=0.005)
    assert np.median((ratio < 0.96).sum(axis=0)) == pytest.approx(220, rel=0.2)
    assert np.median((ratio < 0.945).sum(axis=0)) == pytest.approx(197, rel=0.2)
    assert np.median(eth[-1]) == pytest.approx(0.613, abs=0.1)


def test_the_header_is_what_was_recorded() -> None:
    if not RECORD.is_file():
        pytest.skip(f"recorded market data is not there: {RECORD}")
    record = pd.read_parquet(RECORD).set_index("timestamp_utc")
    hourly = record[["steth_eth", "eth_usd_1e8"]].resample("1h").last().ffill()
    hourly = hourly["2022-06-08":"2022-06-22 00:00"]
    assert len(hourly) == 337
    ratio = hourly["steth_eth"]
    assert ratio.min() == pytest.approx(0.935, abs=5e-4)
    assert ((ratio < 0.96).sum(), (ratio < 0.945).sum()) == (220, 197)
    assert hourly["eth_usd_1e8"].iloc[-1] / hourly["eth_usd_1e8"].iloc[0] == pytest.approx(
        0.613, abs=0.005
    )
