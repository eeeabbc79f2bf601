"""What was recorded beside the prices of a replay: gas, depth, rounds of an oracle, funding.

A value holds from the close of its bar (or the moment of its row) until the next, for at most
``history.max_gap_hours`` or the length of its bars, whichever is more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.history_file import Bars, Reading, read_bars, symbols_of
from simulator.market.recorded import record_of
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config.history import Beside
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def held(settings: MarketSettings, field: str, item: Beside) -> Floats:
    """Recorded numbers ``[T + 1]``, times their scale: at each step the last there is by then.

    Raises:
        InputError: the file cannot give them, or there is none for too long.
    """
    moments, stamps, values = _read(settings, field, item)
    place = np.searchsorted(stamps.to_numpy(), moments.to_numpy(), side="right") - 1
    longest = max(
        pd.Timedelta(hours=settings.history.max_gap_hours),
        pd.Timedelta(np.diff(stamps.to_numpy()).min()) if len(stamps) > 1 else pd.Timedelta(0),
    )
    age = moments - stamps[np.maximum(place, 0)]
    bad = np.flatnonzero((place < 0) | (age > longest))
    if len(bad):
        raise InputError(
            f"history.{field}: nothing is recorded for {moments[bad[0]]} or up to "
            f"{longest / pd.Timedelta(hours=1):g} hours before"
        )
    return values[place] * item.scale


def rounds(settings: MarketSettings, field: str, item: Beside) -> tuple[Floats, Floats]:
    """Price of the last round ``[T + 1]``, USD, and seconds since the start it was posted at.

    Every row that is new at a step is a round posted there; where rows are missing none is. The
    replay begins with the last row before it.

    Raises:
        InputError: the file cannot give them, or there is none before the start.
    """
    moments, stamps, values = _read(settings, field, item)
    place = np.searchsorted(stamps.to_numpy(), moments.to_numpy(), side="right") - 1
    if place[0] < 0:
        raise InputError(f"history.{field}: nothing is recorded by {moments[0]}, the start")
    steps = np.arange(len(moments))
    posted = np.append(True, np.diff(place) > 0)
    last = np.maximum.accumulate(np.where(posted, steps, 0))
    return values[place] * item.scale, last * float(settings.step_seconds)


def paid(settings: MarketSettings, field: str, item: Beside) -> Floats:
    """Factor ``[T + 1]`` on a perp's price that stands for the funding a long pays: Π (1 − rate).

    A rate is paid at the stamp of its row. What a short gains by the price that falls by it is what
    it is paid, to first order in the rate; so both worlds have it without a funding of their own.

    Raises:
        InputError: the file cannot give them, or they do not cover the replay without a gap: a
            payment that is not recorded is not zero.
    """
    bars, moments = _rows(settings, field, item)
    if bars.sampled:
        raise InputError(
            f"history.{field}: rows of {bars.file} come at irregular times, and payments cannot be "
            "sampled; round their times"
        )
    if bars.times[0] > moments[0] + bars.bar or bars.times[-1] < moments[-1] - bars.bar:
        raise InputError(
            f"history.{field}: {bars.file} has funding from {bars.times[0]} to {bars.times[-1]}, "
            f"the replay goes from {moments[0]} to {moments[-1]}"
        )
    _refuse_missing(field, bars, moments)
    # Those outside the replay may be missing: they divide out.
    rates = np.where(np.isfinite(bars.prices), bars.prices, 0.0) * item.scale
    factors = np.cumprod(np.append(1.0, 1.0 - rates))
    place = np.searchsorted(bars.times.to_numpy(), moments.to_numpy(), side="right")
    return np.asarray(factors[place] / factors[place[0]])


def _refuse_missing(field: str, bars: Bars, moments: pd.DatetimeIndex) -> None:
    """Refuse payments between the first and the last of ``moments`` that have no number.

    What is due at the last moment itself may lie beyond the file, whose rows end with the prices'.
    """
    due = pd.date_range(bars.times[0], min(moments[-1], bars.times[-1]), freq=bars.bar)
    due = due[due > moments[0]]
    missing = due.difference(bars.times[np.isfinite(bars.prices)])
    if len(missing):
        raise InputError(
            f"history.{field}: {bars.file} has no payment at {missing[0]}, {len(missing)} of "
            f"{len(due)} are missing in the replay; what is not recorded is not zero: fill them or "
            "choose another window"
        )


def _read(
    settings: MarketSettings, field: str, item: Beside
) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex, Floats]:
    """Moments of the steps ``[T + 1]`` and of the rows ``[rows]``, and what is recorded there."""
    bars, moments = _rows(settings, field, item)
    usable = np.isfinite(bars.prices) & (bars.prices > 0)
    if not np.any(usable):
        raise InputError(f"history.{field}: {bars.file} has no number above zero for it")
    return moments, bars.times[usable] + bars.lag, bars.prices[usable]


def _rows(settings: MarketSettings, field: str, item: Beside) -> tuple[Bars, pd.DatetimeIndex]:
    """What a file holds, and the moments of the steps ``[T + 1]``."""
    history = settings.history
    reading = Reading.of(history)
    file = item.file or history.prices
    assert file is not None  # config/replays.py
    assert history.start is not None
    known = symbols_of(file, reading)
    if item.symbol is None and len(known) > 1:
        raise InputError(f"history.{field}.symbol: must be one of {', '.join(known)}")
    bars = read_bars(file, item.symbol or known[0], reading, item.column)
    # A step is named by the stamp of a bar, and is the moment that bar closes.
    lag = next(iter(record_of(history).closes.values())).lag
    moments = pd.date_range(
        pd.Timestamp(history.start) + lag,
        periods=settings.steps + 1,
        freq=f"{settings.step_minutes}min",
    )
    return bars, moments
