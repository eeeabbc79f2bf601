"""The README is true: its Python runs, its commands exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
AGENTS = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The Python shown in a page."""
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize(("text", "name"), [(README, "dip_buyer"), (AGENTS, "dip_buyer_of_all")])
def test_the_agents_shown_run_and_trade(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = (
        block for block in blocks(text) if f'AgentSlot("{name}"' in block and "run(" in block
    )
    # What is compiled is read from its file.
    (tmp_path / f"shown_{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    events = importlib.import_module(f"shown_{name}").result.events
    trades = events[(events["agent"] == name) & (events["status"] == "OK")]
    assert len(trades) > 0


def test_an_agent_is_twelve_lines() -> None:
    (code,) = (block for block in blocks(README) if "class DipBuyer" in block)
    lines = code[code.index("@dataclass") : code.index("result =")].splitlines()
    said = [line for line in lines if line.strip() and '"""' not in line]
    assert len(said) <= 12


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", README, flags=re.MULTILINE))
def test_every_make_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_every_command_named_exists() -> None:
    from simulator.cli import hedgesim

    used = set(re.findall(r"^    hedgesim ([a-z]+)", README, flags=re.MULTILINE))
    assert used
    assert used <= set(hedgesim.commands)
