"""Planted bugs: a change of a contract's source that some test must notice.

A mutant is applied to a copy of ``contracts/``, which the artifact loader is pointed at
(``HEDGESIM_CONTRACTS``); the working tree is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.mutants.patch import Patch, patched, unoptimised

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One bug: in ``file`` (below ``contracts/``) the one place that reads ``old`` reads ``new``.

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

    def source(self) -> str:
        """The file with the bug; raises PatchError unless ``old`` stands there exactly once."""
        return self.patch.applied()


def plant(mutant: Mutant, folder: Path) -> None:
    """A copy of ``contracts/`` with the bug, in ``folder``, that compiles in half the time."""
    unoptimised(patched(folder, [mutant.patch]))
