"""One file, read: moments, symbols, and columns of numbers on demand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.files import formats, numbers, pools, symbols, tables, times
from simulator.types import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.market.files.sources import Source
    from simulator.types import Floats

#: Bars whose moments of a query are taken as the step they lie near.
_STEPS = (1, 5, 15, 30, 60, 240, 720, 1_440)  # minutes
#: How far a query may lie from its step, as a part of the step.
_NEAR = 0.25


@dataclass(frozen=True, eq=False)
class Table:
    """A file with its moments and symbols told; numbers are parsed when a column is asked for.

    Attributes:
        path: the file.
        layout: what its columns are.
        moments: stamp of each row, naive UTC.
        unit: how stamps were written.
        names: symbol of each row.
        decimal_comma: whether a lone comma in a number is the decimal mark.
        pool: tokens, where the file holds ticks or prices of a pool.
        kind: CSV, JSON, Parquet or Feather.
        notes: what was guessed.
    """

    path: Path
    layout: formats.Layout
    moments: pd.DatetimeIndex
    unit: str
    names: np.ndarray[tuple[int], np.dtype[np.object_]]
    decimal_comma: bool
    pool: pools.Pool | None
    kind: str
    notes: tuple[str, ...]
    _columns: dict[str, Floats] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        """Symbols in order of first appearance."""
        return list(dict.fromkeys(self.names))

    def place(self, row: int) -> str:
        """File, symbol and row (``row`` counts from 0), to begin a message."""
        return f"{self.path}: {self.names[row]}, row {self.layout.rows[row]}"

    def has(self, column: str) -> bool:
        """Whether the file has such a column."""
        return column in self.layout.frame.columns

    def column(self, name: str) -> Floats:
        """Numbers ``[rows]`` of a column by its role (``close``) or its own name; NaN: empty.

        Raises:
            InputError: no such column, or a cell that is neither empty nor a number.
        """
        if name not in self._columns:
            if not self.has(name):
                columns = [c for c in self.layout.frame.columns if c not in ("time", "symbol")]
                raise InputError(
                    f"{self.path}: column {name} is missing; has {', '.join(map(str, columns))}"
                    f"{formats.resembles(columns)}"
                )
            shown = self.layout.names.get(name, name)
            values, style = numbers.parse(
                self.layout.frame[name],
                lambda row: f"{self.place(row)}: {shown}",
                decimal_comma=self.decimal_comma,
            )
            if self.pool is not None and name in formats.TICKS:
                ticks = self.layout.ticks
                values = self.pool.prices_at(values) if ticks else self.pool.prices(values)
            self._columns[name] = values
            if style:
                self.styles[shown] = style
        return self._columns[name]


def load(source: Source, pool: str | None) -> Table:
    """Read a file as far as its times and symbols.

    Raises:
        InputError: it is no table of prices, naming file, row, column and text.
    """
    raw = tables.read(source.path)
    layout = formats.recognise(source.path, raw)
    tokens = pools.parse(source.path, pool) if layout.ticks or layout.relative else None
    names, said = _names(source, layout, tokens)
    shown = layout.names["time"]
    column = layout.frame["time"]

    def place(row: int) -> str:
        return f"{source.path}: {names[row]}, row {layout.rows[row]}: {shown or 'index'}"

    read = times.parse(column, place)
    moments, notes = read.moments, [*layout.notes, *said]
    if layout.at_close and not layout.sampled:
        moments = moments.ceil("s")  # closes written 00:59:59.999
    if layout.sampled:
        moments, snapped = _on_steps(moments)
        notes += snapped
    return Table(
        source.path, layout, moments, f"{shown or 'index'} as {read.unit}", names,
        raw.separator == ";", tokens, raw.kind, tuple(notes),
    )  # fmt: skip


def _names(
    source: Source, layout: formats.Layout, pool: pools.Pool | None
) -> tuple[np.ndarray[tuple[int], np.dtype[np.object_]], list[str]]:
    """Symbol of each row, and where it comes from if not from a column."""
    rows = len(layout.frame)
    if source.symbol is not None:
        if "symbol" in layout.frame and layout.frame["symbol"].nunique() > 1:
            raise InputError(
                f"prices = {source.symbol}={source.path}: holds "
                f"{layout.frame['symbol'].nunique()} symbols, only a file of one can be named"
            )
        return np.full(rows, source.symbol, dtype=object), []
    if "symbol" in layout.frame:
        column = layout.frame["symbol"]
        text = column.astype(str).str.strip()
        empty = np.flatnonzero(column.isna() | (text == ""))
        if len(empty):
            raise InputError(f"{source.path}: row {layout.rows[empty[0]]}: symbol is empty")
        return text.to_numpy(object), []
    if pool is not None:
        return np.full(rows, pool.symbol, dtype=object), [f"named {pool.symbol} after the pool"]
    name = _in_file_name(source.path)
    return np.full(rows, name, dtype=object), [f"no symbol column: named {name} after the file"]


def _in_file_name(path: Path) -> str:
    """The pair in a file's name (``BTCUSDT-1h-2024-01``, ``btc-usd-max``), else the whole name."""
    stem = re.sub(
        r"(\.(csv|txt|tsv|json|gz|zip|parquet|pq|feather|arrow))+$", "", path.name, flags=re.I
    )
    parts = [part for part in re.split(r"[\s_\-.]", stem) if part]
    for first, second in pairwise(parts):
        pair = f"{first}-{second}".upper()
        if symbols.split(first)[1] is None and symbols.split(pair)[1] is not None:
            return pair
    for part in parts:
        if part.isalnum() and part.upper() == part and symbols.split(part)[1] is not None:
            return part
    return stem


def _on_steps(moments: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, list[str]]:
    """Moments of queries taken as the steps they lie near; the last may be of any moment."""
    if len(moments) < 3:
        return moments, []
    middle = float(np.median(np.abs(np.diff(moments.to_numpy())) / np.timedelta64(1, "m")))
    if middle <= 0:
        return moments, []
    step = min(_STEPS, key=lambda minutes: abs(np.log(minutes / middle)))
    near, reach = moments.round(f"{step}min"), _NEAR * pd.Timedelta(minutes=step)
    off = np.abs((moments - near).to_numpy())
    ends = np.zeros(len(moments), np.bool_)
    ends[[int(np.argmax(moments)), int(np.argmin(moments))]] = True
    if np.any(off[~ends] > reach):
        return moments, []
    fits = off <= reach
    # A live last price lies near the step of one before, or between two.
    last = int(np.argmax(moments))
    fits[last] &= near[last] not in near.delete(last)
    taken = near.where(fits, moments)
    worst = pd.Timedelta(off[fits].max())
    if worst <= pd.Timedelta(seconds=1):
        return taken, []
    return taken, [f"queried up to {worst.total_seconds():.0f} s off the step, taken as the step"]
