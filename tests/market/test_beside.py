"""Gas, depth and rounds of an oracle recorded beside the prices of a replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.config import Config, from_mapping, load, to_yaml
from simulator.config.replays import notes
from simulator.market.draw import draw
from simulator.market.history import with_history
from simulator.types import InputError

START = 48  # of the hours written, where the window begins


def hours(count: int, seed: int, level: float) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "timestamp_utc": pd.date_range("2020-01-01", periods=count, freq="1h"),
            "close": level * np.exp(np.cumsum(generator.normal(0, 0.01, count))),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prices, and beside them gas in wei, depth in dollars, and rounds of AAA's feed."""
    pd.concat(
        [
            hours(120, 1, 30.0).assign(symbol="AAAUSDT"),
            hours(120, 2, 100.0).assign(symbol="BBBUSDT"),
        ]
    ).to_csv(tmp_path / "prices.csv", index=False)
    hours(120, 3, 5e10).rename(columns={"close": "gas_wei"}).assign(symbol="ETH", close=1.0).to_csv(
        tmp_path / "gas.csv", index=False
    )
    hours(120, 4, 2e6).assign(symbol="POOL").to_csv(tmp_path / "depth.csv", index=False)
    rounds = hours(120, 5, 30.0).assign(symbol="AAA")
    rounds.drop(index=[START + 5, START + 6, START + 7]).to_csv(
        tmp_path / "rounds.csv", index=False
    )
    return tmp_path


def replayed(folder: Path, *overrides: str) -> Config:
    return with_history(
        load("calm"),
        folder / "prices.csv",
        "AAAUSDT",
        ["BBBUSDT"],
        "2020-01-03:2020-01-04",
        overrides=overrides,
    )


def test_recorded_gas_takes_the_place_of_the_process_in_every_path(folder: Path) -> None:
    item = f"history.gas={{file: {folder / 'gas.csv'}, column: gas_wei, scale: 1.0e-9}}"
    config = replayed(folder, item, "shocks=[{kind: gas_spike, factor: 3, at_hours: 10, "
                      "duration_hours: 2}]")  # fmt: skip
    wei = pd.read_csv(folder / "gas.csv")["gas_wei"].to_numpy()[START : START + config.steps + 1]
    spike = np.where(np.isin(np.arange(len(wei)), [10, 11]), 3.0, 1.0)
    # 1e9 wei a gwei, 1e-9 native tokens each.
    expected = wei * 1e-18 * config.gas.native_price * spike
    found = draw(config.market, 0, 3).gas_usd
    assert found == pytest.approx(np.repeat(expected[:, None], 3, axis=1), rel=1e-12)
    assert any("gas recorded: column gas_wei of" in line for line in notes(config))


def test_recorded_depth_is_relative_to_the_start_and_shocks_act_on_it(folder: Path) -> None:
    item = f"history.depth={{pool: {{file: {folder / 'depth.csv'}}}}}"
    cut = "shocks=[{kind: depth_cut, venue: pool, factor: 0.5, at_hours: 5, duration_hours: 1}]"
    config = replayed(folder, item, cut)
    usd = pd.read_csv(folder / "depth.csv")["close"].to_numpy()[START : START + config.steps + 1]
    factor = np.where(np.arange(len(usd)) == 5, 0.5, 1.0)
    market = draw(config.market, 0, 2)
    assert market.pool_depth[:, 1] == pytest.approx(usd / usd[0] * factor, rel=1e-12)
    assert np.all(market.perp_depth == 1.0)


def test_recorded_rounds_are_posted_where_there_is_a_row_and_the_feed_is_silent_elsewhere(
    folder: Path,
) -> None:
    config = replayed(folder, f"history.oracle={{AAA: {{file: {folder / 'rounds.csv'}}}}}")
    market = draw(config.market, 0, 2)
    rounds = hours(120, 5, 30.0)["close"].to_numpy()[START : START + config.steps + 1]
    rounds[5:8] = rounds[4]
    hour = np.arange(config.steps + 1)
    hour[5:8] = 4
    assert market.oracle_price[1, :, 0] == pytest.approx(rounds, rel=1e-12)
    assert np.array_equal(market.oracle_time[1, :, 1], hour * 3_600.0)
    # Others' feeds and the market itself are as they were.
    plain = draw(replayed(folder).market, 0, 2)
    assert np.array_equal(market.oracle_price[2], plain.oracle_price[2])
    assert np.array_equal(market.index, plain.index)


def test_finer_rows_count_once_they_have_closed(folder: Path) -> None:
    """Bars of ten minutes stamped at their open beside hours: 23:50 is the last that has closed."""
    fine = hours(720, 6, 40.0)
    fine["timestamp_utc"] = pd.date_range("2020-01-01", periods=720, freq="10min")
    fine.assign(symbol="GAS").to_csv(folder / "fine.csv", index=False)
    config = replayed(folder, f"history.gas={{file: {folder / 'fine.csv'}}}")
    # The step named 00:00 is the close of that hour's bar, at 01:00: the row of 00:50 closes then.
    first = 6 * START + 5
    expected = fine["close"].to_numpy()[first::6][: config.steps + 1]
    found = draw(config.market, 0, 1).gas_usd[:, 0] / (1e-9 * config.gas.native_price)
    assert found == pytest.approx(expected, rel=1e-12)


