"""Whose files a directory holds: what this package did not write is never written over unasked."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from simulator.results.store import CHUNK_FILES, PARTIAL
from simulator.types import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Frames of a run, each in a Parquet file of its name.
FRAMES = ("paths", "series", "events", "fan", "worst_series", "worst_events")
#: All that a run leaves behind.
RUN_FILES = frozenset(
    {
        "config.yaml",
        "report.html",
        "summary.json",
        "timing.json",
        *(f"{name}.parquet" for name in FRAMES),
    }
)
#: What stands beside each other while a run is not finished, and may be half written.
_OF_CHUNKS = re.compile(
    r"run\.json|\.stop|\.run\.json\.\d+\.tmp|chunk-\d{9}|\.chunk-\d{9}\.tmp"
    # Of an explanation.
    r"|part-[0-9a-f]{12}-\d{9}-\d+\.npy|\.part-[0-9a-f]{12}-\d{9}-\d+\.npy\.\d+\.tmp"
)
#: All that an explanation leaves behind.
EXPLANATION = frozenset({"explain.html", "explain.json", "losses.parquet"})
#: What a file that may be made anew says of itself: any of ours, and the Markdown of a study.
OURS, TABLE = b"hedgesim", b"Written by `hedgesim hedge "
_SIGNED = "# Written by hedgesim; as long as nobody edits it, the rest has SHA-256 "
_HEAD, _FOOT = 1_000, 65_536  # bytes at either end of a file that are searched for a mark
_NAMED = 3  # of others' files in a message


@contextmanager
def claimed(
    directory: Path | None, foreign: Callable[[Path], Iterator[str]], *, force: bool = False
) -> Iterator[None]:
    """Make ``directory``, or see that it holds nothing that another wrote; and keep others out.

    It is this process's alone until the context ends, or the process does: two that write there at
    once would mix what they found. ``foreign`` gives the names of what others wrote, such as
    :func:`foreign_to_run`. None: there is nothing to claim.

    Raises:
        InputError: it holds something of that kind and ``force`` is false; another process, or
            another call in this one, is writing there.
        MachineError: it cannot be made.
    """
    if directory is None:
        yield
        return
    _make(directory)
    place = os.open(directory, os.O_RDONLY)
    try:
        _lock(place, directory)
        if not force:
            _refuse_foreign(directory, foreign)
        yield
    finally:
        os.close(place)  # and with it the lock


def _lock(place: int, directory: Path) -> None:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"out = {directory}: another hedgesim is writing there; allowed: when that has ended, "
            "or another directory"
        ) from None
    except OSError as error:
        # A file system without locks keeps nobody out.
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
            raise


def _refuse_foreign(directory: Path, foreign: Callable[[Path], Iterator[str]]) -> None:
    # A few will do: it may be somebody's whole home.
    if found := list(islice(foreign(directory), _NAMED + 1)):
        raise InputError(
            f"out = {directory}: holds what hedgesim did not write there "
            f"({', '.join(found[:_NAMED])}{', …' * (len(found) > _NAMED)}); allowed: a new or "
            "empty directory, one of an earlier run alone, or --force"
        )


def claim_file(path: Path, *, force: bool = False, mark: bytes | None = OURS) -> None:
    """See that ``path`` may be written: it is new, or an earlier one; its directory is made.

    ``mark``: what an earlier one, which may be made anew, has in it. None: it is there to be
    edited, as YAML is, and never made anew.

    Raises:
        InputError: it is another's and ``force`` is false, or a directory.
        MachineError: its directory cannot be made or written to.
    """
    _make(path.parent)
    if path.is_dir():
        raise InputError(f"out = {path}: is a directory; allowed: a file")
    if force or not path.exists() or (mark is not None and is_marked(path, mark)):
        return
    raise InputError(f"out = {path}: is there already; allowed: a new file, or --force")


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"out = {directory}: there is a file in its way; allowed: a directory"
        ) from None
    except OSError as error:
        raise MachineError(f"out = {directory}: cannot be made: {error.strerror}") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise MachineError(f"out = {directory}: cannot be written to")


def is_marked(path: Path, mark: bytes = OURS) -> bool:
    """Whether a page, picture or file of market paths is of this package.

    The mark stands in the title of every page and in the metadata of pictures and market paths.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _FOOT))
        return mark in head or mark in file.read()


