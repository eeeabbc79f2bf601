"""Changes to the text of our contracts, made in a copy: the working tree is never touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The working tree's own, whatever ``HEDGESIM_CONTRACTS`` says.
CONTRACTS = ROOT / "contracts"
_OPTIMISED, _PLAIN = "# pragma optimize codesize", "# pragma optimize none"


class PatchError(ValueError):
    """The sources do not read what a patch replaces: the patch has to follow them."""


@dataclass(frozen=True)
class Patch:
    """In ``file`` (below ``contracts/``), the ``times`` places that read ``old`` read ``new``."""

    file: str
    old: str
    new: str
    times: int = 1

    def applied(self, contracts: Path = CONTRACTS) -> str:
        """The patched text of the file; raises PatchError if ``old`` stands elsewhere too."""
        text = (contracts / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != self.times:
            raise PatchError(f"{self.file} reads {self.old!r} {found} times, not {self.times}")
        return text.replace(self.old, self.new)


def patched(folder: Path, patches: Iterable[Patch]) -> Path:
    """A copy of our sources in ``folder`` with every patch applied, in order; where it is."""
    copy = folder / "contracts"
    shutil.copytree(CONTRACTS, copy)
    for patch in patches:
        (copy / patch.file).write_text(patch.applied(copy), encoding="utf-8")
    return copy


def unoptimised(contracts: Path) -> None:
    """Have all contracts of a copy compiled without optimisation, in place.

    It takes half as long and gives twice the code; the EVM of the tests has room for it.
    """
    for path in contracts.glob("*.vy"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(_OPTIMISED, _PLAIN), encoding="utf-8")
