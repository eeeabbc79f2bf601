"""Processes fitted to coins that never or rarely move, or move as another; and short records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from simulator import cli
from simulator.calibration import calibrate
from simulator.config import correlation, from_mapping, load
from simulator.market import fitting
from simulator.market.draw import draw
from simulator.market.fitting.base import written
from simulator.types import Floats, InputError

HOURS = 960
PAIR = {"ETH": "SOLUSDT", "BTC": "BTCUSDT"}
THREE = PAIR | {"SOL": "WBTCUSDT"}
LAWS = ("t", "dcc", "regime")


def _returns(dof: float = 6.0) -> Floats:
    """SOL and BTC, ``[T, 2]``; volatile together for two stretches."""
    generator = np.random.default_rng(11)
    wild = np.where((np.arange(HOURS) // 120) % 3 == 1, 2.5, 1.0)
    noise = generator.standard_t(dof, (HOURS, 2)) * wild[:, None]
    return 0.005 * noise @ np.array([[1.0, 0.0], [0.7, 0.7]])


def _file(path: Path, prices: dict[str, Floats]) -> Path:
    times = pd.date_range("2024-01-01", periods=len(next(iter(prices.values()))), freq="h")
    tables = [
        pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": series})
        for symbol, series in prices.items()
    ]
    pd.concat(tables).to_csv(path, index=False)
    return path


@pytest.fixture
def wrapped(tmp_path: Path) -> Path:
    """SOL, BTC, and 0.9995·BTC to the cent."""
    sol, btc = (np.exp(np.cumsum(_returns(), axis=0)) * [31.0, 20_500.0]).T
    prices = {"SOLUSDT": sol.round(4), "BTCUSDT": btc.round(2), "WBTCUSDT": (0.9995 * btc).round(2)}
    return _file(tmp_path / "wrapped.csv", prices)


@pytest.mark.parametrize("kind", LAWS)
def test_a_wrapped_coin_changes_nothing_that_is_fitted_to_the_others(
    wrapped: Path, kind: str
) -> None:
    """A t of 154 degrees of freedom became one of 3.92; dcc and regimes ended in tracebacks."""
    alone, both = calibrate(wrapped, kind, PAIR), calibrate(wrapped, kind, THREE)
    before, after = alone.fitted.estimates, both.fitted.estimates
    assert set(before) <= set(after)
    for name, estimate in before.items():
        # An error is of a numerical derivative.
        assert after[name].value == pytest.approx(estimate.value, rel=1e-3, abs=1e-4), name
        assert after[name].error == pytest.approx(estimate.error, rel=0.02), name
    matrix = both.fitted.correlation
    np.testing.assert_allclose(matrix[:2, :2], alone.fitted.correlation, atol=1e-6)
    assert matrix[1, 2] == pytest.approx(1.0, abs=1e-6)
    assert matrix[0, 2] == pytest.approx(matrix[0, 1], abs=1e-5)


@pytest.mark.parametrize("kind", [*LAWS, "bootstrap"])
def test_what_is_fitted_to_a_wrapped_coin_runs(wrapped: Path, kind: str) -> None:
    made = calibrate(wrapped, kind, THREE)
    block = yaml.safe_load(made.yaml())
    config = made.into(load("calm"))
    assert config.process.kind == block["process"]["kind"] == kind
    market = draw(
        from_mapping(config.model_dump(mode="json") | {"horizon_hours": 200}).market, 0, 4
    )
    rows = [config.symbols.index(asset) for asset in ("BTC", "SOL")]
    first, second = np.diff(np.log(market.index[rows]), axis=1)
    apart = np.std(first - second) / np.std(first)
    assert apart < 0.02
    assert np.isfinite(market.index).all()


def test_a_factor_of_a_wrapped_coin_is_refused_by_name(wrapped: Path) -> None:
    with pytest.raises(InputError, match="SOL moves as those before it do"):
        calibrate(wrapped, "factor", THREE)


@pytest.mark.parametrize("kind", [*LAWS, "factor"])
def test_a_rarely_moving_coin_has_no_law_but_its_record(tmp_path: Path, kind: str) -> None:
    sol, btc = np.exp(np.cumsum(_returns(), axis=0)).T
    dollar = np.ones(HOURS)
    dollar[300:301] = 1.001  # there and back
    file = _file(tmp_path / "rare.csv", {"SOLUSDT": sol, "BTCUSDT": btc, "WBTCUSDT": dollar})
    with pytest.raises(InputError, match="SOL: moves in 2 of 959 rows, must in 10% or more"):
        calibrate(file, kind, THREE)
    calibrate(file, "bootstrap", THREE)


def test_a_coin_that_never_moves_is_refused_by_name(tmp_path: Path) -> None:
    sol, btc = np.exp(np.cumsum(_returns(), axis=0)).T
    file = _file(
        tmp_path / "still.csv", {"SOLUSDT": sol, "BTCUSDT": btc, "WBTCUSDT": np.ones(HOURS)}
    )
    for kind in fitting.KINDS:
        with pytest.raises(InputError, match="SOL: never moves"):
            calibrate(file, kind, THREE)


def test_too_few_rows_are_said(tmp_path: Path) -> None:
    sol, btc = np.exp(np.cumsum(_returns()[:50], axis=0)).T
    file = _file(tmp_path / "short.csv", {"SOLUSDT": sol, "BTCUSDT": btc})
    with pytest.raises(InputError, match="returns = 49 rows: must be 50 or more"):
        calibrate(file, "bootstrap", PAIR)


def test_a_block_longer_than_the_record_is_refused(tmp_path: Path) -> None:
    sol, btc = np.exp(np.cumsum(_returns()[:73], axis=0)).T
    file = _file(tmp_path / "short.csv", {"SOLUSDT": sol, "BTCUSDT": btc})
    made = calibrate(file, "bootstrap", PAIR).into(load("calm")).model_dump(mode="json")
    made |= {"horizon_hours": 100}
    draw(from_mapping(made).market, 0, 2)
    made["process"]["mean_block_hours"] = 73.0
    with pytest.raises(InputError, match=r"mean_block_hours = 73: must be at most 72"):
        draw(from_mapping(made).market, 0, 2)


def test_a_combination_of_coins_rounds_to_a_correlation_that_is_one() -> None:
    """Six digits of a singular matrix are indefinite half of the time."""
    generator = np.random.default_rng(2)
    indefinite = 0
    for _ in range(20):
        rows = generator.standard_normal((60, 3))
        rows = np.column_stack([rows, rows @ [0.5, -0.2, 1.0]])
        matrix = np.corrcoef(rows.T)
        indefinite += not correlation.is_positive_semidefinite(np.round(matrix, 6))
        found = written(matrix, 6)
        assert correlation.is_positive_semidefinite(found)
        np.testing.assert_allclose(found, matrix, atol=5e-6)
        np.testing.assert_array_equal(found, np.round(found, 6))
    assert indefinite > 3


def test_a_file_that_a_run_refuses_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Volatility of 3,000 % a year: what a wrong unit of time or a broken feed looks like."""
    sol, btc = np.exp(np.cumsum(70.0 * _returns()[:200], axis=0)).T
    file = _file(tmp_path / "mad.csv", {"SOLUSDT": sol, "BTCUSDT": btc})
    out = tmp_path / "mad.yaml"
    arguments = ("--process", "t", "--symbols", "SOL=SOLUSDT,BTC=BTCUSDT", "--out", str(out))
    with pytest.raises(SystemExit) as stopped:
        cli.main(("paths", "fit", str(file), *arguments))
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "assets.SOL.volatility = " in said
    assert "at most 20" in said
    assert not out.exists()
