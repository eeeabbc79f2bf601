"""How a replay is configured: symbols, overrides, assumptions, notes, background liquidity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.config import from_mapping, initial_betas, load, resolve, scenarios, to_yaml
from simulator.config.models import Config
from simulator.config.replays import is_one_history, notes
from simulator.market.draw import draw
from simulator.market.history import with_history
from simulator.market.processes import gbm
from simulator.types import Floats, InputError

INPUTS = Path(__file__).parents[2].parent / "shared" / "inputs"


def write(file: Path, bar: str, count: int) -> pd.DataFrame:
    """Bars of three coins and of USDC; BBB moves as half of AAA. Returns closes by symbol."""
    generator = np.random.default_rng(8)
    times = pd.date_range("2020-01-01", periods=count, freq=bar)
    common = generator.normal(0, 0.01, count)
    closes = pd.DataFrame(
        {
            "AAAUSDT": 30 * np.exp(np.cumsum(common + generator.normal(0, 0.002, count))),
            "BBBUSDT": 100 * np.exp(np.cumsum(0.5 * common)),
            "CCCUSDT": 2 * np.exp(np.cumsum(generator.normal(0, 0.01, count))),
            "USDCUSDT": 1 + 0.001 * np.sin(np.arange(count)) - 0.05 * (np.arange(count) > 300),
        },
        index=times,
    )
    long = closes.rename_axis("timestamp_utc").reset_index()
    long.melt("timestamp_utc", var_name="symbol", value_name="close").to_csv(file, index=False)
    return closes


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Twenty days of hours."""
    file = tmp_path / "prices.csv"
    write(file, "1h", 480)
    return file


def replayed(file: Path, *overrides: str, scenario: str = "calm", **options: Any) -> Config:
    arguments: dict[str, Any] = {
        "hedges": ["BBBUSDT", "CCCUSDT"],
        "window": "2020-01-11:2020-01-15",
    } | options
    return with_history(load(scenario), file, "AAAUSDT", overrides=overrides, **arguments)


# ----------------------------------------------------------------------------------------- symbols


def test_a_position_can_be_hedged_with_a_perp_on_its_own_asset(prices: Path) -> None:
    alone = replayed(prices, hedges=["AAAUSDT"])
    assert alone.symbols == ("USDC", "AAA")
    assert alone.markets == ("AAA",)
    assert initial_betas(alone) == pytest.approx([1.0])
    assert alone.clearing.markets["AAA"] == load("calm").clearing.markets["BTC"]
    beside = replayed(prices, hedges=["CCCUSDT", "AAAUSDT"])
    assert beside.symbols == ("USDC", "AAA", "CCC")
    assert initial_betas(beside) == pytest.approx([0.0, 1.0], abs=1e-9)
    assert len(resolve(beside).clearing.markets) == 2


def test_usdcs_own_price_is_replayed_where_a_symbol_is_given(prices: Path) -> None:
    closes = pd.read_csv(prices).query("symbol == 'USDCUSDT'")["close"].to_numpy()[240:360]
    config = replayed(prices, usdc="USDCUSDT")
    assert config.history.symbols["USDC"] == "USDCUSDT"
    assert np.array_equal(draw(config.market, 0, 2).index[0], np.repeat(closes[:, None], 2, axis=1))
    assert config.assets["USDC"].price == closes[0]
    before = pd.read_csv(prices).query("symbol == 'USDCUSDT'")["close"][:241]
    yearly = np.diff(np.log(before)).std(ddof=1) * 8_760**0.5
    assert config.assets["USDC"].volatility == pytest.approx(yearly)
    # The pool is in USDC: at the start it stands at the ratio of the two.
    root = resolve(config).pool.sqrt_price_x96 / 2**96
    assert root**2 * 10**12 == pytest.approx(config.assets["AAA"].price / closes[0], rel=1e-12)
    assert not any("drawn" in line for line in notes(config))
    assert any("USDC is not replayed but drawn" in line for line in notes(replayed(prices)))
    assert is_one_history(config)
    assert is_one_history(replayed(prices))
    assert not is_one_history(load("calm"))


# --------------------------------------------------------------------------------------- overrides


