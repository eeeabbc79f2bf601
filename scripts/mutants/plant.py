"""Planted bugs: a change of a contract's source that some test must notice.

A mutant is applied to a copy of ``contracts/``, which the artifact loader is pointed at
(``HEDGESIM_CONTRACTS``); the working tree is never touched.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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

    def source(self) -> str:
        """The file with the bug; raises ValueError unless ``old`` stands there exactly once."""
        text = (ROOT / "contracts" / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: {self.file} reads {self.old!r} {found} times, not once")
        return text.replace(self.old, self.new)


def plant(mutant: Mutant, folder: Path) -> None:
    """A copy of ``contracts/`` with the bug, in ``folder``."""
    shutil.copytree(ROOT / "contracts", folder / "contracts")
    (folder / "contracts" / mutant.file).write_text(mutant.source(), encoding="utf-8")
