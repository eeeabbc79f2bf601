"""The catalogue of planted bugs belongs to the present sources (`make mutants` hunts them)."""

from __future__ import annotations

import re

from scripts.mutants.catalogue import MUTANTS
from scripts.mutants.hunt import TABLE, described
from scripts.mutants.patch import ROOT


def test_every_bug_can_be_planted_in_the_present_sources() -> None:
    for mutant in MUTANTS:
        folder = ROOT if mutant.of_simulator else ROOT / "contracts"
        assert mutant.source() != (folder / mutant.file).read_text(encoding="utf-8")


def test_at_least_sixty_different_bugs_are_planted() -> None:
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_table_lists_every_bug_and_none_survived() -> None:
    """As ``make mutants`` wrote it: a bug that is added or changed has to be hunted."""
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[1:]]
    assert [row[:4] for row in found] == [described(mutant) for mutant in MUTANTS]
    assert not [row[0] for row in found if "SURVIVED" in row[4]]


def test_what_is_said_to_catch_a_bug_is_there() -> None:
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    named = {row.rsplit("|", 2)[1].strip().strip("`") for row in rows[1:]}
    for path, name in (test.split("::")[:2] for test in named):
        text = (ROOT / path).read_text(encoding="utf-8")
        known = re.escape(name.split("[")[0])
        assert re.search(rf"(?m)(def|class) {known}\b|^{known} = ", text), f"{path}::{name}"