def test_an_override_changes_what_is_replayed(prices: Path) -> None:
    config = replayed(
        prices,
        "vault.betas={BBB: 0.7, CCC: 0.1}",
        "clearing.markets.CCC.maintenance_rate=0.1",
        "correlation.pairs.BBB/AAA=0.25",
        "assets.AAA.volatility=1.5",
        "agents.noise_trader.base=123",
        "shocks=[{kind: crash, assets: [AAA], size: -0.5, at_hours: 24}]",
    )
    assert initial_betas(config) == (0.7, 0.1)
    assert config.clearing.markets["CCC"].maintenance_rate == 0.1
    assert config.correlation.pairs["BBB/AAA"] == 0.25
    assert config.assets["AAA"].volatility == 1.5
    assert config.agents.noise_trader is not None
    assert config.agents.noise_trader.base == 123
    ratio = draw(config.market, 0, 1).index[1] / draw(replayed(prices).market, 0, 1).index[1]
    assert ratio[[23, 24, 119], 0] == pytest.approx([1, 0.5, 0.5])
    said = [line for line in config.history.notes if "by hand" in line]
    assert said == [
        "set by hand, not measured: vault.betas, correlation.pairs.BBB/AAA, assets.AAA.volatility"
    ]


def test_step_horizon_and_gap_rule_cut_the_record(prices: Path) -> None:
    hourly = draw(replayed(prices).market, 0, 1).index[1:, :, 0]
    config = replayed(prices, "step_minutes=120", "horizon_hours=48")
    assert (config.step_minutes, config.steps) == (120, 24)
    assert np.array_equal(draw(config.market, 0, 1).index[1:, :, 0], hourly[:, :49:2])
    assert "2020-01-13 00:00" in config.description
    frame = pd.read_csv(prices)
    gone = frame["timestamp_utc"].between("2020-01-12 05:00:00", "2020-01-12 08:00:00")
    frame[~gone].to_csv(prices, index=False)
    with pytest.raises(InputError, match="at most 3 are filled"):
        replayed(prices)
    filled = replayed(prices, "history.max_gap_hours=4")
    assert any("AAAUSDT: of 120 bars 4 missing" in line for line in filled.history.notes)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("history.start=2020-01-12", ["history.start", "--window"]),
        ("history.symbols.AAA=BBBUSDT", ["history.symbols", "--lp"]),
        ("history={}", ["history", "--prices"]),
        ("pool.base=BBB", ["pool.base", "--lp"]),
        ("assets.AAA.price=7", ["assets.AAA.price", "first recorded price"]),
        ("assets.AAA.drift=0.5", ["assets.AAA.drift", "recorded"]),
        ("assets.AAA.jumps={intensity: 5, mean: 0, std: 0.1}", ["assets.AAA.jumps", "recorded"]),
        ("common_jumps={intensity: 5, mean: 0, std: 0.1}", ["common_jumps", "recorded"]),
        ("process={kind: t, dof: 3}", ["process.kind", "recorded"]),
        ("sampling={shift: {AAA: -2}}", ["sampling.shift.AAA", "recorded"]),
        (
            "shocks=[{kind: convergence, at_hours: 1, duration_hours: 5}]",
            ["shocks.0 (convergence)", "recorded"],
        ),
        ("shocks.0.size=-0.5", ["shocks.0.size", "--keep-shocks"]),
        (
            "clearing.markets.BTC.maintenance_rate=0.1",
            ["clearing.markets.BTC", "BBB has its place"],
        ),
        ("horizon_hours=500", ["horizon_hours = 500", "119"]),
        ("horizon_hours=soon", ["horizon_hours = 'soon'", "number"]),
        ("step_minutes=90", ["step_minutes = 90", "multiple"]),
        ("step_minutes=60.5", ["step_minutes = 60.5", "whole number"]),
    ],
)
def test_an_override_that_the_record_would_undo_is_refused(
    prices: Path, override: str, named: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        replayed(prices, override)
    for word in named:
        assert word in str(refused.value)


def test_every_field_of_a_scenario_is_applied_or_refused(prices: Path) -> None:
    """No field is lost: after an override the replay holds the value, or there was an error."""
    base = replayed(prices).model_dump(mode="json")
    changed = 0
    for path, value in _numbers(base):
        wanted = value * 1.125 if isinstance(value, float) else value + 1
        if path.startswith(("history.notes", "seed")):
            continue
        try:
            config = replayed(prices, f"{path}={wanted}")
        except InputError:
            continue
        found: Any = config.model_dump(mode="json")
        for part in path.split("."):
            found = found[int(part) if part.isdigit() else part]
        assert found == pytest.approx(wanted), path
        changed += 1
    assert changed > 60


def _numbers(node: object, above: str = "") -> list[tuple[str, int | float]]:
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in _numbers(value, f"{above}{key}.")]
    if isinstance(node, list):
        return [found for n, value in enumerate(node) for found in _numbers(value, f"{above}{n}.")]
    if isinstance(node, int | float) and not isinstance(node, bool):
        return [(above[:-1], node)]
    return []


