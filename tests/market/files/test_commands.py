"""Every command reads files through the same door, says how, and refuses with one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from simulator.cli import main
from tests.market.files.written import klines, thousands

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hedgesim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Status, output and errors of the command in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out, shown.err

    return call


def _market(rows: int, freq: str) -> pd.DataFrame:
    moves = np.random.default_rng(6).normal(0, 0.01, (rows, 3))
    moves[:, 2] = 0.8 * moves[:, 0] + 0.3 * moves[:, 2]
    times = pd.date_range("2024-01-01 00:30", periods=rows, freq=freq)
    names = pd.Index(["BTC/USDT", "ETH/USDT", "SOL/USDT"])
    return pd.DataFrame(100 * np.exp(np.cumsum(moves, axis=0)), index=times, columns=names)


@pytest.mark.slow
def test_four_hours_and_slashes_are_hedged(tmp_path: Path, hedgesim: Call) -> None:
    """110 days of them: as hours nothing, as days too little, as they are enough."""
    _market(660, "4h").rename_axis("time").to_csv(tmp_path / "wide.csv")
    status, out, err = hedgesim(
        "hedge", str(tmp_path / "wide.csv"), "--target", "SOL", "--hedges", "BTC", "--workers", "1"
    )
    assert status == 0, err
    assert "wide.csv read as wide table (CSV): time as ISO 8601, open stamps, 4-hour" in err
    assert "needs 180 to train" in out  # the study of days is left out, and said
    assert sorted(file.name for file in Path("out/hedge").iterdir()) == [
        "SOL-USDT-4h.parquet", "SOL-USDT.html", "figures.csv",
    ]  # fmt: skip
    assert "Every 4-hour interval" in Path("out/hedge/SOL-USDT.html").read_text()


def test_a_fit_reads_several_files_and_writes_how(tmp_path: Path, hedgesim: Call) -> None:
    files = f"{klines(tmp_path)},OTHER={thousands(tmp_path)}"
    fit = ("paths", "fit", files, "--process", "bootstrap", "--symbols", "ETH=ETH,SOL=OTHER")
    status, out, err = hedgesim(*fit, "--stamps", "close", "--outliers", "drop")
    assert status == 0, err
    lines = err.splitlines()
    assert lines[0].startswith("ETHUSDT-1h-2024-03.csv read as Binance klines (CSV): open_time as")
    assert "close stamps" in lines[0]
    assert "close: thousands marked" in lines[1]
    for line in lines:
        assert f"# {line}" in out
    process = yaml.safe_load(out)["process"]
    assert process["symbols"] == {"ETH": "ETHUSDT", "SOL": "OTHER"}
    assert (process["stamps"], process["outliers"]) == ("close", "drop")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window", "2024-03-02:2024-03-09"], "delisted or not recorded after; let the window"),
        (["--window", "2024-02-02:2024-03-02"], "not listed before; let the window begin at"),
        (["--stamps", "end"], "stamps = end: must be one of open, close"),
        (["--outliers", "no"], "outliers = no: must be one of keep, cut, drop"),
        (["--lp", "DOGE"], "symbol DOGE is not there; did you mean"),
    ],
)
def test_a_run_refuses_with_one_line_and_writes_nothing(
    tmp_path: Path, hedgesim: Call, options: list[str], message: str
) -> None:
    files = f"{klines(tmp_path)},BTCUSDT={thousands(tmp_path)}"
    status, out, err = hedgesim(
        "run", "calm", "--prices", files, "--lp", "ETH", "--hedge", "BTC", *options
    )
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(Path().iterdir())


@pytest.mark.parametrize("option", ["--stamps=close", "--outliers=cut", "--pool=A:6/B:18"])
def test_how_to_read_needs_something_to_read(hedgesim: Call, option: str) -> None:
    status, _, err = hedgesim("run", "calm", option)
    assert status == 2
    assert "only allowed together with --prices FILE" in err
