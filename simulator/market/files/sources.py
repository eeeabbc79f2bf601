"""Which files are meant: one, several, a folder or a pattern, with a symbol given or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.types import InputError

SUFFIXES = (".parquet", ".pq", ".feather", ".arrow", ".csv", ".txt", ".tsv", ".json", ".gz", ".zip")


@dataclass(frozen=True)
class Source:
    """A file, and the symbol it is said to hold (None: the file says)."""

    path: Path
    symbol: str | None = None


def expand(prices: str | Path) -> tuple[Source, ...]:
    """Files meant by ``prices``: ``[SYMBOL=]PATH`` or several with commas between.

    A path may be a file, a folder (all price files in it, by name) or a pattern (``data/*.csv``).
    What exists as it is written is taken so, whatever commas and equal signs its name has.

    Raises:
        InputError: a folder or pattern without a file. A single file is not looked at yet.
    """
    text = str(prices)
    if isinstance(prices, Path) or Path(text).exists():
        return _below(text, Path(text), None)
    found: list[Source] = []
    for part in (piece.strip() for piece in text.split(",")):
        symbol, equals, path = part.partition("=")
        if not equals or Path(part).exists():
            symbol, path = "", part
        found += _below(text, Path(path.strip()), symbol.strip() or None)
    return tuple(found)


def paths(prices: str | Path) -> tuple[Path, ...]:
    """The files alone; errors as in :func:`expand`."""
    return tuple(source.path for source in expand(prices))


def version(sources: tuple[Source, ...]) -> tuple[tuple[int, ...], ...]:
    """Tells contents of files from those they had before, also where a copy kept their time.

    Device, inode, size in bytes, and the moments of the last change of contents and of the entry,
    nanoseconds.

    Raises:
        InputError: a file is not there.
    """
    entries = []
    for source in sources:
        try:
            entry = source.path.stat()
        except OSError as error:
            raise unreadable(source.path, error) from None
        entries.append(
            (entry.st_dev, entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)
        )
    return tuple(entries)


def unreadable(path: Path, error: OSError) -> InputError:
    """What to say of a file that the system does not hand out."""
    return InputError(f"prices = {path}: cannot be read: {error.strerror or error}")


def _below(text: str, path: Path, symbol: str | None) -> tuple[Source, ...]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    elif any(mark in path.name for mark in "*?[") and not path.exists():
        files = sorted(path.parent.glob(path.name))
    else:
        files = [path]
    if not files:
        raise InputError(
            f"prices = {text}: no file there; price files end in {', '.join(SUFFIXES)}"
        )
    return tuple(Source(file, symbol) for file in files)
