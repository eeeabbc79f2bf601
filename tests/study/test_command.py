"""``hedgesim hedge``: what it prints and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator import cli
from simulator.hedging.estimators import standard
from simulator.report.study import rows_of
from simulator.report.study_table import best
from simulator.study import LEADER, STATIC, Settings, study, study_all
from simulator.study.files import figures_of, write_table

from .prices import HEDGES, prices, write

NAMES = [STATIC, *(estimator.name for estimator in standard(1)), LEADER]
HISTORY = Path(__file__).parents[3] / "shared/data/history/spot_1h_2020_2022.parquet"


def hedgesim(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hedge") / "prices.parquet", prices(2, np.ones(24 * 440)))


def test_one_target_is_a_table_a_page_and_figures(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out"
    given = ("--target", "SOLUSDT", "--horizon", "1d", "--fee", "10", "--out", str(out))
    assert hedgesim("hedge", str(file), *given) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == f"Report: {out / 'SOLUSDT.html'}"
    figures = pd.read_csv(out / "figures.csv").set_index("estimator")
    page = (out / "SOLUSDT.html").read_text()
    for name in NAMES:
        assert f" {name} " in shown
        assert f'<th scope="row">{name}</th>' in page
        assert figures["fees"][name] == pytest.approx(0.001 * figures["turnover"][name])
    assert "taker fee of 10 bp" in page
    assert page.count("<svg") == 1 + 2 * 2 + 2  # correlation, beta per hedge and group, variance
    series = pd.read_parquet(out / "SOLUSDT-1d.parquet")
    assert series["ewma/hedged"].notna().all()


def test_every_coin_is_a_table_of_what_was_found(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.md"
    given = ("--all", "--horizon", "1d", "--workers", "1", "--table", str(table))
    assert hedgesim("hedge", str(file), *given, "--out", str(tmp_path / "out")) == 0
    assert f"Table: {table}" in capsys.readouterr().out
    text = table.read_text()
    assert f"--table {table}" in text
    for name in NAMES:
        assert f"\n| {name} | " in text
    assert "\n| SOLUSDT | BTCUSDT, ETHUSDT | " in text
    assert "\n| ETHUSDT | BTCUSDT | " in text


def test_the_verdict_counts_what_the_figures_say(file: Path, tmp_path: Path) -> None:
    done, _ = study_all(
        file, [("SOLUSDT", HEDGES), ("ETHUSDT", HEDGES[:1])], [Settings("1d", replications=100)],
        workers=1,
    )  # fmt: skip
    write_table(tmp_path / "table.md", str(file), done, ["a coin: too short"])
    text = (tmp_path / "table.md").read_text()
    frame = figures_of(done)
    rows = frame[frame["estimator"] == "ewma"]
    lower = (rows["es95_difference"] < 0).sum()
    (line,) = (row for row in text.splitlines() if row.startswith("| ewma |"))
    assert line.split("|")[2].split()[0] == str(lower)
    beaten = 0
    for each in done:
        found = rows_of(each.figures)
        beaten += found[best(found)]["es95_reduction"] > found[STATIC]["es95_reduction"]
    assert f"than the static beta on **{beaten} of 2 coins**" in text
    assert "2 are far fewer independent trials than 2." in text
    first, last = done[0].walk.start, done[0].walk.end
    assert f"Scored from {first:%B %Y} to {last:%B %Y}, on this record alone" in text
    assert (last - first).days == len(done[0].walk.unhedged)  # whole days
    assert text.endswith("## Left out\n\n* a coin: too short\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nowhere.parquet", "--target", "SOLUSDT"), ["nowhere.parquet"]),
        (("FILE",), ["--target", "--all"]),
        (("FILE", "--target", "SOLUSDT", "--all"), ["--target", "--all"]),
        (("FILE", "--target", "SOLUDST"), ["SOLUDST", "SOLUSDT"]),
        (("FILE", "--target", "SOLUSDT", "--hedges", "SOLUSDT"), ["all different"]),
        (("FILE", "--target", "SOLUSDT", "--horizon", "5m"), ["horizon = 5m", "1h, 4h or 1d"]),
        (("FILE", "--target", "SOLUSDT", "--fee", "-1"), ["taker_fee"]),
        (("FILE", "--all", "--hedges", "DOGEUSDT"), ["DOGEUSDT"]),
        (("FILE", "--target", "SOLUSDT", "--workers", "0"), ["workers = 0"]),
    ],
)
def test_bad_input_is_one_message_and_status_2(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: list[str]
) -> None:
    given = [str(file) if argument == "FILE" else argument for argument in arguments]
    assert hedgesim("hedge", *given) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    for word in named:
        assert word in shown.err


@pytest.mark.data
@pytest.mark.skipif(not HISTORY.exists(), reason="needs the recorded market data")
def test_the_committed_table_is_what_the_command_finds() -> None:
    """One coin of it, from the recorded prices; all of them take two minutes."""
    document = (Path(__file__).parents[2] / "docs/hedge-study.md").read_text()
    found = rows_of(study(HISTORY, "FTMUSDT", HEDGES, Settings("1d")).figures)
    name = best(found)
    (line,) = (
        row for row in document.split("## Daily")[1].splitlines() if row.startswith("| FTMUSDT |")
    )
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[5] == name
    for cell, expected in (
        (cells[3], found[STATIC]["es95_reduction"]),
        (cells[4], found["sample"]["es95_reduction"]),
        (cells[6], found[name]["es95_reduction"]),
        (cells[7], found[name]["variance_reduction"]),
    ):
        assert float(cell.split()[0]) == pytest.approx(100 * expected, abs=0.11)
