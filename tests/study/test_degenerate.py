"""Coins that cannot be studied are left out and named; the others are studied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator import cli
from simulator.study import Settings, study, study_all, walk
from simulator.types import Floats, InputError

from .prices import START, prices

HOURS = 24 * 105  # ninety days to train, two weeks scored: not one window of 30 days
HOURLY = Settings("1h", replications=100)


def _file(path: Path) -> Path:
    """SOL, ETH, BTC, BTC wrapped, a dollar that never moves and one that did twice."""
    sol, btc, eth = prices(9, np.ones(HOURS)).T
    rare = np.ones(HOURS)
    rare[1_000:1_001] = 1.002
    columns = {
        "SOLUSDT": sol,
        "BTCUSDT": btc,
        "ETHUSDT": eth,
        "WBTCUSDT": (0.9995 * btc).round(6),
        "TUSDUSDT": np.ones(HOURS),
        "RAREUSDT": rare,
    }
    times = pd.date_range(START, periods=HOURS, freq="h")
    tables = [
        pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": series})
        for symbol, series in columns.items()
    ]
    pd.concat(tables).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _file(tmp_path_factory.mktemp("degenerate") / "prices.parquet")


def _finite(frame: pd.DataFrame) -> bool:
    numbers: Floats = frame.to_numpy(np.float64)
    return bool(np.isfinite(numbers).all())


def test_all_coins_but_those_without_moves_are_studied_and_two_weeks_are_a_table(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One coin that stood still ended ``--all``; fewer than 30 days scored ended ``--table``."""
    table, out = tmp_path / "table.md", tmp_path / "out"
    given = ("--all", "--hedges", "BTCUSDT", "--horizon", "1h", "--workers", "1")
    with pytest.raises(SystemExit) as stopped:
        cli.main(("hedge", str(file), *given, "--table", str(table), "--out", str(out)))
    assert stopped.value.code == 0
    shown, text = capsys.readouterr().out, table.read_text()
    figures = pd.read_csv(out / "figures.csv")
    assert sorted(set(figures["target"])) == ["ETHUSDT", "SOLUSDT"]
    for line in (
        "TUSDUSDT: never moves; nothing to hedge",
        "RAREUSDT: moves in 0.0% of the rows after the training window",
        "WBTCUSDT: moves as BTCUSDT does; nothing is left to hedge",
    ):
        assert f"  Left out: {line}" in shown
        assert f"\n* {line}" in text
    assert "No window of 30 days was scored" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| ewma |"))
    assert row.split("|")[9].strip() == "–"
    assert "nan" not in text
    assert "nan" not in shown


def test_a_still_hedge_is_left_out_and_the_rest_is_as_without_it(file: Path) -> None:
    made = study(file, "SOLUSDT", ("TUSDUSDT", "BTCUSDT", "RAREUSDT"), HOURLY)
    plain = study(file, "SOLUSDT", ("BTCUSDT",), HOURLY)
    assert made.walk.hedges == ("BTCUSDT",)
    assert [line.split(":")[0] for line in made.walk.left_out] == [
        "TUSDUSDT as a hedge of SOLUSDT", "RAREUSDT as a hedge of SOLUSDT",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(made.figures, plain.figures)
    with pytest.raises(InputError, match="TUSDUSDT as a hedge of SOLUSDT: never moves"):
        walk(file, "SOLUSDT", ("TUSDUSDT",), HOURLY)


def test_a_wrapped_coin_as_second_hedge_changes_no_figure_of_the_static_beta(file: Path) -> None:
    both = study(file, "SOLUSDT", ("BTCUSDT", "WBTCUSDT"), HOURLY)
    alone = study(file, "SOLUSDT", ("BTCUSDT",), HOURLY)
    assert _finite(both.figures)
    for name in ("static", "sample", "rolling", "ewma", "newey-west", "dcc-garch"):
        ratios = both.walk.betas[name]
        np.testing.assert_allclose(ratios[:, 0], ratios[:, 1], rtol=1e-3)
        np.testing.assert_allclose(ratios.sum(axis=1), alone.walk.betas[name][:, 0], rtol=1e-3)
        assert both.figures.loc[name, "es95_reduction"] == pytest.approx(
            alone.figures.loc[name, "es95_reduction"], abs=1e-4
        )


def test_what_was_left_out_of_every_study_is_an_error_that_names_each(file: Path) -> None:
    targets = [("TUSDUSDT", ("BTCUSDT",)), ("WBTCUSDT", ("BTCUSDT",))]
    with pytest.raises(InputError) as refused:
        study_all(file, targets, [HOURLY], workers=1)
    assert str(refused.value).splitlines() == [
        "TUSDUSDT: never moves; nothing to hedge",
        "WBTCUSDT: moves as BTCUSDT does; nothing is left to hedge",
    ]
