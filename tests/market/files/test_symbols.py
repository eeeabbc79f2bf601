"""Symbols are split as exchanges write them; two quotes are two assets, euros no dollars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from simulator.market.files.symbols import asset_names, find, in_dollars, split
from simulator.market.history import with_history
from simulator.study import pair
from simulator.types import InputError


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("SOLUSDT", ("SOL", "USDT")),
        ("SOL/USDT", ("SOL", "USDT")),
        ("SOL-USD", ("SOL", "USD")),
        ("SOL_USDT", ("SOL", "USDT")),
        ("SOL-USDT-SWAP", ("SOL", "USDT")),
        ("SOL/USDT:USDT", ("SOL", "USDT")),
        ("SOLUSDT_PERP", ("SOL", "USDT")),
        ("SOLUSDT.P", ("SOL", "USDT")),
        ("BINANCE:SOLUSDT", ("SOL", "USDT")),
        ("SOL-PERP", ("SOL", None)),
        ("SOL", ("SOL", None)),
        ("sol-usd", ("SOL", "USD")),
        ("BTCUSDC", ("BTC", "USDC")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("BTCBUSD", ("BTC", "BUSD")),
        ("SOLEUR", ("SOL", "EUR")),
        ("ETHBTC", ("ETH", "BTC")),
        ("WBTCUSDT", ("WBTC", "USDT")),
        ("WBTC", ("WBTC", None)),
        ("WSTETH", ("WSTETH", None)),
        ("USDC", ("USDC", None)),
        ("USDCUSDT", ("USDC", "USDT")),
        ("TUSDUSDT", ("TUSD", "USDT")),
        ("USTUSDT", ("UST", "USDT")),
        ("XBTUSD", ("BTC", "USD")),
        ("XXBTZUSD", ("BTC", "USD")),
        ("DOTUSD", ("DOT", "USD")),
        ("ARBUSD", ("ARB", "USD")),
        ("BTCTUSD", ("BTC", "TUSD")),
        ("XETHZEUR", ("ETH", "EUR")),
        ("1INCHUSDT", ("1INCH", "USDT")),
        ("EURUSDT", ("EUR", "USDT")),
    ],
)
def test_a_symbol_is_split_by_the_fields_rules(symbol: str, pair: tuple[str, str | None]) -> None:
    assert split(symbol) == pair


def test_euros_and_coins_are_no_dollars() -> None:
    quoted = {symbol: in_dollars(symbol) for symbol in ("SOLEUR", "ETHBTC", "SOLUSDC", "SOL")}
    assert quoted == {"SOLEUR": False, "ETHBTC": False, "SOLUSDC": True, "SOL": True}


def test_a_short_name_means_the_only_symbol_that_fits() -> None:
    known = ["ETHUSDT", "ETHEUR", "BTCUSDT", "BTCUSDC", "SOL/USDT"]
    assert find("ETH", known, "file") == "ETHUSDT"  # the other is no dollar price
    assert find("SOLUSDT", known, "file") == "SOL/USDT"
    assert find("BTCUSDC", known, "file") == "BTCUSDC"
    with pytest.raises(InputError, match="file: BTC may be BTCUSDT, BTCUSDC: name one of them"):
        find("BTC", known, "file")
    with pytest.raises(InputError, match="symbol SOLUSD is not there; did you mean SOL/USDT"):
        find("SOLUSD", known, "file")


def test_two_quotes_of_one_coin_are_two_assets() -> None:
    assert asset_names(["SOLUSDT", "BTCUSDT", "BTCUSDC"]) == ["SOL", "BTCUSDT", "BTCUSDC"]
    assert asset_names(["SOL/USDT", "SOL-PERP"]) == ["SOLUSDT", "SOLPERP"]
    assert asset_names(["ETHUSDT", "USDCUSDT"]) == ["ETH", "USDCUSDT"]
    assert asset_names(["ETH", "USDC"]) == ["ETH", "USDCUSD"]
    assert asset_names(["ETHUSDT", "ETHUSDT"]) == ["ETH", "ETH"]  # a hedge in itself


@pytest.fixture
def file(tmp_path: Path) -> Path:
    times = pd.date_range("2024-01-01", periods=480, freq="1h")
    names = ["ETHUSDT", "SOLEUR", "BTCUSDT", "BTCUSDC", "USDCUSDT"]
    moves = np.random.default_rng(3).normal(0, 0.01, (480, len(names)))
    prices = pd.DataFrame(np.exp(np.cumsum(moves, axis=0)), index=times, columns=names)
    prices.rename_axis("timestamp").to_csv(tmp_path / "wide.csv")
    return tmp_path / "wide.csv"


def test_both_quotes_and_usdc_are_legs_of_a_replay(file: Path) -> None:
    config = with_history(load("calm"), file, "ETH", ["BTCUSDT", "BTCUSDC", "USDCUSDT"])
    assert config.symbols == ("USDC", "ETH", "BTCUSDT", "BTCUSDC", "USDCUSDT")
    assert config.history.symbols["ETH"] == "ETHUSDT"
    assert config.assets["USDC"].price == 1.0  # the accounting asset is not the leg


def test_a_price_in_euros_is_refused_unless_named(file: Path) -> None:
    with pytest.raises(InputError, match=r"SOLEUR is quoted in EUR, not in dollars; .*SOL=SOLEUR"):
        with_history(load("calm"), file, "SOLEUR", ["BTCUSDT"])
    config = with_history(load("calm"), file, "SOL=SOLEUR", ["BTCUSDT"])
    assert config.symbols == ("USDC", "SOL", "BTC")
    assert any("SOLEUR: quoted in EUR, taken as USD" in note for note in config.history.notes)
    with pytest.raises(InputError, match="SOLEUR is quoted in EUR, BTCUSDT in USD"):
        pair(file, "SOLEUR", ["BTCUSDT"])