def test_kept_shocks_can_be_changed_and_those_that_cannot_act_are_named(prices: Path) -> None:
    config = replayed(
        prices,
        "shocks.0.size=2",
        "shocks.0.at_hours=20",
        scenario="hedge-liquidation",
        window="2020-01-03:2020-01-20",
        keep_shocks=True,
    )
    assert config.shocks[0].kind == "squeeze"
    without = replayed(prices, window="2020-01-03:2020-01-20")
    ratio = draw(config.market, 0, 1).index[2] / draw(without.market, 0, 1).index[2]
    assert ratio.max() == pytest.approx(3)
    broken = replayed(
        prices,
        "shocks.0.size=-0.7",
        scenario="correlation-breakdown",
        window="2020-01-03:2020-01-20",
        keep_shocks=True,
    )
    assert broken.shocks[0].kind == "crash"
    assert broken.shocks[0].size == -0.7
    assert [shock.kind for shock in broken.shocks][1:] == [
        *("crash", "depth_cut", "gas_spike", "withdrawal_run")
    ]
    left_out = [line for line in broken.history.notes if "left out, which act on drawn" in line]
    assert left_out[0].endswith("or on assets not replayed: decoupling")


# ------------------------------------------------------------------------------------- assumptions


@pytest.mark.parametrize(("bar", "minutes", "used"), [("1D", 1_440, 730), ("4h", 240, 730)])
def test_longer_bars_are_measured_on_as_many_returns_before_the_window(
    tmp_path: Path, bar: str, minutes: int, used: int
) -> None:
    file = tmp_path / "prices.csv"
    closes = write(file, bar, 1_000)
    start = closes.index[800]
    config = replayed(file, window=f"{start:%Y-%m-%dT%H:%M}:{closes.index[900]:%Y-%m-%dT%H:%M}")
    returns = closes.iloc[800 - used : 801].apply(np.log).diff().dropna()
    covariance = returns.cov()
    hedges = ["BBBUSDT", "CCCUSDT"]
    expected = np.linalg.solve(covariance.loc[hedges, hedges], covariance.loc[hedges, "AAAUSDT"])
    assert initial_betas(config) == pytest.approx(expected, abs=1e-3)
    assert f"measured on {used} returns of {minutes} minutes" in config.history.notes[0]
    assert config.oracle.max_age_minutes == minutes
    assert any(f"up to {minutes} minutes are accepted" in line for line in config.history.notes)
    manager = config.agents.risk_manager
    assert manager is not None
    assert manager.window_hours == 48 * minutes / 60


@pytest.mark.skipif(not INPUTS.is_dir(), reason="needs ../shared/inputs")
def test_daily_bars_are_hedged_on_the_two_years_before() -> None:
    config = with_history(
        load("calm"),
        INPUTS / "d21_daily.csv",
        "SOLUSDT",
        ["BTCUSDT", "ETHUSDT"],
        "2023-01-01:2023-03-01",
    )
    assert initial_betas(config) == pytest.approx([0.524, 0.449], abs=1e-3)


def test_a_window_past_the_end_of_one_symbol_is_refused_naming_it(prices: Path) -> None:
    frame = pd.read_csv(prices)
    delisted = (frame["symbol"] == "CCCUSDT") & (frame["timestamp_utc"] > "2020-01-13 04:00:00")
    frame[~delisted].to_csv(prices, index=False)
    with pytest.raises(InputError, match=r"CCCUSDT from .* to 2020-01-13 04:00:00, delisted"):
        replayed(prices)
    assert replayed(prices, window="2020-01-11:2020-01-13T04:00").steps == 52
    whole = replayed(prices, window=None)
    assert any(
        "end at 2020-01-13 04:00:00, where CCCUSDT does" in line for line in whole.history.notes
    )


# ------------------------------------------------------------------------------------------- notes


def test_what_of_the_scenario_is_gone_or_has_another_name_is_noted(prices: Path) -> None:
    lines = notes(replayed(prices, hedges=["BBBUSDT"]))
    for said in (
        "AAA takes the place of ETH",
        "the BBB perp has the terms of the scenario's BTC perp",
        "assets of the scenario left out: ETH, BTC, SOL",
        "USDC is not replayed but drawn",
    ):
        assert any(said in line for line in lines), said


def test_a_market_nobody_named_is_noted(prices: Path) -> None:
    """correlation-breakdown hedges with BTC and ETH: replayed on one coin, a perp is gone."""
    for hedges, gone in ((["BBBUSDT"], "ETH; --hedge names 1 for its 2 (BTC, ETH)"), (None, "")):
        given = {} if hedges is None else {"hedges": hedges}
        lines = notes(replayed(prices, scenario="correlation-breakdown", **given))
        said = [line for line in lines if line.startswith("perp markets of the scenario left out")]
        assert [line.partition(": ")[2] for line in said] == [gone] * bool(gone)


