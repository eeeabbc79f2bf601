"""tests/PROPERTIES.md names tests that exist, run, and are expected to pass."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| ([A-Z]\d\d) \| (.+) \| `([^`]+)` \|$", re.MULTILINE)
PROPERTIES = ROW.findall((ROOT / "tests/PROPERTIES.md").read_text(encoding="utf-8"))
FORBIDDEN = {"skip", "skipif", "xfail", "importorskip"}


# What this session has not collected, which may be this file alone, is collected apart.
COLLECT = """
import json, sys
from pathlib import Path
import pytest

class Notes:
    def pytest_collection_finish(self, session):
        marks = {item.nodeid: [mark.name for mark in item.iter_markers()] for item in session.items}
        Path(sys.argv[1]).write_text(json.dumps(marks))

sys.exit(pytest.main(["-p", "no:ape_test", "--collect-only", "-qq", *sys.argv[2:]], [Notes()]))
"""


@pytest.fixture(scope="module")
def collected(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """Marks of every test that pytest collects of the files named, by its id without parameters.

    A test of a table is under its name and under each of its cases.
    """
    found = {i.nodeid: [mark.name for mark in i.iter_markers()] for i in request.session.items}
    known = {test.partition("[")[0] for test in found} | found.keys()
    paths = sorted({name.partition("::")[0] for _, _, name in PROPERTIES if name not in known})
    if paths:
        notes = tmp_path_factory.mktemp("collected") / "marks.json"
        command = [sys.executable, "-c", COLLECT, str(notes), *paths]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        found |= json.loads(notes.read_text(encoding="utf-8"))
    marks: dict[str, list[str]] = {}
    for test, named in found.items():
        marks[test] = named
        marks.setdefault(test.partition("[")[0], []).extend(named)
    return marks


@cache
def names_that_skip(path: str) -> set[str]:
    """What of pytest's ways to leave tests out a file mentions anywhere, its own marks included."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN
    }


def test_there_are_at_least_120_properties_each_with_its_own_number() -> None:
    assert len(PROPERTIES) >= 120
    numbers = Counter(number for number, _, _ in PROPERTIES)
    assert [number for number, count in numbers.items() if count > 1] == []
    sentences = Counter(text for _, text, _ in PROPERTIES)
    assert [text for text, count in sentences.items() if count > 1] == []


@pytest.mark.parametrize(("number", "name"), [(number, name) for number, _, name in PROPERTIES])
def test_the_test_of_a_property_is_collected_and_runs(
    collected: dict[str, list[str]], number: str, name: str
) -> None:
    assert name in collected, f"{number}: pytest does not collect {name}"
    assert not FORBIDDEN & {*collected[name]}, f"{number}: {name} is left out, or is to fail"
    path = name.partition("::")[0]
    assert not names_that_skip(path), f"{number}: {path} leaves tests out"


def test_every_invariant_is_a_property() -> None:
    from tests.stateful.checked import INVARIANTS

    listed = {name.split("[")[1].rstrip("]") for _, _, name in PROPERTIES if "[" in name}
    assert set(INVARIANTS) == listed
