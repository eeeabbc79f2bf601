"""What a user's own agents came to is said where a run is: terminal, report, comparison, JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.protocol.statuses import meaning
from simulator.results.own_agents import refused
from simulator.world.actions import Swap
from simulator.world.protocol import AgentSlot

BUYER = """
from dataclasses import dataclass
from simulator.agents.scalar import ScalarAgent
from simulator.world.protocol import AgentSlot

print("loaded")

@dataclass(eq=False)
class Buyer(ScalarAgent):
    amount: float = 500.0
    bought: float = 0.0
    slot = AgentSlot("buyer", usdc=1e6, base=0.0, has_account=False)
    metrics = ("bought",)

    @staticmethod
    def act(do, my):
        if do.step == 1:
            print("acting")
        do.swap(-my.amount)
        my.bought += do.amount_out
"""


def hedgesim(folder: Path, *given: str) -> tuple[str, str]:
    """What a run with the agent prints, out and err."""
    (folder / "buyer.py").write_text(BUYER, encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "hedgesim"),
        "run",
        "calm",
        "--set",
        "horizon_hours=4",
    ]
    command += ["--paths", "3", "--agent", "buyer.py", *given]
    environment = {**os.environ, "COLUMNS": "100"}
    made = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout, made.stderr


def test_its_figures_are_in_the_terminal_and_the_report(tmp_path: Path) -> None:
    out, _ = hedgesim(tmp_path)
    assert "buyer_bought" in out
    assert "refused" not in out
    page = (tmp_path / "out/calm/report.html").read_text(encoding="utf-8")
    assert "<code>buyer_bought</code>" in page


def test_an_agent_that_is_always_refused_is_told_with_the_reason(tmp_path: Path) -> None:
    out, _ = hedgesim(tmp_path, "--set", "agents.custom.buyer.parameters.amount=1e9")
    said = "Every order of buyer was refused: 15 on 3 recorded paths, all as "
    assert f"WARNING: {said}" in out
    page = (tmp_path / "out/calm/report.html").read_text(encoding="utf-8")
    assert said in page
    (finding,) = [
        one
        for one in json.loads((tmp_path / "out/calm/summary.json").read_text())["diagnosis"]
        if one["name"] == "agent_refused"
    ]
    status = finding["text"].partition(" all as ")[2].partition(":")[0]
    assert meaning(status) in finding["text"]


def test_alternatives_are_compared_by_it(tmp_path: Path) -> None:
    out, _ = hedgesim(tmp_path, "--set", "agents.custom.buyer.parameters.amount=500|1e9")
    assert "buyer_bought, mean: 500: " in out
    assert "agent refused" in out
    assert "Every order of buyer was refused" in " ".join(out.split())
    page = (tmp_path / "out/calm-compared/report.html").read_text(encoding="utf-8")
    assert "<code>buyer_bought.mean</code>" in page


@pytest.mark.parametrize("how", [(), ("--plain",), ("--workers", "2", "--paths", "500")])
def test_json_has_stdout_for_itself(how: tuple[str, ...], tmp_path: Path) -> None:
    out, told = hedgesim(tmp_path, "--json", *how)
    assert out == (tmp_path / "out/calm/summary.json").read_text(encoding="utf-8")
    assert "buyer_bought" in json.loads(out)["metrics"]
    assert "loaded" in told
    assert "acting" in told


def test_that_of_a_comparison_too(tmp_path: Path) -> None:
    out, told = hedgesim(tmp_path, "--json", "--set", "vault.hedge_band=0.01|0.02")
    assert list(json.loads(out)["alternatives"]) == ["0.01", "0.02"]
    assert "acting" in told


class Array(Agent):
    """Over arrays; asks for more than it has."""

    slot = AgentSlot("array", 1.0, 0.0, has_account=False)

    def act(self, view: View) -> Actions:
        nothing = np.zeros(view.market.paths)
        yield Swap(self.index, nothing - 500.0, nothing, nothing)


@pytest.mark.parametrize("how", [{}, {"plain": True}, {"world": "chain"}])
def test_agents_over_arrays_and_every_world_are_told_of(how: dict[str, Any]) -> None:
    config = simulator.load_config("calm", ["horizon_hours=3", "paths=2"])
    result = simulator.run(config, agents=[Array()], workers=1, record=1, **how)
    texts = [f["text"] for f in result.summary["diagnosis"] if f["name"] == "agent_refused"]
    assert len(texts) == 1
    assert "Every order of array was refused: " in texts[0]


def frame(*rows: tuple[int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "agent", "status"])


@pytest.mark.parametrize(
    ("events", "worst", "said"),
    [
        ([(0, "a", "SLIPPAGE"), (1, "a", "OK")], [(0, "a", "SLIPPAGE")], ""),
        ([(0, "a", "SLIPPAGE")], [(5, "a", "OK")], ""),
        ([(0, "b", "SLIPPAGE")], [(0, "b", "OK")], ""),
        ([(0, "a", "SLIPPAGE")], [(0, "a", "SLIPPAGE")], "1 on the recorded path, all as slippage"),
        (
            [(0, "a", "SLIPPAGE"), (0, "a", "PAUSED"), (1, "a", "SLIPPAGE"), (2, "b", "OK")],
            [(5, "a", "SLIPPAGE")],
            "4 on 4 recorded paths, 3 as slippage",
        ),
    ],
)
def test_only_one_that_is_refused_every_time(events: Any, worst: Any, said: str) -> None:
    found = list(refused(["a", "idle"], frame(*events), frame(*worst)))
    assert len(found) == bool(said)
    assert all(said in one.text for one in found)
