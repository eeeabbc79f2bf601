"""``run --feedback``: the same paths twice, told by the command and in its files."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.result import Result
from tests.cli.conftest import Run

NAME = "liquidation-cascade"


def test_the_command_says_it_and_its_files_have_it(called: Run, tmp_path: Path) -> None:
    asked = ["run", NAME, "--feedback", "--paths", "3", "--set", "horizon_hours=72"]
    told = called(*asked, "--out", "out", "--workers", "1")
    assert told.returncode == 0
    assert "Feedback: fall of the index at its lowest" in told.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["cascade"]["feedback"]["paths"] == 3
    assert Result.load(tmp_path / "out").summary == summary
    assert {file.name for file in tmp_path.iterdir()} == {"out"}


def test_alternatives_have_no_feedback(called: Run) -> None:
    told = called("run", NAME, "--feedback", "--set", "seed=1|2")
    assert told.returncode == 2
    assert "feedback = True: it is of one run" in told.stderr
    told = called("run", "all", "--feedback")
    assert told.returncode == 2