def test_both_kinds_of_venue_may_have_prices_of_their_own(folder: Path) -> None:
    """The perp on its venue's own price: an asset beside the LP's, by a name of the user's."""
    table = pd.read_csv(folder / "prices.csv")
    perp = table[table["symbol"] == "AAAUSDT"].assign(symbol="AAAUSDT-PERP")
    perp["close"] *= 1.01
    pd.concat([table, perp]).to_csv(folder / "prices.csv", index=False)
    config = with_history(
        load("calm"), folder / "prices.csv", "AAA=AAAUSDT", ["AAAPERP=AAAUSDT-PERP"],
        "2020-01-03:2020-01-04",
    )  # fmt: skip
    assert config.symbols == ("USDC", "AAA", "AAAPERP")
    index = draw(config.market, 0, 1).index[:, :, 0]
    assert index[2] / index[1] == pytest.approx(np.full(config.steps + 1, 1.01))


# ----------------------------------------------------------------------------------------- funding

RATES = np.random.default_rng(9).normal(1e-4, 3e-4, 30)


def funded(folder: Path, *overrides: str, every: str = "8h") -> Config:
    """AAA hedged with a perp of its own prices, whose funding is recorded in per cent."""
    table = pd.read_csv(folder / "prices.csv")
    perp = table[table["symbol"] == "AAAUSDT"].assign(symbol="AAAUSDT-PERP")
    pd.concat([table, perp]).to_csv(folder / "both.csv", index=False)
    times = pd.date_range("2019-12-31", periods=30, freq=every)
    pd.DataFrame({"timestamp_utc": times, "symbol": "AAA", "rate": 100 * RATES}).assign(
        close=1.0
    ).to_csv(folder / "funding.csv", index=False)
    item = f"{{file: {folder / 'funding.csv'}, column: rate, scale: 0.01}}"
    return with_history(
        load("calm", ["agents.noise_trader=null"]), folder / "both.csv", "AAA=AAAUSDT",
        ["AAAPERP=AAAUSDT-PERP"], "2020-01-03:2020-01-04",
        overrides=[f"history.funding={{AAAPERP: {item}}}", *overrides],
    )  # fmt: skip


FREE = "clearing.markets.AAAPERP.max_funding_velocity=0"


def test_recorded_funding_takes_from_the_perps_price_what_longs_pay(folder: Path) -> None:
    config = funded(folder, FREE)
    index = draw(config.market, 0, 2).index[:, :, 1]
    # Step k closes at 01:00 on the 3rd and k hours; rates are paid at 0:00, 8:00 and 16:00.
    paid = np.ones(config.steps + 1)
    for number, rate in enumerate(RATES):
        hour = 8 * number - 72 - 1  # 31 December is three days before; step 0 is an hour on
        if 0 < hour <= config.steps:
            paid[hour:] *= 1 - rate
    assert np.ptp(paid) > 1e-4
    assert index[2] / index[1] == pytest.approx(paid, rel=1e-12)
    assert any("funding.AAAPERP recorded: column rate of" in line for line in notes(config))


def test_a_short_earns_the_recorded_funding_in_a_run(folder: Path) -> None:
    """Against the same run without it, to first order: the short's size times the rates."""
    with_it = funded(folder, FREE, "agents.risk_manager.estimator=fixed")
    data = with_it.model_dump(mode="json")
    data["history"]["funding"] = {}
    profit = {}
    for name, config in (("with", with_it), ("without", from_mapping(data))):
        result = simulator.run(config, paths=2, workers=1)
        profit[name] = result.attribution[["hedge_target", "hedge_drift", "funding"]]
        assert np.all(profit[name]["funding"] == 0.0)
    gained = (
        (profit["with"] - profit["without"])[["hedge_target", "hedge_drift"]].sum(axis=1).to_numpy()
    )
    inside = [rate for n, rate in enumerate(RATES) if 0 < 8 * n - 73 <= with_it.steps]
    assert with_it.agents.depositor is not None
    # Two thirds of the deposit are liquidity, half of that the asset, and all of it is hedged.
    size = gained / np.sum(inside) / with_it.agents.depositor.initial_deposit
    assert np.all((size > 0.2) & (size < 0.5))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ((), ["clearing.markets.AAAPERP.max_funding_velocity = ", "must be 0"]),
        ((FREE, "history.funding={AAA: {}}"), ["history.funding.AAA", "a recorded price of its"]),
        (
            (FREE, "clearing.collaterals={USDC: {}, AAAPERP: {haircut: 0.2}}"),
            ["clearing.collaterals.AAAPERP"],
        ),
    ],
)
def test_funding_that_would_be_paid_twice_or_on_something_else_is_refused(
    folder: Path, overrides: tuple[str, ...], named: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        funded(folder, *overrides)
    for word in named:
        assert word in str(refused.value)


def test_funding_that_ends_early_or_comes_at_odd_times_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"has funding from 2019-12-31 .* to 2020-01-01"):
        funded(folder, FREE, every="1h")
    funded(folder, FREE)
    table = pd.read_csv(folder / "funding.csv")
    off = pd.to_timedelta(np.random.default_rng(1).uniform(0, 20, len(table)), unit="s")
    table["timestamp_utc"] = pd.to_datetime(table["timestamp_utc"]) + off
    table.to_csv(folder / "odd.csv", index=False)
    odd = f"history.funding.AAAPERP.file={folder / 'odd.csv'}"
    with pytest.raises(InputError, match="irregular times, and payments cannot be sampled"):
        funded(folder, FREE, odd)


