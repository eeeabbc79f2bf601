from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from simulator import cli
from simulator.cli.market import paths
from simulator.cli.population import population
from simulator.market.paths import MarketPaths

from .conftest import COMMAND, Run

SHORT = ("correlation-breakdown", "--set", "horizon_hours=24", "--set", "shocks=[]")


def test_every_command_explains_itself(called: Run) -> None:
    below = [("paths", name) for name in paths.commands]
    below += [("population", name) for name in population.commands]
    for name in [*((name,) for name in cli.hedgesim.commands), *below]:
        shown = called(*name, "--help")
        assert shown.returncode == 0
        assert "Usage: hedgesim" in shown.stdout


def test_run_writes_everything_and_ends_with_where_the_report_is(
    hedgesim: Run, tmp_path: Path
) -> None:
    ran = hedgesim("run", *SHORT, "--paths", "4", "--seed", "3", "--out", "there")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[-1] == "Report: there/report.html"
    assert (tmp_path / "there" / "report.html").is_file()
    summary = json.loads((tmp_path / "there" / "summary.json").read_text())
    assert (summary["paths"], summary["seed"], summary["steps"]) == (4, 3, 24)
    assert not (tmp_path / "there" / ".partial").exists()
    # Nothing but text in a pipe.
    assert "\x1b" not in ran.stdout
    again = hedgesim("report", "there")
    assert again.returncode == 0
    assert again.stdout == "Report: there/report.html\n"


def test_json_is_the_summary_and_nothing_else(hedgesim: Run, tmp_path: Path) -> None:
    ran = hedgesim("run", *SHORT, "--paths", "2", "--json", "--require", "bad_debt.max <= 0")
    assert ran.returncode == 0, ran.stderr
    written = tmp_path / "out" / "correlation-breakdown" / "summary.json"
    assert json.loads(ran.stdout) == json.loads(written.read_text())


def test_one_requirement_that_fails_decides_the_exit_status(hedgesim: Run) -> None:
    required = ("--require", "bad_debt.max <= 0", "--require", "turnover.mean <= 1")
    ran = hedgesim("run", *SHORT, "--paths", "2", *required)
    assert ran.returncode == 1, ran.stderr
    assert "holds: bad_debt.max <= 0" in ran.stdout
    assert "FAILS: turnover.mean <= 1" in ran.stdout


def test_an_idle_vault_fails_its_requirements_unless_allowed(called: Run, tmp_path: Path) -> None:
    required = ("--require", "liquidation_probability <= 0.01", "--require", "return.mean >= 0")
    quiet = ("run", "calm", "--set", "horizon_hours=24", "--paths", "4", "--workers", "1")
    dear = called(*quiet, "--set", "gas.gwei=20", *required, "--out", "dear")
    assert dear.returncode == 1
    assert dear.stdout.startswith("IDLE: The vault never invested on any path: vault.keeper_reward")
    assert "holds: liquidation_probability <= 0.01" in dear.stdout
    assert "FAILS: not never_invested" in dear.stdout
    assert "warning: vault.keeper_reward = 5: should be at least 39.9" in dear.stderr
    found = json.loads((tmp_path / "dear" / "summary.json").read_text())["diagnosis"]
    assert found[0]["name"] == "never_invested"
    for name in ("idle", "never_invested"):
        assert called(*quiet, "--set", "gas.gwei=20", *required, "--allow", name).returncode == 0
    wrong = called(*quiet, "--allow", "nothing")
    assert wrong.returncode == 2
    assert "allow: 'nothing' is no finding; allowed: idle, never_funded" in wrong.stderr
    assert called(*quiet, *required[:2]).returncode == 0


def test_a_limit_that_never_lets_the_vault_open_is_refused(called: Run, tmp_path: Path) -> None:
    small = ("run", "calm", "--set", "clearing.markets.BTC.max_skew_usd=1", "--paths", "2")
    refused = called(*small)
    assert refused.returncode == 2
    line = "hedgesim: clearing.markets.BTC.max_skew_usd = 1: must be at least 500200: the first"
    assert refused.stderr.startswith(line)
    assert not (tmp_path / "out").exists()
    allowed = called(*small, "--set", "horizon_hours=6", "--allow", "idle", "--workers", "1")
    assert allowed.returncode == 0
    assert allowed.stdout.startswith("IDLE: The hedge never opened on any path")
    compared = called(
        "run", "calm", "--set", "clearing.markets.BTC.max_skew_usd=1|1e7", "--paths", "2",
        "--set", "horizon_hours=6", "--allow", "never_hedged", "--workers", "1",
    )  # fmt: skip
    assert compared.returncode == 0
    assert "IDLE: 1: The hedge never opened" in compared.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "corelation-breakdown"], ["corelation-breakdown", "correlation-breakdown"]),
        (["run", "calm", "--set", "vault.hedge_bnd=1"], ["vault.hedge_bnd", "hedge_band"]),
        (["run", "calm", "--set", "vault.hedge_band=7"], ["vault.hedge_band", "7", "1"]),
        (["run", "calm", "--paths", "0"], ["paths", "0"]),
        (["run", "calm", "--paths", "few"], ["--paths", "few"]),
        (["run", "calm", "--world", "mars"], ["mars", "model, chain"]),
        (["run", "calm", "--require", "luck > 1"], ["luck", "hedgesim metrics"]),
        (["run", "calm", "--lp", "SOLUSDT"], ["lp = SOLUSDT", "--prices"]),
        (["run", "calm", "--prices", "nowhere.parquet"], ["--lp"]),
        (
            ["run", "calm", "--prices", "nowhere.parquet", "--lp", "A", "--hedge", "B"],
            ["nowhere.parquet"],
        ),
        (["run"], ["NAME|FILE"]),
        (["report", "nowhere"], ["nowhere", "no finished run"]),
        (["fly"], ["fly"]),
        (["verify", "calm", "--paths", "0"], ["paths", "0"]),
        (
            ["paths", "fit", "nowhere.csv", "--process", "t", "--symbols", "ETH=ETHUSDT"],
            ["nowhere.csv"],
        ),
        (["verify", "calm", "--paths", "1", "--steps", "100000"], ["steps", "100000", "720"]),
        (["verify", "--random", "1", "--outliers", "cut"], ["outliers", "cut", "--random"]),
        (["verify", "calm", "--random", "1"], ["calm", "--random"]),
    ],
)
def test_bad_input_is_one_message_and_status_2(
    called: Run, arguments: list[str], named: list[str]
) -> None:
    ran = called(*arguments)
    assert ran.returncode == 2
    assert ran.stdout == ""
    for word in named:
        assert word in ran.stderr


