"""Replays as a user asks for them: options, what is said, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.config import load
from tests.cli.conftest import Run

ASKED = ("--prices", "prices.csv", "--lp", "AAAUSDT", "--window", "2020-01-06:2020-01-06")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Hourly bars of two coins and USDC, ten days, in the directory commands run in."""
    generator = np.random.default_rng(2)
    parts = []
    for symbol, level, scale in (("AAAUSDT", 30, 0.01), ("BBBUSDT", 9, 0.01), ("USDCUSDT", 1, 0)):
        close = level * np.exp(np.cumsum(scale * generator.normal(0, 1, 240)))
        parts.append(
            pd.DataFrame(
                {
                    "timestamp_utc": pd.date_range("2020-01-01", periods=240, freq="1h"),
                    "symbol": symbol,
                    "open": close,
                    "high": close * 1.03,
                    "low": close / 1.03,
                    "close": close,
                }
            )
        )
    file = tmp_path / "prices.csv"
    pd.concat(parts).to_csv(file, index=False)
    return file


def test_a_self_hedged_replay_with_wicks_and_usdcs_own_price(called: Run, prices: Path) -> None:
    ran = called(
        *("run", "calm", *ASKED, "--hedge", "AAAUSDT,BBBUSDT", "--usdc", "USDCUSDT"),
        *("--bars", "ohlc", "--set", "vault.betas={AAA: 0.9, BBB: 0}"),
        *("--paths", "2", "--workers", "1", "--json", "--out", "out/self"),
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)["config"]
    assert found["history"]["symbols"] == {"USDC": "USDCUSDT", "AAA": "AAAUSDT", "BBB": "BBBUSDT"}
    assert found["step_minutes"] == 15
    assert found["vault"]["betas"] == {"AAA": 0.9, "BBB": 0}
    assert "set by hand, not measured: vault.betas" in ran.stderr
    assert "squared returns of AAA add up to" in ran.stderr
    # What a run writes finds its prices from there, wherever it is read.
    written = load(Path("out/self/config.yaml"))
    assert "../../prices.csv" in Path("out/self/config.yaml").read_text(encoding="utf-8")
    assert Path(written.files[0]).resolve() == prices
    page = Path("out/self/report.html").read_text(encoding="utf-8")
    assert "set by hand, not measured" in page


