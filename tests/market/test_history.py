from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulator.config import from_mapping, initial_betas, load, resolve, to_yaml
from simulator.config.models import Config
from simulator.config.monitor import monitor_settings
from simulator.config.replays import notes
from simulator.market.draw import draw
from simulator.market.history import parse_window, with_history
from simulator.market.replayed import recorded_series
from simulator.types import InputError

FTX = "2022-10-15:2022-11-30"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Twenty days of hourly bars of three symbols; BBB moves as half of AAA, before and after."""
    generator = np.random.default_rng(8)
    times = pd.date_range("2022-01-01", periods=480, freq="1h")
    common = generator.normal(0, 0.01, 480)
    frames = [
        pd.DataFrame(
            {
                "timestamp_utc": times,
                "symbol": f"{name}USDT",
                "close": level * np.exp(np.cumsum(scale * common + generator.normal(0, own, 480))),
            }
        )
        for name, level, scale, own in (
            ("AAA", 30, 1, 0.002),
            ("BBB", 100, 0.5, 0),
            ("CCC", 2, 0, 0.01),
        )
    ]
    file = tmp_path / "prices.parquet"
    pd.concat(frames).to_parquet(file)
    return file


def _replay(file: Path, window: str | None = "2022-01-11:2022-01-15", **options: Any) -> Config:
    return with_history(load("calm"), file, "AAAUSDT", ["BBBUSDT", "CCCUSDT"], window, **options)


def test_all_paths_replay_the_recorded_prices_exactly_and_noise_still_differs(prices: Path) -> None:
    config = _replay(prices)
    market = draw(config.market, 0, 4)
    frame = pd.read_parquet(prices)
    for row, symbol in enumerate(("AAA", "BBB", "CCC"), start=1):
        close = frame.loc[frame["symbol"] == f"{symbol}USDT", "close"].to_numpy()[240 : 240 + 120]
        assert np.array_equal(market.index[row], np.repeat(close[:, None], 4, axis=1))
    assert config.symbols == ("USDC", "AAA", "BBB", "CCC")
    assert config.steps == 119  # the fifteenth counts whole: to 23:00
    assert len({column.tobytes() for column in market.noise_swap.T}) == 4
    assert np.array_equal(draw(config.market, 2, 1).noise_swap[:, 0], market.noise_swap[:, 2])


def test_the_hedge_is_what_data_before_the_window_gives(prices: Path) -> None:
    config = _replay(prices)
    frame = pd.read_parquet(prices).pivot(index="timestamp_utc", columns="symbol", values="close")
    returns = frame.loc[:"2022-01-11 00:00"].apply(np.log).diff().dropna()
    covariance = returns.cov()
    hedges = ["BBBUSDT", "CCCUSDT"]
    expected = np.linalg.solve(covariance.loc[hedges, hedges], covariance.loc[hedges, "AAAUSDT"])
    assert initial_betas(config) == pytest.approx(expected, abs=1e-3)
    assert config.assets["AAA"].volatility == pytest.approx(returns["AAAUSDT"].std() * 8_760**0.5)
    assert "measured on 240 returns of 60 minutes before" in config.history.notes[0]


def test_later_prices_change_nothing_the_designer_assumed(prices: Path) -> None:
    before = _replay(prices)
    frame = pd.read_parquet(prices)
    frame.loc[frame["timestamp_utc"] > "2022-01-11 00:00", "close"] *= 1.5
    frame.to_parquet(prices)
    after = _replay(prices)
    assert after.correlation == before.correlation
    assert after.assets == before.assets


def test_without_earlier_data_the_scenarios_own_assumptions_hold(prices: Path) -> None:
    config = _replay(prices, "2022-01-01:2022-01-05")
    assert config.assets["BBB"].volatility == load("calm").assets["BTC"].volatility
    assert config.correlation.pairs["BBB/AAA"] == 0.85
    assert "the scenario's" in config.history.notes[0]


def test_markets_wallets_and_gas_keep_their_value(prices: Path) -> None:
    calm, config = load("calm"), _replay(prices)
    assert config.clearing.markets["BBB"] == calm.clearing.markets["BTC"]
    assert config.clearing.markets["CCC"] == calm.clearing.markets["SOL"]
    assert list(config.clearing.collaterals) == ["USDC", "AAA"]  # which takes the place of ETH
    ether, pledged = calm.clearing.collaterals["ETH"], config.clearing.collaterals["AAA"]
    assert pledged.haircut == ether.haircut
    assert pledged.cap * config.assets["AAA"].price == pytest.approx(ether.cap * 1_850)
    assert config.gas.native_asset is None
    assert config.gas.native_price == calm.assets["ETH"].price
    wallet, before = config.agents.amm_arbitrageur, calm.agents.amm_arbitrageur
    assert wallet is not None
    assert before is not None
    path = draw(config.market, 0, 1).index[1, :, 0]
    # What a pool takes as the price falls grows as 1/√P, and the arbitrageur restocks outside.
    enough = np.sqrt(path[0] / path.min())
    assert wallet.base * path[0] == pytest.approx(before.base * 1_850 * enough)
    trader, before_trader = config.agents.noise_trader, calm.agents.noise_trader
    assert trader is not None
    assert before_trader is not None
    assert trader.base * path[0] == pytest.approx(before_trader.base * 1_850)
    assert resolve(config).pool.tick_spacing == 60
    assert from_mapping(config.model_dump(mode="json")) == config


def test_shocks_are_left_out_unless_asked_for(prices: Path) -> None:
    stressed = load("hedge-liquidation", ["horizon_hours=720"])
    left_out = with_history(stressed, prices, "AAAUSDT", ["BBBUSDT"])
    assert left_out.shocks == ()
    assert any("left out: squeeze" in note for note in left_out.history.notes)
    kept = with_history(stressed, prices, "AAAUSDT", ["BBBUSDT"], keep_shocks=True)
    squeeze = kept.shocks[0]
    assert squeeze.kind == "squeeze"
    assert squeeze.assets == ("BBB",)
    # and act on the recorded prices
    ratio = draw(kept.market, 0, 2).index[2] / draw(left_out.market, 0, 2).index[2]
    assert ratio[[0, 289, 310], 0] == pytest.approx([1, 1, 1.8])


def test_more_hedges_than_markets_copy_the_last_market(prices: Path) -> None:
    config = with_history(load("usdc-depeg-2023"), prices, "AAAUSDT", ["BBBUSDT", "CCCUSDT"])
    assert config.clearing.markets["CCC"] == config.clearing.markets["BBB"]


def test_what_was_filled_and_assumed_is_reported(prices: Path) -> None:
    frame = pd.read_parquet(prices)
    gone = (frame["symbol"] == "BBBUSDT") & (frame["timestamp_utc"] == "2022-01-12 05:00")
    frame[~gone].to_parquet(prices)
    config = _replay(prices)
    assert [report.missing for _, report in recorded_series(config.market).values()] == [0, 1, 0]
    assert all(
        len(found) == config.steps + 1 for found, _ in recorded_series(config.market).values()
    )
    assert any("taken as USD" in note for note in notes(config))
    assert recorded_series(load("calm").market) == {}


def test_a_step_longer_than_the_bars_skips_bars(prices: Path) -> None:
    config = _replay(prices, step_minutes=120)
    assert config.steps == 59
    hourly = draw(_replay(prices).market, 0, 1).index
    assert np.array_equal(draw(config.market, 0, 1).index[1:], hourly[1:, ::2])


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("2022-01-11", "must be FIRST:LAST"),
        ("2022-01-11:2022-13-01", "must be FIRST:LAST"),
        ("2022-01-11:2022-01-10", "must end after it begins"),
        ("2023-01-11:2023-01-12", "has AAAUSDT from 2022-01-01 00:00:00"),
        ("2021-12-30:2022-01-12", "not listed before; let the window begin at 2022-01-01"),
    ],
)
def test_a_window_that_cannot_be_replayed_is_refused(
    prices: Path, window: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _replay(prices, window)


def test_windows_are_read_with_or_without_hours() -> None:
    assert parse_window("2022-11-06T12:00:2022-11-08T00:30") == (
        datetime(2022, 11, 6, 12),
        datetime(2022, 11, 8, 0, 30),
    )
    assert parse_window("2022-11-06:2022-11-06")[1].date() == datetime(2022, 11, 6).date()


def test_a_hedge_twice_or_none_is_refused(prices: Path) -> None:
    for hedges in ([], ["BBBUSDT", "BBBUSDT"]):
        with pytest.raises(InputError, match=r"hedge = .*one or more different symbols"):
            with_history(load("calm"), prices, "AAAUSDT", hedges)


# ------------------------------------------------------------------------------- recorded failures


@pytest.mark.data
def test_ftx_replays_sols_fall_with_the_hedge_october_suggested(history: Path) -> None:
    config = with_history(
        load("correlation-breakdown"),
        history / "spot_1h_2020_2022.parquet",
        "SOLUSDT",
        ["BTCUSDT", "ETHUSDT"],
        FTX,
    )
    assert config.symbols == ("USDC", "SOL", "BTC", "ETH")
    assert config.steps == 47 * 24 - 1
    sol, btc = draw(config.market, 0, 1).index[1:3, :, 0]
    assert sol.min() / sol[500] < 0.45
    assert btc.min() / btc[500] > 0.7
    assert sum(initial_betas(config)) == pytest.approx(0.9, abs=0.15)
    assert to_yaml(config)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "lp", "hedges", "window", "step", "steps"),
    [
        ("ust_luna_2022_1h", "LUNAUSDT", ["USTUSDT"], None, None, 165),
        ("ust_luna_2022_1h", "USTUSDT", ["LUNAUSDT"], "2022-05-08:2022-05-12", None, 119),
        ("may_2021_1m", "SOLUSDT", ["ETHUSDT", "BNBUSDT"], "2021-05-19:2021-05-20", 5, 575),
        ("may_2021_1m", "ETHUSDT", ["BNBUSDT"], "2021-05-19:2021-05-19", None, 1_439),
        ("march_2020_1h", "ETHUSDT", ["BTCUSDT"], "2020-03-11:2020-03-19", None, 215),
    ],
)
def test_recorded_crises_replay(
    history: Path,
    file: str,
    lp: str,
    hedges: list[str],
    window: str | None,
    step: int | None,
    steps: int,
) -> None:
    config = with_history(
        load("calm"), history / f"{file}.parquet", lp, hedges, window, step_minutes=step
    )
    assert config.steps == steps
    market = draw(config.market, 0, 2)
    assert np.all(market.index > 0)
    assert np.array_equal(market.index[1, :, 0], market.index[1, :, 1])
    resolve(config)


@pytest.mark.data
def test_gaps_of_the_long_file_are_filled_and_counted_or_refused(history: Path) -> None:
    """Binance stood still for some hours on several days; the longest halt exceeds three hours."""
    frame = pd.read_parquet(
        history / "spot_1h_2020_2022.parquet", columns=["timestamp_utc", "symbol"]
    )
    bitcoin = frame[frame["symbol"] == "BTCUSDT"].reset_index(drop=True)
    times = pd.to_datetime(bitcoin["timestamp_utc"])
    missing = times.diff() / pd.Timedelta(hours=1) - 1
    for at in np.flatnonzero(missing > 0):
        day = times[at].normalize()
        window = f"{day - pd.Timedelta(days=1):%Y-%m-%d}:{day + pd.Timedelta(days=1):%Y-%m-%d}"
        arguments = (history / "spot_1h_2020_2022.parquet", "ETHUSDT", ["BTCUSDT"], window)
        if missing[at] > 3:
            with pytest.raises(InputError, match=r"USDT, row \d+ .*no bar at"):
                with_history(load("calm"), *arguments)
        else:
            _, report = recorded_series(with_history(load("calm"), *arguments).market)["BTC"]
            assert report.missing >= missing[at]


WATCHED = "agents.breakdown_monitor={window_hours: 24, warmup_hours: 24, false_alarm_hours: 200}"


def _watched(file: Path, window: str, *settings: str) -> Config:
    scenario = load("calm", [WATCHED, *settings])
    return with_history(scenario, file, "AAAUSDT", ["BBBUSDT", "CCCUSDT"], window)


def test_a_monitor_has_its_limits_from_the_record_before_the_window(prices: Path) -> None:
    config = _watched(prices, "2022-01-11:2022-01-15")
    monitor = config.agents.breakdown_monitor
    assert monitor is not None
    assert monitor.limits is not None
    assert monitor.limits.found_for["window_hours"] == 24
    settings = monitor_settings(monitor, config.step_minutes)
    assert settings.limits is not None
    assert settings.limits.drift == monitor.limits.drift
    data = config.model_dump(mode="json")
    data["agents"]["breakdown_monitor"]["false_alarm_hours"] = 300
    with pytest.raises(InputError, match=r"false_alarm_hours = 300.*must be 200, for which"):
        from_mapping(data)
    assert "limits of one false alarm in 200 hours on 240 returns" in config.history.notes[-1]
    assert from_mapping(config.model_dump(mode="json")) == config
    # Nothing of the window is in them.
    frame = pd.read_parquet(prices)
    frame.loc[frame["timestamp_utc"] > "2022-01-11", "close"] *= 3.0
    frame.to_parquet(prices)
    again = _watched(prices, "2022-01-11:2022-01-15").agents.breakdown_monitor
    assert again is not None
    assert again.limits == monitor.limits


def test_a_monitor_without_a_record_or_with_limits_keeps_what_it_has(prices: Path) -> None:
    short = _watched(prices, "2022-01-05:2022-01-15")
    assert short.agents.breakdown_monitor is not None
    assert short.agents.breakdown_monitor.limits is None
    assert "96 steps are recorded before the window, 192 are needed" in short.history.notes[-1]
    given = "agents.breakdown_monitor.limits={residual: 9, correlation: 5, drift: 0.8}"
    kept = _watched(prices, "2022-01-11:2022-01-15", given).agents.breakdown_monitor
    assert kept is not None
    assert kept.limits is not None
    assert kept.limits.residual == 9
    assert _replay(prices).agents.breakdown_monitor is None
