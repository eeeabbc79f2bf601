"""The walk-forward study: no look ahead end to end, figures as defined, and differences found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulator.study import LEADER, STATIC, Settings, Study, pairs, study, study_all, walk
from simulator.types import InputError

from .prices import HEDGES, START, prices, write

DAYS, TRAINING = 560, 180
DAILY = Settings("1d", replications=200)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("study") / "prices.parquet", prices(1, np.ones(24 * DAYS)))


@pytest.fixture(scope="module")
def daily(file: Path) -> Study:
    return study(file, "SOLUSDT", HEDGES, DAILY)


def test_the_future_moves_no_hedge_before_it(tmp_path: Path, daily: Study) -> None:
    table = prices(1, np.ones(24 * DAYS))
    cut = 400
    spiked = table.copy()
    # Day `cut` begins at midnight: 19 hours after the file, whose first day is not whole.
    spiked[19 + 24 * cut + 1 :] *= np.array([0.4, 2.0, 0.7])
    other = walk(write(tmp_path / "spiked.parquet", spiked), "SOLUSDT", HEDGES, DAILY)
    day = cut - TRAINING
    for name, ratios in daily.walk.betas.items():
        # The hedge of day `cut` itself was chosen before that day's move.
        # To rounding: BLAS does not promise the same bits for the same numbers elsewhere in memory.
        now = other.betas[name][: day + 1]
        np.testing.assert_allclose(now, ratios[: day + 1], rtol=1e-9, atol=1e-12, err_msg=name)
    moved = [
        n for n, r in daily.walk.betas.items()
        if not np.allclose(other.betas[n], r, rtol=1e-9, atol=1e-12)
    ]  # fmt: skip
    assert set(moved) == set(daily.walk.betas) - {STATIC}


def test_rows_are_days_of_utc(daily: Study, file: Path) -> None:
    made = daily.walk
    assert made.start == (START.ceil("D") + pd.Timedelta(days=TRAINING)).to_pydatetime()
    table = pd.read_parquet(file).pivot(index="timestamp_utc", columns="symbol", values="close")
    first = table.loc[made.start]
    second = table.loc[made.start + pd.Timedelta(days=1)]
    assert made.unhedged[0] == pytest.approx(second["SOLUSDT"] / first["SOLUSDT"] - 1.0, rel=1e-12)
    assert made.moves[0, 1] == pytest.approx(second["ETHUSDT"] / first["ETHUSDT"] - 1.0, rel=1e-12)
    assert len(made.unhedged) == DAYS - 1 - TRAINING
    assert daily.series()["timestamp_utc"].iloc[0] == made.start


def test_the_static_beta_is_least_squares_on_the_training_window(daily: Study, file: Path) -> None:
    table = pd.read_parquet(file).pivot(index="timestamp_utc", columns="symbol", values="close")
    logs = np.log(table.loc[START.ceil("D") :: 24, ["SOLUSDT", *HEDGES]].to_numpy())
    rows = np.diff(logs, axis=0)[:TRAINING]
    regressors = np.column_stack([np.ones(TRAINING), rows[:, 1:]])
    (_, *slopes), *_ = np.linalg.lstsq(regressors, rows[:, 0], rcond=None)
    assert (daily.walk.betas[STATIC] == daily.walk.betas[STATIC][0]).all()
    np.testing.assert_allclose(daily.walk.betas[STATIC][0], slopes, rtol=1e-9)


def test_figures_are_what_their_names_say(daily: Study) -> None:
    made, row = daily.walk, daily.figures.loc["rolling"]
    ratios = made.betas["rolling"]
    hedged = made.unhedged - ratios[:, 0] * made.moves[:, 0] - ratios[:, 1] * made.moves[:, 1]
    plain = made.unhedged
    assert row["variance_reduction"] == pytest.approx(1.0 - hedged.var() / plain.var())
    size = 0.05 * len(hedged)
    tails = []
    for pnl in (hedged, plain):
        losses = np.sort(-pnl)[::-1]
        whole = int(size)
        tails.append((losses[:whole].sum() + (size - whole) * losses[whole]) / size)
    assert row["es95_reduction"] == pytest.approx(1.0 - tails[0] / tails[1])
    traded = [
        sum(abs(ratios[t, h] - ratios[t - 1, h] * (1 + made.moves[t - 1, h])) for h in (0, 1))
        for t in range(1, len(plain))
    ]
    assert row["turnover"] == pytest.approx(365.0 * np.mean(traded))
    assert row["fees"] == pytest.approx(0.0005 * row["turnover"])
    assert row["funding"] == pytest.approx(0.1095 * ratios.sum(axis=1).mean())
    assert row["cost"] == pytest.approx(row["fees"] - row["funding"])
    assert row["worst_day"] == pytest.approx(hedged.min())
    passes = 0
    windows = len(plain) // 30
    for window in range(windows):
        days = slice(30 * window, 30 * window + 30)
        offset = (plain[days] - hedged[days]).sum() / plain[days].sum()
        passes += 0.8 <= offset <= 1.25
    assert (row["offset_passes"], row["offset_windows"]) == (passes, windows)
    assert passes > 0


def test_intervals_hold_the_estimate_and_the_static_beta_does_not_differ_from_itself(
    daily: Study,
) -> None:
    found = daily.figures
    for name in ("variance_reduction", "es95_reduction", "es975_reduction"):
        assert (found[f"{name}_low"] < found[name]).all()
        assert (found[name] < found[f"{name}_high"]).all()
        assert (found[f"{name}_high"] < 1.0).all()
    assert found.loc[[STATIC], ["dm_p", "es95_p"]].to_numpy().tolist() == [[1.0, 1.0]]
    assert found["mcs_es95"].max() == 1.0


def test_where_nothing_changes_the_static_beta_is_as_good_as_any(daily: Study) -> None:
    found = daily.figures
    # SOL's own noise is 0.004 of 0.0087 in all: BTC alone takes out 0.79 of the variance.
    assert found.loc[STATIC, "variance_reduction"] == pytest.approx(0.79, abs=0.05)
    better = (found["es95_difference"] < 0) & (found["es95_p"] < 0.01)
    assert not better.any()


def test_where_the_beta_halves_everything_that_adapts_beats_the_static_beta(
    tmp_path: Path,
) -> None:
    beta = np.where(np.arange(24 * DAYS) < 24 * 200, 1.6, 0.4)
    table = write(tmp_path / "shift.parquet", prices(3, beta))
    found = study(table, "SOLUSDT", HEDGES, DAILY).figures
    for name in ("rolling", "ewma", "kalman", "leader"):
        assert found["dm_statistic"][name] < 0
        assert found["dm_p"][name] < 0.01
        assert found["es95_difference"][name] < 0
        assert found["es95_p"][name] < 0.05
    assert found["mcs_variance"][STATIC] < 0.05


def test_the_leader_follows_the_best_record_so_far(daily: Study) -> None:
    made = daily.walk
    np.testing.assert_array_equal(made.betas[LEADER][:60], made.betas[STATIC][:60])
    followed = made.betas[LEADER][300]
    assert any(
        np.array_equal(followed, ratios[300]) for n, ratios in made.betas.items() if n != LEADER
    )


def test_a_target_that_cannot_be_studied_is_left_out_of_many(file: Path) -> None:
    targets = [("SOLUSDT", HEDGES), ("XRPUSDT", HEDGES)]
    done, left_out = study_all(file, targets, [DAILY], workers=1)
    assert [each.walk.target for each in done] == ["SOLUSDT"]
    assert len(left_out) == 1
    assert "symbol XRPUSDT is not there" in left_out[0]


def test_a_script_without_a_main_guard_studies_over_processes(tmp_path: Path, file: Path) -> None:
    """Workers that import the script again would start the study again, and end it."""
    script = tmp_path / "script.py"
    script.write_text(
        "from simulator.study import Settings, study_all\n"
        'print("begins")\n'
        f'pairs = [("SOLUSDT", {HEDGES!r}), ("ETHUSDT", {HEDGES[:1]!r})]\n'
        f'done, _ = study_all({str(file)!r}, pairs, [Settings("1d", replications=100)])\n'
        "print([each.walk.target for each in done])\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.stdout.splitlines() == ["begins", "['SOLUSDT', 'ETHUSDT']"], ran.stderr
    assert ran.returncode == 0


def test_the_worst_day_of_hours_is_a_day(tmp_path: Path) -> None:
    hourly = Settings("1h", replications=100)
    table = write(tmp_path / "hours.parquet", prices(7, np.ones(24 * 112)))
    found = study(table, "SOLUSDT", HEDGES, hourly)
    hedged = found.series().set_index("timestamp_utc")["kalman/hedged"]
    by_date = hedged.groupby(pd.DatetimeIndex(hedged.index).date)
    assert (by_date.count() == 24).all()
    assert found.figures.loc["kalman", "worst_day"] == pytest.approx(by_date.sum().min())
    assert found.figures.loc["kalman", "funding"] == pytest.approx(
        0.1095 * found.walk.betas["kalman"].sum(axis=1).mean()
    )


def test_a_hedge_is_hedged_by_those_named_before_it(file: Path) -> None:
    assert pairs(file, HEDGES) == [("SOLUSDT", HEDGES), ("ETHUSDT", ("BTCUSDT",))]


@pytest.mark.parametrize(
    ("target", "hedges", "named"),
    [
        ("SOLUSDT", (), "two or more"),
        ("SOLUSDT", ("SOLUSDT",), "all different"),
        ("DOGEUSDT", HEDGES, "DOGEUSDT is not there"),
    ],
)
def test_what_cannot_be_studied_is_refused(
    file: Path, target: str, hedges: tuple[str, ...], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        walk(file, target, hedges, DAILY)


def test_too_little_history_is_refused(tmp_path: Path) -> None:
    short = write(tmp_path / "short.parquet", prices(5, np.ones(24 * 200)))
    with pytest.raises(InputError, match="199 intervals of 1d; needs 180 to train and 240"):
        walk(short, "SOLUSDT", HEDGES, DAILY)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"horizon": "5m"}, "horizon = 5m"),
        ({"taker_fee": -0.1}, "taker_fee = -0.1"),
        ({"replications": 3}, "replications = 3"),
        ({"confidence": 1.0}, "confidence = 1.0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Settings(**settings)
