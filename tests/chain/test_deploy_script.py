"""``ape run deploy`` puts the whole system on both of ape's local networks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.chain.deploy.addresses import CONTRACTS
from simulator.chain.deploy.artifacts import ROOT
from simulator.config import load
from simulator.config.resolve import resolve
from tests.sizes import sized

BIN = Path(sys.executable).parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",  # where ape looks for vyper and anvil
        "APE_DATA_FOLDER": str(ROOT / ".cache/ape"),
        "COLUMNS": "120",
    }
    return subprocess.run(
        [BIN / "ape", "run", "deploy", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("provider", "scenario"),
    # Where Aave is deployed, rounds are posted to its feeds at a node's own time.
    sized(
        [("foundry", "lending-cascade")],
        [("foundry", "lending-cascade"), ("foundry", "aave-hedge"), ("test", "calm")],
    ),
)
def test_everything_is_deployed_and_its_addresses_printed(provider: str, scenario: str) -> None:
    protocol = resolve(load(scenario))
    done = run("--network", f"ethereum:local:{provider}", "--scenario", scenario)
    assert done.returncode == 0, done.stderr[-2_000:]
    printed = dict(re.findall(r"│\s*(\S.*?)\s*│\s*(0x[0-9a-f]{40})\s*│", done.stdout))
    expected = {*CONTRACTS, *(f"token {asset.symbol}" for asset in protocol.assets)}
    assert expected <= printed.keys()
    assert len({printed[name] for name in expected}) == len(expected)
    assert {f"agent {slot.name}" for slot in protocol.agents} <= printed.keys()


@pytest.mark.slow
def test_an_unknown_scenario_is_named_without_a_traceback() -> None:
    done = run("--network", "ethereum:local:test", "--scenario", "nothing")
    assert done.returncode != 0
    assert "nothing" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