def foreign_to_run(directory: Path) -> Iterator[str]:
    """Names below ``directory`` that neither a run nor a comparison of runs wrote there."""
    summary = _summary(directory)
    ours = summary is not None or (directory / PARTIAL / "run.json").is_file()
    for entry in sorted(directory.iterdir()):
        if entry.is_symlink():
            yield entry.name
        elif entry.is_dir():
            # Finished chunks, or an alternative of a comparison.
            below = foreign_to_chunks if entry.name == PARTIAL else foreign_to_run
            yield from (f"{entry.name}/{name}" for name in below(entry))
        elif not _is_temporary(entry):
            known = ours and entry.name in RUN_FILES
            if not (known and _is_untouched(entry, summary)):
                yield entry.name


def foreign_to_chunks(partial: Path) -> Iterator[str]:
    """Names in a directory of finished chunks that no run wrote there, for it is thrown away."""
    for entry in sorted(partial.iterdir()):
        if entry.is_symlink() or not _OF_CHUNKS.fullmatch(entry.name):
            yield entry.name
        elif entry.is_dir():
            names = sorted(file.name for file in entry.iterdir())
            yield from (f"{entry.name}/{name}" for name in names if name not in CHUNK_FILES)


def foreign_to_explanation(directory: Path) -> Iterator[str]:
    """Names in ``directory`` that ``hedgesim explain`` did not write there."""
    ours = (directory / PARTIAL / "run.json").is_file() or _is_explanation(directory)
    for entry in sorted(directory.iterdir()):
        if entry.is_dir() and not entry.is_symlink() and entry.name == PARTIAL:
            yield from (f"{entry.name}/{name}" for name in foreign_to_chunks(entry))
        elif not (_is_temporary(entry) or (ours and entry.name in EXPLANATION)):
            yield entry.name


def _is_explanation(directory: Path) -> bool:
    try:
        found = json.loads((directory / "explain.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "hedgesim" in found


def foreign_to_study(directory: Path) -> Iterator[str]:
    """Names in ``directory`` that ``hedgesim hedge`` did not write there."""
    pages = {page.stem for page in directory.glob("*.html") if is_marked(page)}
    for entry in directory.iterdir():
        known = (
            (entry.suffix == ".html" and entry.stem in pages)
            or (entry.suffix == ".parquet" and entry.stem.rpartition("-")[0] in pages)
            or (entry.name == "figures.csv" and bool(pages))
        )
        if not (known or _is_temporary(entry)):
            yield entry.name


def _summary(directory: Path) -> dict[str, Any] | None:
    """The summary a run or a comparison left; None: there is none, or it is another's."""
    try:
        found = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "hedgesim" in found else None


def _is_untouched(entry: Path, summary: dict[str, Any] | None) -> bool:
    """Whether a file with the name of one of ours is it."""
    if entry.name == "report.html":
        return is_marked(entry)
    if entry.name == "config.yaml":
        return _is_as_signed(entry, summary)
    return True


def signed(text: str) -> str:
    """A configuration as a run writes it: its first line tells whether it was edited since.

    It is there to be edited, and what was edited is not ours to write over. The run's summary does
    not tell: names of files in it are relative to another place.
    """
    return f"{_SIGNED}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def _is_as_signed(config: Path, summary: dict[str, Any] | None) -> bool:
    """Whether a run's ``config.yaml`` is as it was written; unsigned ones by their contents."""
    try:
        text = config.read_text(encoding="utf-8")
        if text.startswith(_SIGNED):
            return text == signed(text.partition("\n")[2])
        # As runs wrote it before they signed.
        return summary is None or bool(yaml.safe_load(text) == summary.get("config"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return False


def _is_temporary(entry: Path) -> bool:
    """Whether it was left half written when a process was killed (:func:`store.replacing`)."""
    return entry.name.startswith(".") and entry.suffix == ".tmp"
