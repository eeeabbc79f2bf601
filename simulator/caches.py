"""Where compiled kernels and fonts are kept, also where nothing beside the code can be written.

An installation may be read-only and a container's user without a home; Numba then refuses to
compile anything it was asked to cache.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

_PACKAGE = Path(__file__).parent
#: How long kernels are kept that nobody uses, seconds.
_KEPT = 7 * 86_400


def directory() -> Path:
    """A directory of this user's that can be written: the user's cache, else a temporary one.

    What is in it is executed, so a temporary one that is not ours alone is not used.
    """
    places = [Path(os.environ.get("XDG_CACHE_HOME", "")), _home() / ".cache"]
    for place in places:
        if place.is_absolute() and _usable(place / "hedgesim"):
            return place / "hedgesim"
    user = os.getuid() if hasattr(os, "getuid") else 0
    shared = Path(tempfile.gettempdir()) / f"hedgesim-{user}"
    if _usable(shared) and _private(shared):
        return shared
    return Path(tempfile.mkdtemp(prefix="hedgesim-"))


def writable(beside: Path) -> bool:
    """Whether files can be made in a directory, or it in the one above."""
    return os.access(beside if beside.exists() else beside.parent, os.W_OK)


def prepare() -> None:
    """Point Numba and Matplotlib to caches that can be written, unless somebody has said where.

    Must run before either is imported; workers inherit it.
    """
    if "NUMBA_CACHE_DIR" not in os.environ and not writable(_PACKAGE / "__pycache__"):
        os.environ["NUMBA_CACHE_DIR"] = str(directory() / "numba")
        if "numba" in sys.modules:  # it has read its settings
            sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
    home = _home()
    wanting = not home.is_absolute() or not os.access(home, os.W_OK)
    if "MPLCONFIGDIR" not in os.environ and wanting:
        os.environ["MPLCONFIGDIR"] = str(directory() / "matplotlib")


def use(kernels: Path) -> None:
    """Note that a directory of kernels is used, and remove those beside that are not any more.

    Each version of the sources has one of its own; no process that began lately uses one that none
    has looked at for days.
    """
    try:
        if kernels.exists():
            os.utime(kernels)
        old = time.time() - _KEPT
        for other in kernels.parent.glob("kernels-*"):
            if other != kernels and other.stat().st_mtime < old:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:  # somebody else removes them too, or nothing may be written there
        return


def _home() -> Path:
    """What HOME says, relative where it says nothing: the user database is not asked."""
    return Path(os.environ.get("HOME", ""))


def _usable(place: Path) -> bool:
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK | os.X_OK)


def _private(place: Path) -> bool:
    found = place.lstat()
    ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return ours and stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022
