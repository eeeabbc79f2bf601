"""The catalogue of planted bugs belongs to the present sources (`make mutants` hunts them)."""

from __future__ import annotations

from scripts.mutants.catalogue import MUTANTS
from scripts.mutants.patch import ROOT


def test_every_bug_can_be_planted_in_the_present_sources() -> None:
    for mutant in MUTANTS:
        assert mutant.source() != (ROOT / "contracts" / mutant.file).read_text(encoding="utf-8")


def test_at_least_sixty_different_bugs_are_planted() -> None:
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
