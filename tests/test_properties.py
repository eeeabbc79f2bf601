"""tests/PROPERTIES.md names tests that exist, run, and are expected to pass."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| ([A-Z]\d\d) \| (.+) \| `([^`]+)` \|$", re.MULTILINE)
PROPERTIES = ROW.findall((ROOT / "tests/PROPERTIES.md").read_text(encoding="utf-8"))
FORBIDDEN = {"skip", "skipif", "xfail", "importorskip"}


@cache
def collected(path: str) -> dict[str, ast.FunctionDef]:
    """Test functions of a file, those pytest collects by its names."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


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
def test_the_test_of_a_property_exists_and_runs(number: str, name: str) -> None:
    path, _, test = name.partition("::")
    function, bracket, case = test.partition("[")
    assert Path(path).name.startswith("test_"), f"{number}: pytest does not collect {path}"
    assert function in collected(path), f"{number}: {name} does not exist"
    assert not names_that_skip(path), f"{number}: {path} leaves tests out"
    if bracket:
        from tests.stateful.checked import INVARIANTS

        assert case.rstrip("]") in INVARIANTS, f"{number}: no such case"


def test_every_invariant_is_a_property() -> None:
    from tests.stateful.checked import INVARIANTS

    listed = {name.split("[")[1].rstrip("]") for _, _, name in PROPERTIES if "[" in name}
    assert set(INVARIANTS) == listed
