"""``hedgesim run all``: the stress matrix in terminal, JSON and page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.config import load, scenarios
from simulator.report.stress import COLUMNS, cells
from simulator.stress import stress
from simulator.types import InputError
from tests.cli.conftest import Run
from tests.scenarios import CHECKED


@pytest.fixture(scope="module")
def short() -> list[str]:
    return ["horizon_hours=12", "shocks=[]"]


def test_every_scenario_has_a_row_and_a_report_of_its_own(
    called: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second and more each: of all of them in the campaign."""
    chosen = {name: text for name, text in scenarios().items() if name in CHECKED}
    monkeypatch.setattr("simulator.config.scenarios", lambda: chosen)
    out = tmp_path / "all"
    small = ["--paths", "2", "--set", "horizon_hours=12", "--set", "shocks=[]"]
    made = called("run", "all", *small, "--out", str(out), "--json")
    assert made.returncode == 0, made.stderr
    summary = json.loads(made.stdout)
    assert list(summary["scenarios"]) == list(chosen)
    page = (out / "report.html").read_text()
    for name, found in summary["scenarios"].items():
        assert (out / found["report"]).is_file()
        own = json.loads((out / name / "summary.json").read_text())
        assert found["return"] == own["metrics"]["return"]["mean"]
        assert found["liquidation"] == own["probabilities"]["liquidation"]["estimate"]
        assert f'href="{found["report"]}"' in page


def test_a_requirement_is_of_every_scenario(short: list[str]) -> None:
    configs = {name: load(name, [*short, "paths=2"]) for name in ("calm", "oracle-lag")}
    matrix = stress(configs, workers=1, requirements=["return.mean > 1"])
    assert not matrix.passed
    for found in matrix.summary["scenarios"].values():
        (gate,) = [one for one in found["gates"] if one["requirement"] == "return.mean > 1"]
        assert not gate["holds"]


def test_agents_of_ones_own_are_refused_with_all(called: Run, tmp_path: Path) -> None:
    agent = tmp_path / "mine.py"
    agent.write_text("")
    made = called("run", "all", "--agent", str(agent))
    assert made.returncode == 2
    assert "scenario = all" in made.stderr


def test_nothing_to_run_is_refused() -> None:
    with pytest.raises(InputError, match="one scenario or more"):
        stress({})


def test_the_worse_the_redder(short: list[str]) -> None:
    matrix = stress({"calm": load("calm", [*short, "paths=2"])}, workers=1)
    found = matrix.summary["scenarios"]["calm"]
    lost = found | {"return": -0.5, "shortfall": None, "loss": 1.0, "liquidation": 0.125}
    bad = {c.key: cell["bad"] for c, cell in zip(COLUMNS, cells(lost), strict=True)}
    assert bad["return"] == bad["loss"] == 1.0
    assert bad["liquidation"] == 0.5
    assert bad["shortfall"] == 0.0


def test_both_worlds_on_every_scenario(called: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two: all of them take a minute, and the campaign does that."""
    two = {name: text for name, text in scenarios().items() if name in ("calm", "oracle-lag")}
    monkeypatch.setattr("simulator.config.scenarios", lambda: two)
    made = called("verify", "all", "--paths", "1", "--steps", "3", "--json")
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert list(found) == list(two)
    assert all(one["agrees"] for one in found.values())
