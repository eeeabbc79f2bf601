"""``paths fit`` and ``paths draw``: what is written is a scenario, and shows what was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from simulator.calibration import calibrate, draw_and_show, parse_symbols, parse_window
from simulator.config import from_mapping, load, to_yaml
from simulator.market.draw import draw
from simulator.market.fitting import KINDS
from simulator.market.paths import MarketPaths
from simulator.market.prices import draw_index
from simulator.report.paths import autocorrelations, rolling_correlation
from simulator.types import InputError

from .panels import COINS, PROCESSES, configured

SYMBOLS = {name: f"{name}USD" for name in COINS}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A month of hourly prices with two regimes, as a CSV file."""
    index = draw_index(configured(PROCESSES["regime"]).market, 0, 1)[1:, :, 0]
    times = pd.date_range("2022-03-01", periods=index.shape[1], freq="h")
    tables = [
        pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": prices})
        for symbol, prices in zip(SYMBOLS.values(), index, strict=True)
    ]
    file = tmp_path / "recorded.csv"
    pd.concat(tables).to_csv(file, index=False)
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_block_makes_a_scenario_of_any_that_has_the_assets(
    recorded: Path, kind: str
) -> None:
    fitted = calibrate(recorded, kind, SYMBOLS)
    calm = load("calm")
    config = fitted.into(calm)
    assert config.process.kind == kind
    assert from_mapping(yaml.safe_load(to_yaml(config))) == config
    for name, volatility in zip(COINS, fitted.fitted.volatility, strict=True):
        assert config.assets[name].volatility == pytest.approx(volatility, abs=1e-6)
        assert config.assets[name].price == calm.assets[name].price
    assert np.all(np.isfinite(draw_index(config.market, 0, 2)))


def test_the_block_alone_says_what_it_rests_on(recorded: Path) -> None:
    fitted = calibrate(recorded, "regime", SYMBOLS, parse_window("2022-03-01:2022-03-20"))
    text = fitted.yaml()
    assert text.startswith(f"# regime fitted to {recorded}: ETHUSD, BTCUSD, SOLUSD\n")
    assert "# 479 returns of 60 minutes, 0 bars filled\n" in text
    assert "# from 2022-03-01 00:00:00 to 2022-03-20 23:00:00\n" in text
    assert "# transition.0.1 = " in text
    data = yaml.safe_load(text)
    assert data == fitted.block()
    assert set(data["assets"]) == set(COINS)
    prices = pd.read_csv(recorded).query("timestamp_utc == '2022-03-20 23:00:00'")["close"]
    assert [each["price"] for each in data["assets"].values()] == pytest.approx(list(prices))
    # Pasted over a scenario, section by section, it is one.
    whole = load("calm").model_dump(mode="json")
    whole["assets"] |= data.pop("assets")
    assert from_mapping(whole | data).process.kind == "regime"


def test_pairs_that_were_not_fitted_stay_the_scenarios(recorded: Path) -> None:
    two = {name: SYMBOLS[name] for name in ("SOL", "ETH")}
    pairs = calibrate(recorded, "t", two).into(load("calm")).correlation.pairs
    assert pairs["ETH/BTC"] == 0.85
    assert set(pairs) == {"ETH/BTC", "BTC/SOL", "SOL/ETH"}
    assert pairs["SOL/ETH"] != 0.7


def test_an_asset_the_scenario_lacks_is_named(recorded: Path) -> None:
    fitted = calibrate(recorded, "t", {"ETH": "ETHUSD", "AVAX": "SOLUSD"})
    with pytest.raises(InputError, match="symbols = AVAX: calm has no such asset"):
        fitted.into(load("calm"))


@pytest.mark.parametrize("regimes", [1, 9])
def test_the_number_of_regimes_is_bounded(recorded: Path, regimes: int) -> None:
    with pytest.raises(InputError, match=f"regimes = {regimes}: must be from 2 to 8"):
        calibrate(recorded, "regime", SYMBOLS, regimes=regimes)
    with pytest.raises(InputError, match="with --process regime only"):
        calibrate(recorded, "t", SYMBOLS, regimes=3)
    assert len(calibrate(recorded, "regime", SYMBOLS, regimes=3).block()["process"]["regimes"]) == 3


@pytest.mark.parametrize("text", ["SOL", "SOL=", "=SOLUSD", "SOL=A,SOL=B", ""])
def test_symbols_are_pairs(text: str) -> None:
    with pytest.raises(InputError, match="must be ASSET=SYMBOL"):
        parse_symbols(text)
    assert parse_symbols("SOL=SOLUSDT, BTC=BTCUSDT") == {"SOL": "SOLUSDT", "BTC": "BTCUSDT"}


def test_drawing_writes_the_paths_and_a_picture_of_them(tmp_path: Path) -> None:
    config = configured(PROCESSES["dcc"], horizon_hours=30, paths=4)
    draw_and_show(config, tmp_path / "p.parquet", tmp_path / "p.png")
    saved = MarketPaths.from_parquet(tmp_path / "p.parquet")
    assert np.array_equal(saved.index, draw(config.market, 0, 4).index)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"picture = .*p\.nothing"):
        draw_and_show(config, tmp_path / "p.parquet", tmp_path / "p.nothing")


def test_what_the_picture_shows_is_what_pandas_computes() -> None:
    one, other = np.random.default_rng(3).standard_normal((2, 200))
    other = other + one
    expected = pd.Series(one).rolling(30).corr(pd.Series(other)).to_numpy()[29:]
    assert rolling_correlation(one, other, 30) == pytest.approx(expected)
    assert np.all(rolling_correlation(np.zeros(9), np.arange(9.0), 4) == 0)
    # A long AR(1) forgets at its rate.
    series = np.zeros((20_000, 2))
    noise = np.random.default_rng(4).standard_normal(series.shape)
    for step in range(1, len(series)):
        series[step] = 0.7 * series[step - 1] + noise[step]
    assert autocorrelations(series, 3) == pytest.approx([0.7, 0.49, 0.343], abs=0.03)
