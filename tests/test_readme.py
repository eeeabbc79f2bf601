"""The README is true: its Python runs, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_agent_of_the_readme_runs_and_trades() -> None:
    (code,) = (block for block in BLOCKS if "class DipBuyer" in block)
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    events = names["result"].events
    trades = events[(events["agent"] == "dip_buyer") & (events["status"] == "OK")]
    assert len(trades) > 0


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", README, flags=re.MULTILINE))
def test_every_make_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_every_command_named_exists() -> None:
    from simulator.cli import hedgesim

    used = set(re.findall(r"^    hedgesim ([a-z]+)", README, flags=re.MULTILINE))
    assert used
    assert used <= set(hedgesim.commands)
