"""Files of a run: finished chunks kept until all are there; each written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

PARTIAL = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; what was written there becomes ``path`` at the end."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON, keys in the order given; NaN is refused, it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame whole or not at all."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one chunk of paths came to."""

    paths: pd.DataFrame
    fan: NDArray[np.float32]  # [quantities, points, paths] float32
    series: pd.DataFrame | None
    events: pd.DataFrame | None


class Chunks:
    """Finished chunks of a run under ``directory``; those of another run there are thrown away.

    ``key`` identifies the run (configuration, seed, number of paths, version), so that the same
    command resumes it.
    """

    def __init__(self, directory: Path, key: str) -> None:
        self.directory = directory
        stamp = directory / "run.json"
        if stamp.is_file() and json.loads(stamp.read_text(encoding="utf-8")) == {"key": key}:
            for left in directory.glob(".*.tmp"):
                shutil.rmtree(left)
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        write_json(stamp, {"key": key})

    def has(self, first: int) -> bool:
        """Whether the chunk that begins with path ``first`` is finished."""
        return _chunk_directory(self.directory, first).is_dir()

    def frames(self, name: str) -> pd.DataFrame:
        """The frames ``name`` of all chunks together, in order of paths."""
        import pandas as pd

        files = sorted(self.directory.glob(f"chunk-*/{name}.parquet"))
        return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)

    def fan(self, quantity: int, point: int) -> NDArray[np.float32]:
        """One quantity at one point in time for every path; read from disk, not held."""
        files = sorted(self.directory.glob("chunk-*/fan.npy"))
        return np.concatenate([np.load(file, mmap_mode="r")[quantity, point] for file in files])

    def remove(self) -> None:
        """Throw the chunks away."""
        shutil.rmtree(self.directory)


def _chunk_directory(directory: Path, first: int) -> Path:
    return directory / f"chunk-{first:09d}"


def write_chunk(directory: Path, first: int, outcome: Outcome) -> None:
    """Write a finished chunk; called in the process that ran it."""
    final = _chunk_directory(directory, first)
    temporary = directory / f".{final.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        outcome.paths.to_parquet(temporary / "paths.parquet", index=False)
        np.save(temporary / "fan.npy", outcome.fan)
        for name, frame in (("series", outcome.series), ("events", outcome.events)):
            if frame is not None:
                frame.to_parquet(temporary / f"{name}.parquet", index=False)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
