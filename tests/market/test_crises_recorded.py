"""May 2021, UST and LUNA, June and FTX's week of 2022: recorded, and what scenarios make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from simulator.market.draw import draw

if TYPE_CHECKING:
    from simulator.types import Floats

DATA = Path(__file__).parents[2].parent / "shared/data"
PATHS = 100


def recorded(name: str) -> pd.DataFrame:
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"recorded market data is not there: {file}")
    return pd.read_parquet(file)


def closes(name: str, start: str, end: str) -> pd.DataFrame:
    """Hourly closes by coin; bars are stamped at their open."""
    record = recorded(f"history/{name}.parquet")
    table = record.pivot_table(
        index="timestamp_utc", columns="symbol", values="close", observed=True
    )
    return table.loc[start:end]


def said(scenario: str, metric: str) -> float:
    (found,) = [one for one in load(scenario).documented if one.metric.startswith(metric)]
    return found.value


def lowest(prices: pd.Series) -> float:
    return float(prices.min() / prices.iloc[0] - 1.0)


def aave(start: str, end: str) -> pd.Series:
    """WETH liquidated on Aave v2, USD per hour."""
    record = recorded("onchain/aave_v2_ethereum_1h_2020_2022.parquet")
    weth = record[record["market"] == "aave_v2_weth"].set_index("timestamp_utc").sort_index()
    return weth.loc[start:end, "liquidated_usd_hour"]


def regained(prices: pd.Series, hours: int) -> float:
    """Part of the fall from the first to the lowest close that is made good so much later."""
    low = prices.min()
    later = prices.iloc[int(prices.argmin()) + hours]  # of the hours none is missing
    return float((later - low) / (prices.iloc[0] - low))


LUNA_DAYS = ("2022-05-08", "2022-05-12 00:00")
FTX_WEEK = ("2022-11-05", "2022-11-14 23:00")
WINDOWS = {
    "may-2021": ("2021-05-18 12:00", "2021-05-24 12:00", "2021-05-18", "2021-05-24"),
    "june-2022": ("2022-06-08", "2022-06-22", "2022-06-08", "2022-06-22"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_what_is_documented_was_recorded(name: str) -> None:
    first, last, day, end = WINDOWS[name]
    eth = closes("spot_1h_2020_2022", first, last)["ETHUSDT"]
    assert lowest(eth) == pytest.approx(said(name, "index_low"), abs=0.002)
    liquidated = aave(day, end)
    assert liquidated.sum() == pytest.approx(said(name, "forced_usd"), rel=0.01)
    peak = liquidated.max() / liquidated.sum()
    assert peak == pytest.approx(said(name, "forced_peak_hour"), abs=0.002)


@pytest.mark.parametrize(
    ("name", "file", "symbol", "window", "hours"),
    [
        ("march-2020", "march_2020_1h", "ETH", ("2020-03-11 12:00", "2020-03-14 23:00"), (6, 24)),
        ("may-2021", "spot_1h_2020_2022", "ETH", ("2021-05-18 12:00", "2021-05-24 12:00"), (6,)),
        ("june-2022", "spot_1h_2020_2022", "ETH", ("2022-06-08", "2022-06-22"), (6, 24)),
        ("ftx-2022", "spot_1h_2020_2022", "SOL", FTX_WEEK, (6, 24)),
    ],
)
def test_what_is_said_to_have_come_back_was_recorded(
    name: str, file: str, symbol: str, window: tuple[str, str], hours: tuple[int, ...]
) -> None:
    prices = closes(file, *window)[f"{symbol}USDT"]
    for later in hours:
        found = regained(prices, later)
        assert found == pytest.approx(said(name, f"index_recovered_{later}h"), abs=0.001)


def test_what_may_2021_says_of_volatility_and_correlation_was_recorded() -> None:
    coins = ["ETHUSDT", "BTCUSDT"]
    month = closes("spot_1h_2020_2022", "2021-04-18", "2021-05-17")[coins]
    before = month.apply(np.log).diff()
    config = load("may-2021")
    for coin in coins:
        year = before[coin].std() * np.sqrt(24 * 365)
        assert config.assets[coin.removesuffix("USDT")].volatility == pytest.approx(year, rel=0.02)
    pair = config.correlation.pairs["ETH/BTC"]
    assert pair == pytest.approx(before.corr().iloc[0, 1], abs=0.01)
    week = closes("spot_1h_2020_2022", *WINDOWS["may-2021"][:2])[coins]
    during = week.apply(np.log).diff()
    together = said("may-2021", "realised_correlation")
    assert during.corr().iloc[0, 1] == pytest.approx(together, abs=0.005)


def test_the_anchors_of_ust_and_luna_were_recorded() -> None:
    record = closes("ust_luna_2022_1h", *LUNA_DAYS)
    coins = {"LUNA": "LUNAUSDT", "UST": "USTUSDT"}
    for shock in load("ust-luna-2022").shocks:
        if shock.kind != "depeg":
            continue
        prices = record[coins[shock.asset]].to_numpy()
        for hour, price in shock.anchors:
            assert price == pytest.approx(prices[int(hour)], rel=0.006), (shock.asset, hour)
    low = lowest(record["LUNAUSDT"])
    assert low == pytest.approx(said("ust-luna-2022", "index_low"), abs=0.002)


def test_what_ftx_2022_says_of_the_hedge_was_recorded() -> None:
    coins = ["SOLUSDT", "BTCUSDT", "ETHUSDT"]
    month, week = (
        closes("spot_1h_2020_2022", *days)[coins].apply(np.log).diff().dropna()
        for days in (("2022-10-05", "2022-11-04 23:00"), FTX_WEEK)
    )
    config = load("ftx-2022")
    for coin in coins:
        year = month[coin].std() * np.sqrt(24 * 365)
        assert config.assets[coin.removesuffix("USDT")].volatility == pytest.approx(year, rel=0.02)
    before, after = (
        np.linalg.solve(
            one.cov().loc[coins[1:], coins[1:]].to_numpy(),
            one.cov().loc[coins[1:], "SOLUSDT"].to_numpy(),
        )
        for one in (month, week)
    )
    assert before == pytest.approx([0.21, 0.81], abs=0.03)
    assert after == pytest.approx([said("ftx-2022", "realised_beta"), 0.8], abs=0.03)
    tied = np.corrcoef(week["SOLUSDT"], week[coins[1:]] @ before)[0, 1]
    assert tied == pytest.approx(said("ftx-2022", "realised_corr"), abs=0.01)


def falls(scenario: str, symbol: str) -> Floats:
    """Lowest price over the first, by path: before anybody trades."""
    market = draw(load(scenario).market, 0, PATHS)
    index = market.index[market.assets.index(symbol)]
    return index.min(axis=0) / index[0] - 1.0


@pytest.mark.parametrize(
    ("name", "symbol", "fall"),
    [
        ("may-2021", "ETH", -0.459),
        ("may-2021", "BTC", -0.267),
        ("june-2022", "ETH", -0.502),
        ("june-2022", "BTC", -0.427),
        ("june-2022", "SOL", -0.337),
        ("ust-luna-2022", "LUNA", -0.989),
        ("ftx-2022", "SOL", -0.642),
        ("ftx-2022", "BTC", -0.265),
        ("ftx-2022", "ETH", -0.335),
    ],
)
def test_the_median_path_falls_as_far_as_was_recorded(name: str, symbol: str, fall: float) -> None:
    assert np.median(falls(name, symbol)) == pytest.approx(fall, abs=0.08)
    other = {"ust-luna-2022": LUNA_DAYS, "ftx-2022": FTX_WEEK}
    first, last = other[name] if name in other else WINDOWS[name][:2]
    file = "ust_luna_2022_1h" if symbol == "LUNA" else "spot_1h_2020_2022"
    assert lowest(closes(file, first, last)[f"{symbol}USDT"]) == pytest.approx(fall, abs=0.002)
