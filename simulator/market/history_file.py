"""Recorded prices: read, checked, and laid on a regular grid under one stated rule for gaps.

The rule. Rows of a symbol must be in order of time; an exact duplicate is dropped and counted, two
prices for one moment are refused. A bar that is missing, or whose price is NaN, zero, negative or
infinite, takes the price before it if the run of such bars is no longer than ``max_gap_hours``;
filled bars are counted by cause. What the rule does not fill is refused with file, symbol and row.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.types import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from simulator.types import Floats

COLUMNS = ("timestamp_utc", "symbol", "close")


@dataclass(frozen=True)
class SymbolReport:
    """What was done to one symbol's bars between the first and the last moment replayed."""

    symbol: str
    bars: int  # on the grid, filled ones included
    missing: int  # bars that were not there, filled
    unusable: int  # bars without a usable price (NaN, zero, negative, infinite), filled
    duplicates: int  # exact duplicates, dropped

    @property
    def filled(self) -> int:
        """Bars that carry the price of one before."""
        return self.missing + self.unusable


@dataclass(frozen=True, eq=False)
class Bars:
    """All bars of one symbol: ``times``, ``prices``, and ``rows`` in the file counted from 1."""

    file: Path
    symbol: str
    times: pd.DatetimeIndex
    prices: Floats
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    duplicates: pd.DatetimeIndex
    bar: pd.Timedelta

    def place(self, position: int) -> str:
        """File, symbol and row of a bar, for a message."""
        return f"{self.file}: {self.symbol}, row {self.rows[position]} ({self.times[position]})"


def read_bars(file: str | Path, symbol: str) -> Bars:
    """Bars of one symbol, in order and without duplicates; prices are not judged yet.

    Raises:
        InputError: no such file, column or symbol; a time that cannot be read or runs backwards;
            two prices for one moment.
    """
    file = Path(file)
    try:
        return _read_bars(file, _version(file), symbol)
    except OSError as error:
        raise InputError(f"prices = {file}: cannot be read: {error.strerror or error}") from None


def _version(file: Path) -> tuple[int, ...]:
    """Tells the contents of a file from those it had before, also where a copy kept their time.

    Device, inode, size in bytes, and the moments of the last change of contents and of the entry,
    nanoseconds. Raises OSError when there is no such file.
    """
    entry = file.stat()
    return (entry.st_dev, entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)


