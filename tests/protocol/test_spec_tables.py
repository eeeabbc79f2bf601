"""The tables of contracts/SPEC.md are those of the declarations."""

from __future__ import annotations

import pytest

from scripts.spec_tables import SPEC, named, rendered, tables

DOCUMENT = SPEC.read_text(encoding="utf-8")


def test_the_specification_has_every_table_once_as_declared() -> None:
    assert sorted(named(DOCUMENT)) == sorted(tables())
    assert rendered(DOCUMENT) == DOCUMENT, "run scripts/spec_tables.py"


def test_a_change_of_a_row_is_seen_and_mended() -> None:
    changed = DOCUMENT.replace("| `keeper_share` | fraction |", "| `keeper_share` | percent |")
    assert changed != DOCUMENT
    assert rendered(changed) == DOCUMENT


def test_a_table_nobody_makes_is_refused() -> None:
    with pytest.raises(KeyError, match="novel"):
        rendered("<!-- table: novel -->\n<!-- end -->")
