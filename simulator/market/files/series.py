"""Bars of one symbol out of the tables of one or several files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.files import outliers, sources, symbols, ticks
from simulator.market.files.reading import AS_WRITTEN, Reading
from simulator.market.files.table import Table, load
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.types import Booleans, Floats

_ZERO = pd.Timedelta(0)
#: A step this rare, and shorter than the usual one, is a row off the grid and no bar length.
_RARE = 0.05
#: As many longer steps in a row are other bars, not a gap after every bar.
_RUN = 24


@dataclass(frozen=True, eq=False)
class Bars:
    """All bars of one symbol, in order and without duplicates.

    Attributes:
        file: where they come from, as written by the user.
        symbol: its name in the file.
        times: a stamp for each, naive UTC: that of the file until bars of several symbols are laid
            side by side (:mod:`simulator.market.files.alignment`).
        prices: close, or what column was asked for.
        rows: row in its file, counted from 1.
        duplicates: stamps of exact duplicates that were dropped.
        bar: length of a bar.
        lag: from a stamp to the moment of the close: a bar where stamps are openings, else zero.
        odd: stamps of outliers, whatever was done to them.
        notes: what was dropped, turned or found, one sentence each.
        files: the file each bar comes from, where there are several.
        sampled: whether rows at irregular times were sampled, so that some are left out.
    """

    file: Path
    symbol: str
    times: pd.DatetimeIndex
    prices: Floats
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    duplicates: pd.DatetimeIndex
    bar: pd.Timedelta
    lag: pd.Timedelta = _ZERO
    odd: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    sampled: bool = False

    def place(self, position: int) -> str:
        """File, symbol and row of a bar, for a message."""
        file = self.files[position] if self.files else self.file
        return f"{file}: {self.symbol}, row {self.rows[position]} ({self.times[position]})"


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of one symbol in one file, in order of time."""

    table: Table
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]  # counted from 0
    newest_first: bool

    @property
    def times(self) -> pd.DatetimeIndex:
        return self.table.moments[self.rows]


def open_files(prices: str | Path, pool: str | None = None) -> tuple[Table, ...]:
    """The files meant by ``prices``, read as far as times and symbols.

    Raises:
        InputError: no such file, or one that is no table of prices.
    """
    found = sources.expand(prices)
    return tuple(
        _load(source, version, pool)
        for source, version in zip(found, sources.version(found), strict=True)
    )


@lru_cache(maxsize=512)
def _load(source: sources.Source, _version: tuple[int, ...], pool: str | None) -> Table:
    return load(source, pool)


def read(
    prices: str | Path, symbol: str, reading: Reading = AS_WRITTEN, column: str = "close"
) -> Bars:
    """Bars of one symbol; prices are not judged yet, but for outliers.

    ``column``: ``close``, another role (``open``, ``high``, ``low``, ``volume``) or a name in the
    file. Outliers are looked for among prices only.

    Raises:
        InputError: no such file, column or symbol; a time or a number that cannot be read; a time
            that runs backwards or lies off the grid; two prices for one moment.
    """
    return _read(str(prices), sources.version(sources.expand(prices)), symbol, reading, column)


@lru_cache(maxsize=128)
def _read(
    prices: str, _version: tuple[tuple[int, ...], ...], symbol: str, reading: Reading, column: str
) -> Bars:
    tables = open_files(prices, reading.pool)
    parts = [part for table in tables if (part := _part(table, symbol)) is not None]
    if not parts:
        known = list(dict.fromkeys(name for table in tables for name in table.symbols))
        raise symbols.missing(symbol, known, prices)
    parts.sort(key=lambda part: part.times[0])
    values = np.concatenate([part.table.column(column)[part.rows] for part in parts])
    times = pd.DatetimeIndex(np.concatenate([part.times.to_numpy() for part in parts]))
    rows = np.concatenate([part.table.layout.rows[part.rows] for part in parts])
    files = [part.table.path for part in parts for _ in part.rows]
    notes = [f"{symbol} was newest first, turned"] if any(p.newest_first for p in parts) else []
    found = ticks.sampled(times, f"{files[0]}: {symbol}") if ticks.are(times) else None
    if found is not None:
        stamps, keep, minutes = found
        duplicates = times[:0]
        notes.append(
            f"{symbol} comes at irregular times, {len(times)} rows: the last price at or before "
            f"every {minutes} minutes is taken"
        )
    else:
        keep, duplicates = _one_price_a_moment(files, symbol, times, values, rows)
        stamps = times[keep]
        if len(duplicates):
            notes.append(f"{len(duplicates)} exact duplicate(s) of {symbol} dropped")
    times, values, rows = stamps, values[keep], rows[keep]
    files = [file for file, kept in zip(files, keep, strict=True) if kept]
    times, bar, live = _grid(files, symbol, times, rows)
    if live:
        notes.append(f"last row of {symbol} dropped: live, {live} is off the grid")
    values, rows = values[: len(times)], rows[: len(times)]
    at_close = (
        parts[0].table.layout.at_close if reading.stamps is None else reading.stamps == "close"
    )
    at_close |= found is not None  # a sampled price is that of its moment
    several = len(parts) > 1
    bars = Bars(
        Path(prices) if several else files[0], symbol, times, values, rows, duplicates, bar,
        _ZERO if at_close else bar, notes=tuple(notes), files=tuple(files) if several else (),
        sampled=found is not None,
    )  # fmt: skip
    return _without_outliers(bars, reading) if column in ("open", "high", "low", "close") else bars


