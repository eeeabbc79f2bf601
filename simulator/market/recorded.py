"""Recorded prices laid on the steps of a run: closes, or all that a bar tells.

A bar stands for its own time stamp: its close is the price at that step. Where bars of unlike
length are replayed together the longest give the stamps, and prices are closes at one moment.

With ``history.bars: ohlc`` a bar is four steps, the last of which is its close: open, low, high,
close where it closes at or above its open, else open, high, low, close. Bars do not tell the order
of their extremes; against the move first is the usual assumption, and lets both be seen.

It is an option and not the rule because a price that goes to both ends of every bar moves more than
any market: squared returns add up to three to four times those of closes (hourly SOL of 2022), and
with them what a liquidity position loses to arbitrage and earns in fees. Closes err the other way
round: they are right about that and blind to wicks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.config.history import VISITS
from simulator.market.files import alignment
from simulator.market.history_file import (
    AS_WRITTEN,
    Bars,
    Reading,
    SymbolReport,
    on_grid,
    read_bars,
    read_together,
)
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from simulator.config.history import History
    from simulator.types import Floats

#: How much further wicks go than closes before it is said, fraction.
_WORTH_SAYING = 0.01
#: How far a price may lie outside its bar by the digits it is written with, fraction.
_ROUNDING = 1e-6
OHLC = ("open", "high", "low", "close")


class Record:
    """The bars of the assets replayed, read once, and laid on any grid of steps."""

    def __init__(
        self,
        prices: str | Path,
        symbols: Mapping[str, str],
        reading: Reading = AS_WRITTEN,
        *,
        extremes: bool = False,
    ) -> None:
        """``symbols`` in the file by asset; ``extremes``: open, high and low as well as close.

        Raises:
            InputError: as in :func:`simulator.market.history_file.read_together`.
        """
        names = list(symbols.values())
        self.extremes = extremes
        if not extremes:
            closes = read_together(prices, names, reading)
            self._columns = {"close": dict(zip(symbols, closes, strict=True))}
            return
        bars = [read_bars(prices, name, reading, column) for column in OHLC for name in names]
        together = iter(alignment.aligned(bars))
        self._columns = {column: {asset: next(together) for asset in symbols} for column in OHLC}

    @property
    def closes(self) -> dict[str, Bars]:
        """Bars of closes by asset."""
        return self._columns["close"]

    @property
    def bars(self) -> list[Bars]:
        """All bars read, for what is to be said of them."""
        return [bars for column in self._columns.values() for bars in column.values()]

    def bar_minutes(self) -> int:
        """Minutes between closes that all assets have; InputError below one."""
        return alignment.step_minutes(list(self.closes.values()))

    def series(
        self, start: datetime, steps: int, step_minutes: int, max_gap_hours: float
    ) -> dict[str, tuple[Floats, SymbolReport]]:
        """Prices ``[steps + 1]`` by asset from ``start`` on, and what was done to them.

        Raises:
            InputError: the step does not fit the bars, a gap is too long, or a low that is to be
                replayed is above its high.
        """
        if not self.extremes:
            return {
                asset: on_grid(bars, start, steps + 1, step_minutes, max_gap_hours)
                for asset, bars in self.closes.items()
            }
        return {
            asset: self._visited(asset, start, steps, step_minutes, max_gap_hours)
            for asset in self.closes
        }

    def range_of(self, asset: str, start: datetime, minutes: int) -> tuple[float, float]:
        """Lowest low and highest high of the bars after ``start``, for so many minutes."""
        end = pd.Timestamp(start) + pd.Timedelta(minutes=minutes)
        found = []
        for name in ("low", "high"):
            bars = self._columns[name][asset]
            inside = bars.prices[(bars.times > pd.Timestamp(start)) & (bars.times <= end)]
            usable = inside[np.isfinite(inside) & (inside > 0)]
            found.append(usable if len(usable) else np.array([np.nan]))
        return float(found[0].min()), float(found[1].max())

    def stretched(self, start: datetime, minutes: int) -> list[str]:
        """Assets with bars that open or close outside their low and high, a line each.

        ``minutes``: length of what is replayed from ``start`` on. Empty where closes are replayed.
        """
        lines = []
        for asset, close in self.closes.items() if self.extremes else ():
            end = pd.Timestamp(start) + pd.Timedelta(minutes=minutes)
            grid = close.times[(close.times > pd.Timestamp(start)) & (close.times <= end)]
            opens, highs, lows, closes = (_on(self._columns[name][asset], grid) for name in OHLC)
            above = np.fmax(opens, closes) > highs * (1.0 + _ROUNDING)
            below = np.fmin(opens, closes) < lows * (1.0 - _ROUNDING)
            if count := int(np.sum(above | below)):
                lines.append(
                    f"{asset}: {count} of {len(grid)} bars open or close outside their low and "
                    "high, which are taken as far as that"
                )
        return lines

    def _visited(
        self, asset: str, start: datetime, steps: int, step_minutes: int, max_gap_hours: float
    ) -> tuple[Floats, SymbolReport]:
        close = self.closes[asset]
        span, own = step_minutes * VISITS, int(close.bar / pd.Timedelta(minutes=1))
        if span % own:
            raise InputError(
                f"step_minutes = {step_minutes}: {VISITS} of them must be a multiple of the bars "
                f"of {close.file}, {own} minutes (history.bars = ohlc)"
            )
        count = steps // VISITS
        closes, report = on_grid(close, start, count * (span // own) + 1, own, max_gap_hours)
        grid = pd.date_range(start, periods=len(closes), freq=close.bar)
        _refuse_crossed(self._columns["low"][asset], self._columns["high"][asset], grid)
        before = np.concatenate((closes[:1], closes[:-1]))
        opens = self._column("open", asset, grid, before)
        highs = self._column("high", asset, grid, np.maximum(opens, closes))
        lows = self._column("low", asset, grid, np.minimum(opens, closes))
        # A filled bar has none of its own, and a low above the close is a misprint of the low.
        highs = np.maximum(highs, np.maximum(opens, closes))
        lows = np.minimum(lows, np.minimum(opens, closes))
        rows = (count, span // own)
        inside = visits(
            opens[1:].reshape(rows)[:, 0],
            highs[1:].reshape(rows).max(axis=1),
            lows[1:].reshape(rows).min(axis=1),
            closes[1:].reshape(rows)[:, -1],
        )
        return np.concatenate((closes[:1], inside.ravel())), report

    def _column(self, name: str, asset: str, grid: pd.DatetimeIndex, otherwise: Floats) -> Floats:
        """One column on a grid; where it, or the bar's close, is no price: ``otherwise``."""
        values = _on(self._columns[name][asset], grid)
        unusable = np.isnan(values) | np.isnan(_on(self.closes[asset], grid))
        return np.where(unusable, otherwise, values)


