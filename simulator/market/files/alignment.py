"""Bars of several symbols side by side: they belong together when they *close* together.

Stamps of bars of unlike length (or unlike stamping) are renamed so that equal stamps mean equal
closes. The names are those of the longest bars, as they are in their file; bars of one length and
one stamping keep theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from simulator.market.files.series import Bars, shown
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ZERO = pd.Timedelta(0)


def aligned(bars: Sequence[Bars]) -> list[Bars]:
    """The same bars, each stamp moved so that one stamp stands for one moment of closing.

    Raises:
        InputError: bars without common closes.
    """
    lead = max(bars, key=lambda each: (each.bar, each.lag))
    for each in bars:
        phase = (each.times[0] + each.lag - lead.times[0] - lead.lag) % each.bar
        if lead.bar % each.bar != _ZERO or phase != _ZERO:
            one, other = (b.times[0] + b.lag for b in (lead, each))
            raise InputError(
                f"{each.file}: {each.symbol} has {shown(each.bar)} bars that close at "
                f"{other:%H:%M}, {lead.symbol} {shown(lead.bar)} bars that close at {one:%H:%M}: "
                "they never close together"
            )
    return [_moved(each, each.lag - lead.lag) for each in bars]


def _moved(bars: Bars, shift: pd.Timedelta) -> Bars:
    if shift == _ZERO:
        return bars
    return replace(
        bars,
        times=bars.times + shift,
        duplicates=bars.duplicates + shift,
        odd=bars.odd + shift,
        lag=bars.lag - shift,
    )


def span(bars: Sequence[Bars]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last stamp, of the longest bars, that all of some aligned bars have.

    Raises:
        InputError: they have none in common.
    """
    lead = max(bars, key=lambda each: (each.bar, each.lag))
    first = max(each.times[0] for each in bars)
    first += (lead.times[0] - first) % lead.bar
    last = min(each.times[-1] for each in bars)
    last -= (last - lead.times[0]) % lead.bar
    if last < first:
        spans = "; ".join(f"{b.symbol} {b.times[0]} to {b.times[-1]}" for b in bars)
        raise InputError(f"{bars[0].file}: no time in common: {spans}")
    return first, last


def step_minutes(bars: Sequence[Bars]) -> int:
    """Minutes between the prices that all of ``bars`` have: the longest bar.

    Raises:
        InputError: bars shorter than a minute.
    """
    longest = max(each.bar for each in bars)
    minutes = longest / pd.Timedelta(minutes=1)
    if minutes < 1 or minutes % 1:
        raise InputError(
            f"{bars[0].file}: bars of {longest.total_seconds():g} s; must be whole minutes"
        )
    return int(minutes)