def _part(table: Table, symbol: str) -> _Part | None:
    rows = np.flatnonzero(table.names == symbol)
    if not len(rows):
        return None
    steps = np.diff(table.moments[rows].to_numpy())
    newest_first = bool(np.all(steps <= np.timedelta64(0)) and np.any(steps < np.timedelta64(0)))
    if newest_first:
        rows = rows[::-1]
    else:
        backwards = np.flatnonzero(steps < np.timedelta64(0))
        if len(backwards):
            at = rows[backwards[0] + 1]
            raise InputError(
                f"{table.place(at)}: time runs backwards, {table.moments[rows[backwards[0]]]} to "
                f"{table.moments[at]}"
            )
    return _Part(table, rows, newest_first)


def _one_price_a_moment(
    files: Sequence[Path],
    symbol: str,
    times: pd.DatetimeIndex,
    prices: Floats,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> tuple[Booleans, pd.DatetimeIndex]:
    """Which rows to keep, and the stamps of exact duplicates; files overlap at their ends only."""
    keep = np.ones(len(times), np.bool_)
    steps = np.diff(times.to_numpy())
    order = np.arange(len(times))
    if np.any(steps < np.timedelta64(0)):  # files that overlap
        order = np.argsort(times.to_numpy(), kind="stable")
        steps = np.diff(times.to_numpy()[order])
    same = np.flatnonzero(steps == np.timedelta64(0)) + 1
    for position in same:
        at, one = order[position], order[position - 1]
        before, after = prices[one], prices[at]
        if before != after and not (np.isnan(before) and np.isnan(after)):
            raise InputError(
                f"{files[at]}: {symbol}, row {rows[at]}: {times[at]} has two prices, {before} and "
                f"{after}; times of a zone whose clocks go back have one hour twice: write UTC"
            )
        keep[at] = False
    if len(order) and np.any(order != np.arange(len(order))):
        first = int(np.flatnonzero(order != np.arange(len(order)))[0])
        stay = keep[order]
        if np.any(np.diff(order[stay]) < 0):
            raise InputError(
                f"{files[order[first]]}: {symbol}, row {rows[order[first]]}: "
                f"{times[order[first]]} lies between rows of another file; the files must follow "
                "each other in time"
            )
    return keep, times[~keep]


def _grid(
    files: Sequence[Path],
    symbol: str,
    times: pd.DatetimeIndex,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> tuple[pd.DatetimeIndex, pd.Timedelta, pd.Timestamp | None]:
    """Stamps on a grid, the length of a bar, and a live last row that was left out."""

    def place(at: int) -> str:
        return f"{files[at]}: {symbol}, row {rows[at]}"

    if len(times) < 2:
        raise InputError(f"{place(0)}: one bar only, needs two or more")
    steps = pd.Series(np.diff(times.to_numpy()))
    inner = steps if len(steps) < 3 else steps[:-1]
    counts = inner.value_counts()
    bar, usual = pd.Timedelta(inner.min()), pd.Timedelta(counts.index[0])
    if bar != usual and counts[bar] < _RARE * len(inner) and counts[usual] > len(inner) / 2:
        bar = usual
    off = np.flatnonzero((times - times[0]) % bar != _ZERO)
    live = None
    if len(off) and off[0] == len(times) - 1 and pd.Timedelta(steps.iloc[-1]) < bar:
        live, times = times[-1], times[:-1]
        off = off[:-1]
    if len(off):
        irregular = counts.iloc[0] < 0.5 * len(inner)
        why = "; rows come at irregular times: resample them first" if irregular else ""
        raise InputError(
            f"{place(off[0])}: {times[off[0]]} is off the grid of {shown(bar)} bars{why}"
        )
    longer = steps.to_numpy()[: len(times) - 1] // bar.to_numpy()
    alike = (np.diff(longer) == 0) & (longer[1:] > 1)
    # NumPy's windows are as long as the shorter of the two, and there are none of nothing.
    runs = (
        np.flatnonzero(np.convolve(alike, np.ones(_RUN - 1), "valid") == _RUN - 1)
        if len(longer) >= _RUN
        else alike[:0]
    )
    if len(runs):
        at = int(runs[0])
        other = pd.Timedelta(steps[at])
        raise InputError(
            f"{place(at)}: {shown(other)} bars beside {shown(bar)} bars; give each length a "
            "symbol or a file of its own"
        )
    return times, bar, live


def _without_outliers(bars: Bars, reading: Reading) -> Bars:
    found, bound = outliers.find(bars.prices)
    if not np.any(found):
        return bars
    prices = bars.prices
    if reading.outliers == "cut":
        prices = bound
    elif reading.outliers == "drop":
        prices = np.where(found, np.nan, prices)
    at = int(np.flatnonzero(found)[0])
    near = bars.prices[at - 1 if at else 1]
    done = {"keep": "kept; --outliers cut or drop", "cut": "cut", "drop": "dropped"}
    count = int(np.sum(found))
    note = (
        f"{bars.symbol}: {count} price{'s' if count > 1 else ''} far off the bars around, first "
        f"{bars.prices[at]:.6g} beside {near:.6g} in row {bars.rows[at]} ({bars.times[at]}): "
        f"{done[reading.outliers]}"
    )
    return replace(bars, prices=prices, odd=bars.times[found], notes=(*bars.notes, note))


def shown(bar: pd.Timedelta) -> str:
    """Length of a bar in words."""
    minutes = bar / pd.Timedelta(minutes=1)
    names = {1: "1-minute", 60: "hourly", 1_440: "daily"}
    if minutes in names:
        return names[int(minutes)]
    return f"{minutes / 60:g}-hour" if minutes % 60 == 0 else f"{minutes:g}-minute"