@pytest.mark.parametrize("how", ["no row", "empty", "at the end"])
def test_a_payment_that_is_missing_is_refused_and_not_zero(folder: Path, how: str) -> None:
    funded(folder, FREE)
    table = pd.read_csv(folder / "funding.csv")
    holed = f"history.funding.AAAPERP.file={folder / 'holed.csv'}"
    # Rows 0 to 8 are of 31 December to 2 January; the replay's are 10 to 15.
    gone = table.index[
        {"no row": slice(11, 12), "empty": slice(12, 16), "at the end": slice(15, 16)}[how]
    ]
    table.assign(rate=table["rate"].mask(table.index.isin(range(4)))).to_csv(
        folder / "holed.csv", index=False
    )
    funded(folder, FREE, holed)  # before the replay nothing need be there
    if how != "no row":
        table.loc[gone, "rate"] = np.nan
    else:
        table = table.drop(index=gone)
    table.to_csv(folder / "holed.csv", index=False)
    stamp = pd.Timestamp("2019-12-31") + pd.Timedelta(hours=8) * int(gone[0])
    with pytest.raises(InputError, match=f"holed.csv has no payment at {stamp}, . of . are miss"):
        funded(folder, FREE, holed)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("history.gas={file: nowhere.csv}", ["nowhere.csv", "cannot be read"]),
        ("history.gas={file: FOLDER/gas.csv, column: gwei}", ["column gwei is missing", "gas_wei"]),
        ("history.gas={symbol: CCC}", ["CCC is not there"]),
        ("history.gas={scale: 2}", ["history.gas.symbol", "AAAUSDT, BBBUSDT"]),
        ("history.depth={mine: {}}", ["history.depth.mine", "pool"]),
        ("history.oracle={DDD: {}}", ["history.oracle = DDD"]),
        ("history.gas={file: FOLDER/short.csv}", ["history.gas", "nothing is recorded for"]),
        ("history.oracle={AAA: {file: FOLDER/late.csv}}", ["history.oracle.AAA", "the start"]),
    ],
)
def test_what_cannot_be_had_is_refused(folder: Path, override: str, named: list[str]) -> None:
    hours(60, 7, 1.0).assign(symbol="GAS").to_csv(folder / "short.csv", index=False)
    hours(120, 8, 1.0)[60:].assign(symbol="AAA").to_csv(folder / "late.csv", index=False)
    with pytest.raises(InputError) as refused:
        draw(replayed(folder, override.replace("FOLDER", str(folder))).market, 0, 1)
    for word in named:
        assert word in str(refused.value)


def test_shocks_to_a_recorded_feed_and_series_without_a_replay_are_refused(folder: Path) -> None:
    item = f"history.oracle={{AAA: {{file: {folder / 'rounds.csv'}}}}}"
    shock = "shocks=[{kind: oracle_freeze, assets: [AAA], at_hours: 2, duration_hours: 3}]"
    with pytest.raises(InputError, match=r"shocks\.0 \(oracle_freeze\): has no effect"):
        replayed(folder, item, shock)
    with pytest.raises(InputError, match=r"history\.gas: needs history\.prices"):
        load("calm", ["history.gas={symbol: GAS}"])


def test_their_files_are_among_those_a_run_depends_on(folder: Path) -> None:
    items = [
        f"history.gas={{file: {folder / 'gas.csv'}, column: gas_wei}}",
        f"history.depth={{pool: {{file: {folder / 'depth.csv'}}}}}",
        f"history.oracle={{AAA: {{file: {folder / 'rounds.csv'}}}}}",
    ]
    config = replayed(folder, *items)
    names = ["prices", "gas", "depth", "rounds"]
    assert config.files == tuple(str(folder / f"{name}.csv") for name in names)
    (folder / "my.yaml").write_text(
        to_yaml(config).replace(f"{folder}/", ""),  # relative to the YAML file
        encoding="utf-8",
    )
    assert load(folder / "my.yaml").files == config.files