def test_a_replay_of_a_relative_file_is_run_again_into_its_directory(
    called: Run, prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of files are relative to other places in config.yaml, the summary and the command."""
    replay = ("run", "calm", *ASKED, "--hedge", "BBBUSDT", "--paths", "2", "--workers", "1")
    for more in ((), (), ("--seed", "9"), ("--set", "vault.betas={BBB: 0.5}|{BBB: 1.0}")) * 2:
        place = "both" if "|" in "".join(more) else "one"
        ran = called(*replay, *more, "--out", f"out/{place}")
        assert ran.returncode == 0, ran.stderr
    drawn = ("run", "calm", "--set", "horizon_hours=6", "--paths", "2", "--workers", "1")
    assert called(*drawn, "--out", "out/one").returncode == 0
    assert called(*replay, "--out", "out/one").returncode == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ran = called("run", "../out/one/config.yaml", "--workers", "1", "--out", "../out/one")
    assert ran.returncode == 0, ran.stderr
    config = tmp_path / "out/one/config.yaml"
    config.write_text(config.read_text().replace("prices.csv", "mine.csv"))
    ran = called(*drawn, "--out", "../out/one")
    assert ran.returncode == 2
    assert "config.yaml" in ran.stderr


def test_a_folder_of_files_is_taken_wherever_prices_are(called: Run, prices: Path) -> None:
    folder = prices.with_name("kl")
    folder.mkdir()
    for symbol, part in pd.read_csv(prices).groupby("symbol"):
        part.to_csv(folder / f"{symbol}.csv", index=False)
    asked = ("kl", *ASKED[2:], "--hedge", "BBBUSDT")
    short = ("--paths", "2", "--workers", "1", "--out", "out/kl")
    assert called("run", "calm", "--prices", *asked, *short).returncode == 0
    symbols = ("--symbols", "ETH=AAAUSDT,BTC=BBBUSDT")
    fit = called("paths", "fit", "kl", "--process", "bootstrap", *symbols)
    assert fit.returncode == 0, fit.stderr
    ran = called("hedge", "kl", "--target", "AAAUSDT", "--hedges", "ZZZUSDT")
    assert ran.returncode == 2
    assert "ZZZUSDT" in ran.stderr
    assert "directory" not in ran.stderr


def test_what_wicks_distort_is_no_answer_unless_allowed(called: Run, prices: Path) -> None:
    """Prices that visit both ends of every bar say whether it is liquidated, and nothing else."""
    few = ("--paths", "2", "--workers", "1", "--set", "vault.betas={BBB: 0.9}")
    replay = ("run", "calm", *ASKED, "--hedge", "BBBUSDT", *few)
    safe = ("--require", "liquidation_probability <= 0.9", "--require", "min_margin_ratio >= 0.1")
    earns = ("--require", "return.mean >= -9")
    wicks = (*replay, "--bars", "ohlc", "--out", "out/wicks")
    ran = called(*wicks, *safe, *earns)
    assert ran.returncode == 1
    assert "FAILS: not wicks (no answer about return where" in ran.stdout
    first = ran.stdout.splitlines()[0]
    assert first.startswith("WARNING: Wicks are replayed (history.bars = ohlc)")
    summary = json.loads(Path("out/wicks/summary.json").read_text(encoding="utf-8"))
    ratio = summary["config"]["history"]["squared_returns"]
    assert ratio > 3.0
    assert f"add up to {ratio:.1f} times those of its closes" in first
    page = Path("out/wicks/report.html").read_text(encoding="utf-8")
    headline = page.partition("<h2>")[2].partition("</h2>")[0]
    assert "wicks included" in headline
    assert "in the median" not in headline
    assert page.index("Wicks are replayed") < page.index("Mean return")
    for allowed in ((), ("--allow", "wicks")):
        assert called(*wicks, *safe, *allowed).returncode == 0
    assert called(*wicks, *earns, "--allow", "wicks").returncode == 0
    assert called(*wicks, *earns, "--allow", "idle").returncode == 1
    closes = called(*replay, *safe, *earns, "--out", "out/closes")
    assert closes.returncode == 0
    assert "Wicks are replayed" not in closes.stdout
    # A file written by hand has no figure.
    ran = called("run", "out/wicks/config.yaml", "--set", "history.squared_returns=null",
                 "--workers", "1", "--out", "out/hand")  # fmt: skip
    assert "add up to more than those of its closes" in ran.stdout


def test_alternatives_say_what_they_share_once(called: Run, prices: Path) -> None:
    ran = called(
        *("run", "calm", *ASKED, "--hedge", "BBBUSDT", "--paths", "2", "--workers", "1"),
        *("--set", "vault.betas={BBB: 0.5}|{BBB: 1.0}", "--json"),
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("USDC is not replayed but drawn") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--usdc", "USDCUSDT"], ["usdc = USDCUSDT", "--prices"]),
        (["--bars", "ohlc"], ["bars = ohlc", "--prices"]),
        (["--keep-shocks"], ["keep-shocks", "--prices"]),
        ([*ASKED, "--hedge", "BBBUSDT", "--bars", "hlc"], ["bars = hlc", "close or ohlc"]),
        ([*ASKED, "--hedge", "BBBUSDT", "--set", "pool.base=BBB"], ["pool.base", "--lp"]),
        ([*ASKED, "--hedge", "BBBUSDT", "--set", "process={kind: t, dof: 3}"], ["process.kind"]),
        ([*ASKED, "--hedge", "BBBUSDT", "--set", "history.bars=ohlc"], ["history.bars", "--bars"]),
    ],
)
def test_what_cannot_be_is_one_message_and_status_2(
    called: Run, prices: Path, arguments: list[str], named: list[str]
) -> None:
    ran = called("run", "calm", *arguments, "--out", "out/none")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert not Path("out/none").exists()
    for word in named:
        assert word in ran.stderr
