"""Seeds that change with the code they try, and with nothing else.

A campaign on a seed nobody has seen finds what a fixed one does not; drawn anew each time it would
also fail for others than who made the change. This one is of the sources: whoever changes them
meets it first, and everybody who runs the same code runs the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def of_sources(*folders: str) -> int:
    """32 bits of a digest of all Python and Vyper sources below ``folders`` of the repository."""
    digest = hashlib.sha256()
    for folder in folders:
        files = (ROOT / folder).rglob("*")
        for file in sorted(f for f in files if f.suffix in {".py", ".vy", ".vyi"}):
            digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return int.from_bytes(digest.digest()[:4], "big")
