"""Files a configuration names: which fields they are, and what their names are relative to.

In memory a name is relative to the working directory, as everywhere. In a YAML file it is relative
to that file, so that a scenario and its prices can be moved together and run from anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Every field that holds the name of a file of prices; ``*``: each entry of a mapping.
FIELDS = (
    ("history", "prices"),
    ("history", "gas", "file"),
    ("history", "depth", "pool", "file"),
    ("history", "depth", "perp", "file"),
    ("history", "oracle", "*", "file"),
    ("history", "funding", "*", "file"),
    ("process", "file"),
)
#: Every field that holds the name of a file of code.
CODE_FIELDS = (("agents", "custom", "*", "file"),)


def named(data: object) -> Iterator[str]:
    """Names of files of prices in a configuration, or plain data of one, as :data:`FIELDS` has."""
    for *sections, field in FIELDS:
        for above in _at(data, sections):
            name = above.get(field) if isinstance(above, dict) else getattr(above, field, None)
            if isinstance(name, str):
                yield name


def _at(data: object, sections: list[str]) -> Iterator[object]:
    """Sections a path leads to, of plain data or of models."""
    if not sections:
        yield data
        return
    first, *rest = sections
    if first == "*":
        below = list(data.values()) if isinstance(data, dict) else []
    else:
        below = [data.get(first) if isinstance(data, dict) else getattr(data, first, None)]
    for each in below:
        yield from _at(each, rest)


def from_folder(data: dict[str, Any], folder: Path) -> None:
    """Make names read from a YAML file in ``folder`` relative to the working directory."""

    def moved(name: str) -> str:
        file, here = (folder / name).resolve(), Path.cwd()
        return str(file.relative_to(here) if file.is_relative_to(here) else file)

    _rename(data, moved, folder)


def to_folder(data: dict[str, Any], folder: Path | None) -> None:
    """Make names in memory right for a YAML file in ``folder``; None: right wherever it is put."""

    def moved(name: str) -> str:
        file = Path(name).resolve()
        return str(file) if folder is None else os.path.relpath(file, folder.resolve())

    _rename(data, moved, Path())


def _rename(data: dict[str, Any], moved: Callable[[str], str], folder: Path) -> None:
    """Rename what is relative; where it is now, it lies in ``folder``."""
    for *sections, field in (*FIELDS, *CODE_FIELDS):
        for above in _at(data, sections):
            if isinstance(above, dict) and isinstance(above.get(field), str):
                above[field] = _each(above[field], moved, folder)


def _each(written: str, moved: Callable[[str], str], folder: Path) -> str:
    """``[SYMBOL=]PATH`` or several with commas, each path renamed.

    What exists as it is written is one path, as :func:`simulator.market.files.sources.expand` has
    it.
    """

    def renamed(path: str) -> str:
        return path if Path(path).is_absolute() else moved(path)

    if (folder / written).exists():
        return renamed(written)
    parts = []
    for part in (piece.strip() for piece in written.split(",")):
        symbol, equals, path = part.partition("=")
        if not equals or (folder / part).exists():
            parts.append(renamed(part))
        else:
            parts.append(f"{symbol}={renamed(path.strip())}")
    return ",".join(parts)
