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

#: Every field that holds the name of a file.
FIELDS = (("history", "prices"), ("process", "file"))


def named(data: object) -> Iterator[str]:
    """Names of files in a configuration, or in plain data of one, in order of :data:`FIELDS`."""
    for *section, field in FIELDS:
        above = data
        for part in section:
            above = above.get(part) if isinstance(above, dict) else getattr(above, part, None)
        name = above.get(field) if isinstance(above, dict) else getattr(above, field, None)
        if isinstance(name, str):
            yield name


def from_folder(data: dict[str, Any], folder: Path) -> None:
    """Make names read from a YAML file in ``folder`` relative to the working directory."""

    def moved(name: str) -> str:
        if Path(name).is_absolute():
            return name
        file, here = (folder / name).resolve(), Path.cwd()
        return str(file.relative_to(here) if file.is_relative_to(here) else file)

    _rename(data, moved)


def to_folder(data: dict[str, Any], folder: Path | None) -> None:
    """Make names in memory right for a YAML file in ``folder``; None: right wherever it is put."""

    def moved(name: str) -> str:
        if Path(name).is_absolute():
            return name
        file = Path(name).resolve()
        return str(file) if folder is None else os.path.relpath(file, folder.resolve())

    _rename(data, moved)


def _rename(data: dict[str, Any], moved: Callable[[str], str]) -> None:
    for *section, field in FIELDS:
        above: object = data
        for part in section:
            above = above.get(part) if isinstance(above, dict) else None
        if isinstance(above, dict) and isinstance(above.get(field), str):
            above[field] = moved(above[field])
