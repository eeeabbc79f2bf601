"""Log returns of several recorded symbols side by side, for resampling and for calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.files.window import chosen
from simulator.market.history_file import (
    AS_WRITTEN,
    Reading,
    SymbolReport,
    on_grid,
    read_together,
    reading_lines,
)
from simulator.market.history_file import (
    step_minutes as common_step,
)
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from simulator.types import Floats

# Fewer say nothing about a dependence between assets.
LEAST_RETURNS = 48


@dataclass(frozen=True, eq=False)
class Panel:
    """Log returns ``[T, A]`` of ``symbols``, one row per ``step_minutes``."""

    symbols: tuple[str, ...]
    returns: Floats
    last: Floats  # [A] last prices, USD
    step_minutes: int
    start: datetime
    end: datetime
    reports: tuple[SymbolReport, ...]
    notes: tuple[str, ...] = ()  # how the files were read, and what was guessed


def read_panel(
    file: str | Path,
    symbols: Sequence[str],
    step_minutes: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    max_gap_hours: float = 3.0,
    reading: Reading = AS_WRITTEN,
) -> Panel:
    """Read what all ``symbols`` have in common, gaps filled by the rule of the history file.

    ``step_minutes`` None: the file's bars. ``start``, ``end`` None: the first and last moment all
    symbols have.

    Raises:
        InputError: something in the file or the arguments is not allowed.
    """
    bars = read_together(file, symbols, reading)
    first, last, moved = chosen(bars, (start, end))
    minutes = step_minutes or common_step(bars)
    rows = int((last - first) / pd.Timedelta(minutes=minutes))
    if rows < LEAST_RETURNS:
        raise InputError(
            f"{file}: {first} to {last} holds {max(rows, 0)} returns of {minutes} minutes, needs "
            f"{LEAST_RETURNS} or more"
        )
    grids = [on_grid(bar, first, rows + 1, minutes, max_gap_hours) for bar in bars]
    prices = np.array([series for series, _ in grids])
    return Panel(
        symbols=tuple(symbols),
        returns=np.ascontiguousarray(np.diff(np.log(prices), axis=1).T),
        last=prices[:, -1],
        step_minutes=minutes,
        start=first,
        end=(pd.Timestamp(first) + rows * pd.Timedelta(minutes=minutes)).to_pydatetime(),
        reports=tuple(report for _, report in grids),
        notes=(*reading_lines(file, bars, reading), *moved),
    )
