"""Planted bugs: a change of a source that some test must notice.

A mutant of a contract is applied to a copy of ``contracts/``, which the artifact loader is pointed
at (``HEDGESIM_CONTRACTS``), one of the simulator to a copy of the tree in which its tests then run;
the working tree is never touched.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.mutants.patch import CONTRACTS, ROOT, Patch, patched, unoptimised

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One bug: in ``file`` the one place that reads ``old`` reads ``new``.

    ``file`` is below ``contracts/``, or begins with ``simulator/``: such a one should be caught by
    tests that need no kernel, as a copy compiles its own.

    ``kind`` names the sort of slip; ``tests`` are tried in order until one fails.
    """

    name: str
    kind: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def patch(self) -> Patch:
        """The change of the source."""
        return Patch(self.file, self.old, self.new)

    @property
    def of_simulator(self) -> bool:
        """Whether it is in the simulator and not in a contract."""
        return self.file.startswith("simulator/")

    def source(self) -> str:
        """The file with the bug; raises PatchError unless ``old`` stands there exactly once."""
        return self.patch.applied(ROOT if self.of_simulator else CONTRACTS)


def plant(mutant: Mutant, folder: Path) -> Path:
    """Plant the bug in a copy in ``folder``; from where tests of it are to be run.

    Of contracts the copy compiles in half the time.
    """
    if not mutant.of_simulator:
        unoptimised(patched(folder, [mutant.patch]))
        return ROOT
    tree = copied(folder)
    (tree / mutant.file).write_text(mutant.source(), encoding="utf-8")
    return tree


def copied(folder: Path) -> Path:
    """A copy of the tree in ``folder`` in which tests run on its own simulator."""
    tree = folder / "tree"
    tree.mkdir()
    for name in ("simulator", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "contracts", "docs", "scripts", "node_modules"):
        (tree / name).symlink_to(ROOT / name)
    return tree