@lru_cache(maxsize=4)
def _table(file: Path, _version: tuple[int, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(file) if file.suffix.lower() == ".csv" else pd.read_parquet(file)
    except (ValueError, pd.errors.ParserError) as error:  # pyarrow's errors are ValueErrors
        raise InputError(f"prices = {file}: neither Parquet nor CSV: {error}") from None
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"prices = {file}: column {missing[0]} is missing; needs {', '.join(COLUMNS)}"
        )
    return table[list(COLUMNS)]


@lru_cache(maxsize=32)
def _read_bars(file: Path, version: tuple[int, ...], symbol: str) -> Bars:
    table = _table(file, version)
    rows = np.flatnonzero((table["symbol"] == symbol).to_numpy())
    if not len(rows):
        known = sorted(str(name) for name in table["symbol"].dropna().unique())
        near = get_close_matches(symbol, known, n=3) or known
        raise InputError(f"{file}: symbol {symbol} is not there; did you mean {', '.join(near)}?")
    chosen = table.iloc[rows]
    times = _times(file, symbol, chosen["timestamp_utc"], rows)
    prices = pd.to_numeric(chosen["close"], errors="coerce").to_numpy(np.float64)
    place = f"{file}: {symbol}, row "
    steps = np.diff(times.to_numpy())
    backwards = np.flatnonzero(steps < np.timedelta64(0))
    if len(backwards):
        at = backwards[0] + 1
        raise InputError(
            f"{place}{rows[at] + 1}: time runs backwards, {times[at - 1]} to {times[at]}"
        )
    same = np.flatnonzero(steps == np.timedelta64(0)) + 1
    for at in same:
        before, after = prices[at - 1], prices[at]
        if before != after and not (np.isnan(before) and np.isnan(after)):
            raise InputError(
                f"{place}{rows[at] + 1}: {times[at]} has two prices, {before} and {after}"
            )
    keep = np.ones(len(rows), np.bool_)
    keep[same] = False
    moving = steps[steps > np.timedelta64(0)]
    if not len(moving):
        raise InputError(f"{place}{rows[0] + 1}: one bar only, needs two or more")
    bar = pd.Timedelta(moving.min())
    off = np.flatnonzero((times - times[0]) % bar != pd.Timedelta(0))
    if len(off):
        raise InputError(
            f"{place}{rows[off[0]] + 1}: {times[off[0]]} is off the grid of {bar} bars"
        )
    return Bars(file, symbol, times[keep], prices[keep], rows[keep] + 1, times[same], bar)


def _times(
    file: Path,
    symbol: str,
    column: pd.Series[str],
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> pd.DatetimeIndex:
    times = pd.DatetimeIndex(pd.to_datetime(column, errors="coerce", utc=True)).tz_localize(None)
    unread = np.flatnonzero(times.isna())
    if len(unread):
        value = column.iloc[unread[0]]
        raise InputError(
            f"{file}: {symbol}, row {rows[unread[0]] + 1}: timestamp_utc = {value!r} is not a time"
        )
    return times


def on_grid(
    bars: Bars, start: datetime, points: int, step_minutes: int, max_gap_hours: float
) -> tuple[Floats, SymbolReport]:
    """Prices ``[points]`` at ``start`` and every ``step_minutes`` after, gaps filled by the rule.

    Raises:
        InputError: ``step_minutes`` is no multiple of the bars, or the rule does not fill a gap.
    """
    step = pd.Timedelta(minutes=step_minutes)
    if step % bars.bar != pd.Timedelta(0):
        raise InputError(
            f"step_minutes = {step_minutes}: must be a multiple of the bars of {bars.file}, "
            f"{bars.bar / pd.Timedelta(minutes=1):g} minutes"
        )
    first = pd.Timestamp(start)
    grid = pd.date_range(first, first + step * (points - 1), freq=bars.bar)
    position = bars.times.get_indexer(grid)
    prices = np.where(position >= 0, bars.prices[position], np.nan)
    present = position >= 0
    usable = present & np.isfinite(prices) & (prices > 0)
    _refuse_gaps(bars, grid, position, usable, max_gap_hours)
    source = np.maximum.accumulate(np.where(usable, np.arange(len(grid)), 0))
    inside = (bars.duplicates >= grid[0]) & (bars.duplicates <= grid[-1])
    report = SymbolReport(
        bars.symbol,
        bars=len(grid),
        missing=int(np.sum(~present)),
        unusable=int(np.sum(present & ~usable)),
        duplicates=int(np.sum(inside)),
    )
    return prices[source][:: int(step / bars.bar)], report


def _refuse_gaps(
    bars: Bars,
    grid: pd.DatetimeIndex,
    position: np.ndarray[tuple[int], np.dtype[np.intp]],
    usable: np.ndarray[tuple[int], np.dtype[np.bool_]],
    max_gap_hours: float,
) -> None:
    """Refuse the first run of bars without a usable price that the rule does not fill."""
    longest = int(pd.Timedelta(hours=max_gap_hours) / bars.bar)
    edges = np.flatnonzero(np.diff(np.concatenate(([True], usable, [True])).astype(np.int8)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if begin > 0 and end - begin <= longest:
            continue
        if begin == 0:
            why = "there is no price before to fill it with"
        else:
            why = f"{end - begin} bars in a row, at most {longest} are filled ({max_gap_hours:g} h)"
        if position[begin] >= 0:
            at = position[begin]
            raise InputError(f"{bars.place(at)}: close = {bars.prices[at]} is no price; {why}")
        after = int(bars.times.searchsorted(grid[begin]))
        near = bars.place(max(after - 1, 0))
        raise InputError(f"{near}: no bar at {grid[begin]}; {why}")


def symbols_of(file: str | Path) -> list[str]:
    """Symbols of a file, in order of first appearance; errors as in :func:`read_bars`."""
    file = Path(file)
    try:
        table = _table(file, _version(file))
    except OSError as error:
        raise InputError(f"prices = {file}: cannot be read: {error.strerror or error}") from None
    return [str(name) for name in table["symbol"].dropna().unique()]
