"""A built-in agent is two files, what is written of it and what it does, and no line elsewhere."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import simulator.config.agents as sections
from simulator.agents.base import Agent
from simulator.agents.build import kind_of
from simulator.config import json_schema
from simulator.config.agents import BUILT_IN
from simulator.world.protocol import AGENT_KINDS

PACKAGE = Path(__file__).parents[2] / "simulator"

SECTION = '''
from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import MarginTrader


class Dripper(MarginTrader):
    """Buys a little at each step."""

    named: ClassVar = {"dripper": "buys a little"}

    drip: float = Field(default=10.0, gt=0, le=100, description="what it buys for, USDC")
'''
AGENT = """
from dataclasses import dataclass

from simulator.agents.scalar import ScalarAgent


@dataclass(eq=False)
class Dripper(ScalarAgent):
    drip: float

    @staticmethod
    def act(do, my):
        do.swap(-my.drip, 0.0, 0.0)
"""
USE = """
import sys
from simulator.config import json_schema, load, resolve
from simulator.config.reference import tables
from simulator.types import InputError

assert json_schema()["properties"]["agents"]
assert [field.name for field in tables("agents.dripper")[0].fields][-1] == "drip"
try:
    load("calm", ["agents.dripper={drip: 1000}"])
except InputError as error:
    assert "agents.dripper.drip = 1000: must be" in str(error), error
else:
    raise AssertionError("not refused")
config = load("calm", ["agents.dripper={drip: 20, usdc: 70, margin: {USDC: 5}}"])
protocol = resolve(config)
assert not {"numba", "llvmlite"} & set(sys.modules)

from simulator.agents.build import build_agents

slot = protocol.agents[-1]
assert (slot.name, slot.kind, slot.usdc, slot.margin[0]) == ("dripper", "dripper", 70.0, 5.0), slot
agent = build_agents(config, protocol)[-1]
assert (type(agent).__name__, agent.drip) == ("Dripper", 20.0)
print(sys.modules["simulator"].__file__)
"""


def test_a_new_one_is_a_section_and_a_class(tmp_path: Path) -> None:
    """In a copy of the package, with two files more: it is read, explained and made."""
    copy = shutil.copytree(
        PACKAGE, tmp_path / "simulator", ignore=shutil.ignore_patterns("__pycache__")
    )
    (copy / "config" / "agents" / "dripper.py").write_text(SECTION, encoding="utf-8")
    (copy / "agents" / "dripper.py").write_text(AGENT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (SECTION.replace("named:", "nmaed:"), "dripper.Dripper: it has no `named`"),
        (SECTION.replace('{"dripper"', '{"keeper"'), "agents.keeper: both "),
    ],
)
def test_a_section_that_would_not_be_found_is_told(tmp_path: Path, written: str, told: str) -> None:
    copy = shutil.copytree(
        PACKAGE, tmp_path / "simulator", ignore=shutil.ignore_patterns("__pycache__")
    )
    (copy / "config" / "agents" / "dripper.py").write_text(written, encoding="utf-8")
    code = "import simulator.config.agents"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert told in done.stderr


def test_every_section_has_its_class_and_its_place_in_block_order() -> None:
    assert tuple(BUILT_IN) == AGENT_KINDS
    assert all(issubclass(kind_of(name), Agent) for name in BUILT_IN)
    assert list(json_schema()["$defs"]["Agents"]["properties"]) == [*BUILT_IN, "custom"]


def test_what_a_type_checker_is_told_of_agents_is_what_they_have() -> None:
    tree = ast.parse(Path(sections.__file__).read_text(encoding="utf-8"))
    (told,) = (
        node
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ClassDef)
    )
    for line in told.body:
        if isinstance(line, ast.AnnAssign):
            name = ast.unparse(line.target)
            if name != "custom":
                assert ast.unparse(line.annotation) == f"{BUILT_IN[name].__name__} | None"