def _refuse_crossed(low: Bars, high: Bars, grid: pd.DatetimeIndex) -> None:
    """Refuse bars on ``grid`` whose low is above their high: neither is what its name says."""
    lows, highs = _on(low, grid), _on(high, grid)
    crossed = np.flatnonzero(lows > highs)
    if len(crossed):
        at = crossed[0]
        place = low.place(int(low.times.searchsorted(grid[at])))
        raise InputError(
            f"{place}: low = {lows[at]:.6g} is above high = {highs[at]:.6g}, as in "
            f"{len(crossed)} of {len(grid)} bars (bars = ohlc)"
        )


def _on(bars: Bars, grid: pd.DatetimeIndex) -> Floats:
    """Prices on a grid; NaN where there is no bar, or none with a price."""
    position = bars.times.get_indexer(grid)
    values = np.where(position >= 0, bars.prices[position], np.nan)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def visits(opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> Floats:
    """Prices ``[bars, 4]`` in the order they are visited; arguments ``[bars]``."""
    up = closes >= opens
    first, second = np.where(up, lows, highs), np.where(up, highs, lows)
    return np.stack([opens, first, second, closes], axis=1)


def record_of(history: History) -> Record:
    """The record a configuration replays; its ``prices`` must be given."""
    assert history.prices is not None
    reading = Reading.of(history)
    return Record(history.prices, history.symbols, reading, extremes=history.bars == "ohlc")


def has_extremes(prices: str | Path, symbols: Sequence[str], reading: Reading) -> bool:
    """Whether a file has open, high and low of all ``symbols``."""
    from simulator.market.files import series

    tables = [
        table
        for table in series.open_files(prices, reading.pool)
        if set(symbols) & set(table.symbols)
    ]
    return all(table.has(column) for table in tables for column in OHLC)


def wicks(
    record: Record,
    closes: dict[str, tuple[Floats, SymbolReport]],
    start: datetime,
    step_minutes: int,
) -> list[str]:
    """Assets whose lows or highs go further from the start than the closes that are replayed."""
    lines = []
    for asset, (prices, _) in closes.items():
        low, high = record.range_of(asset, start, (len(prices) - 1) * step_minutes)
        below, above = prices.min() / low - 1.0, high / prices.max() - 1.0
        if max(below, above) > _WORTH_SAYING:
            lines.append(
                f"{asset}: wicks are not replayed, they go from {low:.6g} to {high:.6g}, closes "
                f"from {prices.min():.6g} to {prices.max():.6g}; --bars ohlc visits them"
            )
    return lines


def zigzag(visited: Floats) -> float | None:
    """How much more an asset moves when extremes are visited; prices by step, ``[n]``.

    Its squared returns over those of its closes; None where these do not move.
    """
    squared = [float(np.sum(np.diff(np.log(path)) ** 2)) for path in (visited, visited[::VISITS])]
    return squared[0] / squared[1] if squared[0] > 0.0 and squared[1] > 0.0 else None


def zigzagging(lp: str, ratio: float | None) -> str:
    """What visiting extremes does to all that goes by how much the LP's asset moves."""
    by = "more than" if ratio is None else f"to {ratio:.1f} times"
    return (
        "open, extremes and close of each bar are replayed: wicks are seen, but squared returns "
        f"of {lp} add up {by} those of its closes, and convexity losses, fees, "
        "turnover and what the risk manager estimates with them; --bars close is right about these"
    )


def filled(reports: Sequence[SymbolReport]) -> list[str]:
    """What the rule for gaps did, a line for each symbol it touched."""
    return [
        f"{report.symbol}: of {report.bars} bars {report.missing} missing and {report.unusable} "
        f"without a usable price, filled with the price before; {report.duplicates} duplicates "
        "dropped"
        for report in reports
        if report.filled or report.duplicates
    ]