def test_bad_input_is_no_traceback(hedgesim: Run) -> None:
    ran = hedgesim("run", "calm", "--set", "vault.hedge_band=7")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr


def test_random_scenarios_are_compared(hedgesim: Run) -> None:
    ran = hedgesim("verify", "--random", "1", "--steps", "12", "--json")
    assert ran.returncode == 0, ran.stderr
    (comparison,) = json.loads(ran.stdout).values()
    assert comparison["agrees"]


def test_scenarios_are_listed_one_line_each(hedgesim: Run) -> None:
    lines = hedgesim("scenarios").stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert names == sorted(names)
    assert {"calm", "correlation-breakdown", "usdc-depeg-2023"} <= set(names)
    assert all(re.fullmatch(r"\S+ {2,}\S.*", line) for line in lines)


def test_paths_are_saved_for_replay(hedgesim: Run, tmp_path: Path) -> None:
    drawn = hedgesim("paths", "draw", *SHORT, "--paths", "3", "--out", "three.parquet")
    assert drawn.stdout == "Picture: three.png\nPaths: three.parquet\n", drawn.stderr
    assert (tmp_path / "three.png").is_file()
    market = MarketPaths.from_parquet(tmp_path / "three.parquet")
    assert (market.paths, market.steps) == (3, 24)


def test_schema_is_a_table_or_json_schema(called: Run) -> None:
    assert "vault" in json.loads(called("schema", "--json").stdout)["properties"]
    table = called("schema", "vault").stdout
    assert re.search(r"hedge_band +0\.02 +fraction +0 … 1\n +hedge deviation", table)
    assert "0.02 is 2 %" in table
    assert max(map(len, table.splitlines())) <= 80
    assert called("schema", "vaul").returncode == 2


def test_metrics_are_listed_with_how_a_requirement_names_them(called: Run) -> None:
    shown = called("metrics").stdout
    for said in ("liquidation_probability", "max_drawdown", "es95", "--require", "fraction"):
        assert said in shown
    listed = json.loads(called("metrics", "--json").stdout)
    assert {"name", "unit", "meaning", "statistics"} <= set(listed[0])
    assert "oracle_<asset>" in called("metrics", "--frame", "series").stdout
    assert called("metrics", "--frame", "nothing").returncode == 2


def test_init_writes_a_file_that_runs_and_never_writes_over_one(
    called: Run, tmp_path: Path
) -> None:
    made = called("init", "mine.yaml", "--lp", "ETH", "--hedge", "BTC,SOL", "--deposit", "5e6")
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "mine.yaml").read_text()
    assert "initial_deposit: 5.0e+6" in text
    ran = called("run", "mine.yaml", "--paths", "2", "--set", "horizon_hours=6")
    assert ran.returncode == 0, ran.stderr
    again = called("init", "mine.yaml")
    assert (again.returncode, again.stdout) == (2, "")
    assert (tmp_path / "mine.yaml").read_text() == text


def _interruptible() -> None:
    """A background job of a shell ignores SIGINT, and so would all it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_stops_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [str(COMMAND), "run", "calm", "--paths", "20000", "--out", "there"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,  # noqa: PLW1509 (it takes no lock)
    )
    partial = tmp_path / "there" / ".partial"
    try:
        for _ in range(600):
            if partial.is_dir():
                break
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert out == ""
    assert [file.name for file in (tmp_path / "there").iterdir()] == [".partial"]
    assert not list(partial.glob(".*.tmp"))


def test_a_closed_pipe_is_no_traceback(hedgesim: Run, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [COMMAND, "schema"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert "Traceback" not in process.stderr


def test_a_first_run_says_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulator.chain.deploy import artifacts
    from simulator.model.kernel import jit
    from simulator.terminal import announce_compilation

    monkeypatch.setattr(jit, "_CACHE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(artifacts, "_CACHE", tmp_path)
    announce_compilation(chain=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    for word in ("kernels", "contracts", "once", "minute"):
        assert word in said.err
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "tick.py311.kernel").touch()
    (tmp_path / "HedgeVault-0123.json").touch()
    announce_compilation(chain=True)
    assert capsys.readouterr().err == ""