@pytest.mark.parametrize("scenario", sorted(scenarios()))
def test_every_built_in_scenario_can_be_replayed_on_other_assets(
    prices: Path, scenario: str
) -> None:
    config = replayed(prices, scenario=scenario)
    assert resolve(config).assets[1].symbol == "AAA"
    if load(scenario).pool.kind == "stableswap":  # which pledges nothing, so has no such margin
        return
    with_margin = replayed(prices, "clearing.margin=portfolio", scenario=scenario)
    assert with_margin.pledged == (load(scenario, ["clearing.margin=portfolio"]).pledged)


def test_a_collateral_that_is_not_replayed_is_left_out_and_noted(prices: Path) -> None:
    config = replayed(prices, scenario="correlation-breakdown", hedges=["BBBUSDT"])
    assert list(config.clearing.collaterals) == ["USDC", "AAA"]
    assert "collateral ETH left out: it is not replayed" in config.history.notes


def test_what_draws_prices_and_what_was_assumed_of_them_is_left_out_and_noted(
    prices: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    settings = ["process={kind: t, dof: 4}", "sampling={shift: {ETH: -2}}"]
    own.write_text(
        to_yaml(load("correlation-breakdown", ["shocks=[]", "vault.betas={BTC: 0.4, ETH: 0.5}"]))
    )
    lines = notes(replayed(prices, scenario=str(own)))
    assert "left out, as it draws prices: the scenario's jumps, common_jumps" in lines
    assert "left out, as it is measured: the scenario's betas" in lines
    own.write_text(to_yaml(load("calm", settings)))
    lines = notes(replayed(prices, scenario=str(own)))
    assert "left out, as it draws prices: the scenario's process, sampling" in lines
    gas = f"history.gas={{file: {prices}, symbol: CCCUSDT}}"
    own.write_text(to_yaml(replayed(prices, gas)))
    again = replayed(prices, scenario=str(own), window="2020-01-15:2020-01-19")
    assert again.pool.background[0].lowest_price == draw(again.market, 0, 1).index[1].min()
    assert again.history.gas is not None
    assert again.history.gas.symbol == "CCCUSDT"


def test_the_lending_market_follows_the_assets_or_is_left_out(prices: Path) -> None:
    before, config = load("lending-cascade"), replayed(prices, scenario="lending-cascade")
    assert before.lending is not None
    assert config.lending is not None
    assert list(config.lending.reserves) == ["USDC", "AAA", "BBB"]
    for name, old in (("AAA", "ETH"), ("BBB", "BTC")):
        scale = before.assets[old].price / config.assets[name].price
        supplied = before.lending.reserves[old].supplied * scale
        assert config.lending.reserves[name].supplied == pytest.approx(supplied)
    was, now = (one.lending.borrowers["mixed"] for one in (before, config) if one.lending)
    worth = now.collateral["BBB"] * config.assets["BBB"].price
    assert worth == pytest.approx(was.collateral["BTC"] * before.assets["BTC"].price)
    assert now.debt == {"AAA": was.debt["ETH"], "USDC": was.debt["USDC"]}
    alone = replayed(prices, scenario="lending-cascade", hedges=["AAAUSDT", "CCCUSDT"])
    assert alone.lending is None  # ETH and BTC are one asset
    assert alone.agents.borrower_liquidator is None


def test_aave_and_its_arbitrageur_follow_the_assets(prices: Path) -> None:
    before, config = load("aave-hedge"), replayed(prices, scenario="aave-hedge")
    assert before.aave is not None
    assert config.aave is not None
    assert list(config.aave.assets) == ["BBB"]
    assert config.vault.venues == {"BBB": "aave"}
    value = before.aave.assets["BTC"].supplied * before.assets["BTC"].price
    assert config.aave.assets["BBB"].supplied * config.assets["BBB"].price == pytest.approx(value)
    alone = replayed(prices, scenario="aave-hedge", hedges=["AAAUSDT", "CCCUSDT"])
    assert alone.aave is None  # what the pool holds is not borrowed
    assert alone.vault.venues == {}


# ------------------------------------------------------------------------- without an effect


def test_a_scenario_file_with_prices_of_its_own_is_held_to_the_record(prices: Path) -> None:
    data = replayed(prices).model_dump(mode="json")
    data["assets"]["AAA"]["price"] *= 1.001
    with pytest.raises(InputError, match=r"assets\.AAA\.price = .*the first recorded price"):
        draw(from_mapping(data).market, 0, 1)
    data = replayed(prices).model_dump(mode="json")
    data["assets"]["DDD"] = {"price": 5, "volatility": 0.5, "drift": 0.1}
    data["process"] = {"kind": "t", "dof": 4}
    mixed = from_mapping(data)  # DDD is drawn, so that a process has something to act on
    assert any("DDD is not replayed but drawn" in line for line in notes(mixed))
    assert len({column.tobytes() for column in draw(mixed.market, 0, 3).index[4].T}) == 3


# ------------------------------------------------------------------------------------- file names


def test_file_names_in_a_yaml_file_are_relative_to_it(
    prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = replayed(Path("prices.csv"))
    folder = tmp_path / "out" / "run"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(to_yaml(config, folder))
    assert "../../prices.csv" in (folder / "config.yaml").read_text()
    assert load(folder / "config.yaml") == load("out/run/config.yaml") == config
    monkeypatch.chdir(folder)
    elsewhere = load("config.yaml")
    assert np.array_equal(
        draw(elsewhere.market, 0, 1).index, _drawn_in(tmp_path, config, monkeypatch)
    )
    assert str(prices) in to_yaml(config)  # where it will lie is not known: absolute


def _drawn_in(folder: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> Floats:
    monkeypatch.chdir(folder)
    return draw(config.market, 0, 1).index


# --------------------------------------------------------------------------- background liquidity


def test_background_liquidity_is_as_deep_at_the_lowest_price_as_at_the_start(prices: Path) -> None:
    fall = "shocks=[{kind: crash, assets: [AAA], size: -0.6, at_hours: 24}]"
    config = replayed(prices, fall)
    lowest = draw(config.market, 0, 1).index[1].min()
    item = config.pool.background[0]
    assert item.lowest_price == pytest.approx(lowest, rel=1e-9)
    stays = [
        band.model_copy(update={"lowest_price": None, "highest_price": None})
        for band in config.pool.background
    ]
    still = config.model_copy(
        update={"pool": config.pool.model_copy(update={"background": tuple(stays)})}
    )
    following, staying = resolve(config).pool.background, resolve(still).pool.background
    assert [band.liquidity for band in following] == [band.liquidity for band in staying]
    ticks = np.log(lowest / config.assets["AAA"].price) / np.log(1.0001)
    for follows, stayed, band in zip(following, staying, config.pool.background, strict=True):
        if band.half_width_percent is None:
            assert follows == stayed
            continue
        spacing = config.tick_spacing
        assert follows.tick_lower - stayed.tick_lower == pytest.approx(ticks, abs=2 * spacing)
        assert replace(follows, tick_lower=0, tick_upper=0) == replace(
            stayed, tick_lower=0, tick_upper=0
        )


def test_how_far_it_follows_can_be_said(prices: Path) -> None:
    first = "pool.background.0"
    config = replayed(prices, f"{first}.lowest_price=1", f"{first}.highest_price=90")
    assert [band.lowest_price for band in config.pool.background] == [1, None, None]
    with pytest.raises(InputError, match="both or not at all"):
        replayed(prices, "pool.background.0.lowest_price=1")
    with pytest.raises(InputError, match="initial price"):
        replayed(prices, "pool.background.0.lowest_price=1", "pool.background.0.highest_price=2")


def test_a_vault_can_recentre_after_a_fall_where_liquidity_follows(prices: Path) -> None:
    fall = "shocks=[{kind: crash, assets: [AAA], size: -0.4, at_hours: 12, ramp_hours: 24}]"
    follows = replayed(prices, fall, "horizon_hours=72")
    data = follows.model_dump(mode="json")
    for item in data["pool"]["background"]:
        item["lowest_price"] = item["highest_price"] = None
    refused = {}
    for name, config in (("follows", follows), ("stays", from_mapping(data))):
        events = simulator.run(config, paths=4, workers=1).events
        recentred = events[events["action"] == "Recenter"]["status"].astype(str)
        refused[name] = int((recentred != "OK").sum())
        assert (recentred == "OK").sum() > 0
    assert refused["follows"] == 0
    assert refused["stays"] > 20


def test_a_replay_draws_only_what_is_not_recorded(prices: Path) -> None:
    config = replayed(prices)
    used = gbm.used_normals(config.market, gbm.law_of(config.market))
    assert used.tolist() == [symbol == "USDC" for symbol in config.symbols]
    assert set(config.symbols) - set(config.history.symbols) == {"USDC"}
