"""Files of a run: finished chunks kept until all are there; each written whole or not at all."""

from __future__ import annotations

import functools
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.results.rows import frame_of
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from simulator.results.rows import Rows

PARTIAL = ".partial"
#: Characters; a column of a row takes some thirty.
_LONGEST_HEADER = 1_000_000
#: What a chunk holds (:func:`write_chunk`).
CHUNK_FILES = frozenset({"paths.npy", "fan.npy", "series.npy", "events.npy"})


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


def write_page(directory: Path, summary: Any, page: str) -> Path:
    """Write ``summary.json`` and ``report.html`` of what has no files of its own; the page's."""
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "summary.json", summary)
    report = directory / "report.html"
    write_text(report, page)
    return report


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame whole or not at all, series in two thirds of what pandas' defaults make.

    Floats of neighbouring rows share their high bytes: split by byte they compress, as dictionaries
    they do not.
    """
    floats = [name for name, kind in frame.dtypes.items() if kind == np.float64]
    with replacing(path) as temporary:
        frame.to_parquet(
            temporary,
            index=False,
            compression="zstd",
            use_dictionary=[name for name in frame.columns if name not in floats],
            use_byte_stream_split=floats,
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one chunk of paths came to."""

    rows: dict[str, Rows]  # "paths"; where some are recorded, their "series" and "events"
    fan: NDArray[np.float32]  # [quantities, points, paths]
    names: dict[str, list[str]]  # that codes stand for in columns of events

    @functools.cached_property
    def paths(self) -> pd.DataFrame:
        """One row per path."""
        return frame_of(self.rows["paths"], {})

    @functools.cached_property
    def series(self) -> pd.DataFrame | None:
        """One row per step of recorded paths."""
        return frame_of(self.rows["series"], {}) if "series" in self.rows else None

    @functools.cached_property
    def events(self) -> pd.DataFrame | None:
        """One row for each action tried on recorded paths."""
        return frame_of(self.rows["events"], self.names) if "events" in self.rows else None


@dataclass(frozen=True)
class Key:
    """What all chunks of a run have in common, as digests (:mod:`simulator.runner.fingerprint`)."""

    market: str
    protocol: str
    code: str


class Chunks:
    """Finished chunks of a run under ``directory``; those of another run there are thrown away.

    ``key`` identifies the run, so that the same command resumes it; ``others``: in which parts of
    the key finished chunks differed that were thrown away for it. ``layout``: first path and number
    of paths of every chunk, in order. A run that is resumed keeps the layout it began with,
    whatever is given here, for chunks cut otherwise would overlap; what is there and not exactly a
    chunk of it is thrown away.
    """

    def __init__(self, directory: Path, key: Key, layout: Sequence[tuple[int, int]]) -> None:
        self.directory, self.key = directory, key
        stamp = directory / "run.json"
        begun = _layout_of(stamp, key, sum(count for _, count in layout))
        self.layout = tuple(layout) if begun is None else begun
        self.others = _others(stamp, key) if any(directory.glob("chunk-*")) else ()
        if begun is not None:
            self._sweep()
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        write_json(stamp, {"key": asdict(key), "layout": [list(chunk) for chunk in self.layout]})

    def _sweep(self) -> None:
        """Throw away what is half written, of another layout, or does not hold its paths."""
        for left in self.directory.glob(".*.tmp"):
            shutil.rmtree(left)
        chunks = {_chunk_directory(self.directory, first): (first, n) for first, n in self.layout}
        for found in self.directory.glob("chunk-*"):
            if found not in chunks or not _is_whole(found, *chunks[found]):
                shutil.rmtree(found)

    def has(self, first: int) -> bool:
        """Whether the chunk that begins with path ``first`` is finished."""
        return _chunk_directory(self.directory, first).is_dir()

    def check(self) -> None:
        """See that the paths found are those of the run, each once.

        Raises:
            InputError: they are not: something else wrote to the directory meanwhile.
        """
        wrong = [
            f"{first} to {first + count - 1}"
            for first, count in self.layout
            if not _is_whole(_chunk_directory(self.directory, first), first, count)
        ]
        if wrong:
            raise InputError(
                f"{self.directory}: does not hold each path of the run once (wrong: "
                f"{', '.join(wrong[:3])}{', …' * (len(wrong) > 3)}); is another run writing there? "
                "Give the same command again"
            )

    def _files(self, name: str) -> list[Path]:
        """The files ``name`` of the chunks that have one, in order of paths."""
        files = [_chunk_directory(self.directory, first) / name for first, _ in self.layout]
        return [file for file in files if file.is_file()]

    def frame(self, name: str, names: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
        """The rows ``name`` of all chunks together, in order of paths; ``names``: of codes."""
        rows = np.concatenate([_read(file) for file in self._files(f"{name}.npy")])
        return frame_of(rows, names or {})

    def fan(self, quantity: int) -> NDArray[np.float32]:
        """One quantity ``[points, paths]`` of every path; read from disk, not held."""
        parts = [_read(file)[quantity] for file in self._files("fan.npy")]
        return np.concatenate(parts, axis=1)

    def remove(self) -> None:
        """Throw the chunks away."""
        shutil.rmtree(self.directory)

    def remove_if_empty(self) -> None:
        """Where no chunk is finished, leave nothing behind, nor a directory that held nothing."""
        if not any(self.has(first) for first, _ in self.layout):
            shutil.rmtree(self.directory)
            with suppress(OSError):  # it holds something else
                self.directory.parent.rmdir()


def _others(stamp: Path, key: Key) -> tuple[str, ...]:
    """Parts of the key in which what was begun differs; none where that is not known."""
    try:
        begun = dict(json.loads(stamp.read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        return ()
    return tuple(part for part, digest in asdict(key).items() if begun.get(part) != digest)


def _layout_of(stamp: Path, key: Key, paths: int) -> tuple[tuple[int, int], ...] | None:
    """The layout the run ``key`` of so many paths began with; None where no such run began."""
    try:
        begun = json.loads(stamp.read_text(encoding="utf-8"))
        if begun["key"] != asdict(key):
            return None
        layout = tuple((int(first), int(count)) for first, count in begun["layout"])
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        return None
    after = 0  # the path that the next chunk has to begin with
    for first, count in layout:
        if first != after or count < 1:
            return None
        after += count
    return layout if after == paths else None


def _read(file: Path) -> Any:
    """An array of ours, mapped: rows of many columns have a header that NumPy asks back about."""
    return np.load(file, mmap_mode="r", max_header_size=_LONGEST_HEADER)  # type: ignore[call-arg]


def _is_whole(chunk: Path, first: int, count: int) -> bool:
    """Whether a chunk's files can be read and hold the paths ``first`` … ``first + count − 1``."""
    try:
        found = {file.name: _read(file) for file in chunk.glob("*.npy")}
        numbers, fan = found["paths.npy"]["path"], found["fan.npy"]
    except (OSError, ValueError, KeyError):  # cut short, not one of ours, or not there
        return False
    return fan.shape[-1] == count and np.array_equal(numbers, np.arange(first, first + count))


def _chunk_directory(directory: Path, first: int) -> Path:
    return directory / f"chunk-{first:09d}"


def write_chunk(directory: Path, first: int, outcome: Outcome) -> None:
    """Write a finished chunk; called in the process that ran it."""
    final = _chunk_directory(directory, first)
    temporary = directory / f".{final.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        for name, array in {**outcome.rows, "fan": outcome.fan}.items():
            np.save(temporary / f"{name}.npy", array)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
