"""Recorded prices: read, checked, and laid on a regular grid under one stated rule for gaps.

The one door to files of prices: what they may look like is in :mod:`simulator.market.files`.

The rule. Rows of a symbol must be in order of time; an exact duplicate is dropped and counted, two
prices for one moment are refused. A bar that is missing, or whose price is NaN, zero, negative or
infinite, takes the price before it if the run of such bars is no longer than ``max_gap_hours``;
filled bars are counted by cause. What the rule does not fill is refused with file, symbol and row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.files import series, symbols
from simulator.market.files.alignment import aligned, span, step_minutes
from simulator.market.files.reading import AS_WRITTEN, Reading
from simulator.market.files.series import Bars
from simulator.market.files.table import Table
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from simulator.types import Floats

__all__ = [
    "AS_WRITTEN",
    "Bars",
    "Reading",
    "SymbolReport",
    "on_grid",
    "read_bars",
    "read_together",
    "reading_lines",
    "resolve",
    "span",
    "step_minutes",
    "symbols_of",
]


@dataclass(frozen=True)
class SymbolReport:
    """What was done to one symbol's bars between the first and the last moment replayed."""

    symbol: str
    bars: int  # on the grid, filled ones included
    missing: int  # bars that were not there, filled
    unusable: int  # bars without a usable price (NaN, zero, negative, infinite), filled
    duplicates: int  # exact duplicates, dropped
    outliers: int = 0  # prices far off the bars around, kept, cut or dropped as was asked

    @property
    def filled(self) -> int:
        """Bars that carry the price of one before."""
        return self.missing + self.unusable


def read_bars(
    file: str | Path, symbol: str, reading: Reading = AS_WRITTEN, column: str = "close"
) -> Bars:
    """Bars of one symbol, in order and without duplicates; prices are not judged yet.

    ``file`` is one file, or several (:func:`simulator.market.files.sources.expand`); ``column`` a
    role (``close``, ``open``, ``high``, ``low``, ``volume``) or a name in the file.

    Raises:
        InputError: no such file, column or symbol; a time or a number that cannot be read; a time
            that runs backwards; two prices for one moment.
    """
    return series.read(file, symbol, reading, column)


def read_together(
    file: str | Path, wanted: Sequence[str], reading: Reading = AS_WRITTEN
) -> list[Bars]:
    """Bars of several symbols, stamped so that equal stamps are equal moments of closing.

    Raises:
        InputError: as in :func:`read_bars`; bars that never close together.
    """
    return aligned([read_bars(file, symbol, reading) for symbol in wanted])


def resolve(
    file: str | Path, wanted: Sequence[str], reading: Reading = AS_WRITTEN
) -> tuple[str, ...]:
    """Symbols as the file has them, for what a user may write short (``ETH`` for ``ETHUSDT``).

    Raises:
        InputError: none fits, or several do.
    """
    known = symbols_of(file, reading)
    return tuple(symbols.find(text, known, str(file)) for text in wanted)


def symbols_of(file: str | Path, reading: Reading = AS_WRITTEN) -> list[str]:
    """Symbols of a file, in order of first appearance; errors as in :func:`read_bars`."""
    tables = series.open_files(file, reading.pool)
    return list(dict.fromkeys(name for table in tables for name in table.symbols))


def reading_lines(
    file: str | Path, bars: Sequence[Bars], reading: Reading = AS_WRITTEN
) -> list[str]:
    """How files were read and what was guessed, a line for each kind of file.

    ``bars`` are those that were used; what was dropped, turned or found among them is said.
    """
    used = {each.symbol for each in bars}
    tables = [table for table in series.open_files(file, reading.pool) if used & set(table.symbols)]
    lengths = ", ".join(dict.fromkeys(series.shown(each.bar) for each in bars))
    found: dict[tuple[str, str, str], list[Table]] = {}
    for table in tables:
        stamps = reading.stamps or ("close" if table.layout.at_close else "open")
        key = (f"{table.layout.name} ({table.kind})", f"{table.unit}", f"{stamps} stamps")
        found.setdefault(key, []).append(table)
    lines = []
    for (name, unit, stamps), those in found.items():
        known = dict.fromkeys(symbol for table in those for symbol in table.symbols)
        styles = {f"{column}: {style}" for table in those for column, style in table.styles.items()}
        guessed = dict.fromkeys(note for table in those for note in table.notes)
        where = those[0].path.name if len(those) == 1 else f"{len(those)} files"
        count = f"{len(known)} symbol{'s' if len(known) > 1 else ''}"
        what = ", ".join([unit, stamps, lengths, count])
        lines.append("; ".join([f"{where} read as {name}: {what}", *sorted(styles), *guessed]))
    happened = list(dict.fromkeys(note for each in bars for note in each.notes))
    if happened:
        lines[-1] = "; ".join([lines[-1], *happened])
    return lines


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
    odd = (bars.odd >= grid[0]) & (bars.odd <= grid[-1])
    report = SymbolReport(
        bars.symbol,
        bars=len(grid),
        missing=int(np.sum(~present)),
        unusable=int(np.sum(present & ~usable)),
        duplicates=int(np.sum(inside)),
        outliers=int(np.sum(odd)),
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
