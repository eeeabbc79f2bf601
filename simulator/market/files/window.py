"""The part of the record that is used: what a window asks for, held against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from simulator.market.files.alignment import span
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from simulator.market.files.series import Bars


def chosen(
    bars: Sequence[Bars], window: tuple[datetime | None, datetime | None] | None
) -> tuple[datetime, datetime, list[str]]:
    """First and last stamp used of aligned bars, and what is to be said of it.

    A window's end, where None, is where the last of the symbols begins or the first ends. A window
    between two bars begins with the next.

    Raises:
        InputError: the record of a symbol begins after the window does or ends before it: a
            listing, a delisting, or the wrong file; and a shorter window than was asked for answers
            another question.
    """
    first, last = span(bars)
    begin, end = window or (None, None)
    longest = max(each.bar for each in bars)
    start = first if begin is None else pd.Timestamp(begin)
    stop = last if end is None else pd.Timestamp(end)
    inside = start < last and (end is None or stop > first)
    notes = []
    for each in bars:
        has = f"{each.file} has {each.symbol} from {each.times[0]} to {each.times[-1]}"
        if begin is not None and each.times[0] >= start + longest:
            raise InputError(
                f"window = {start} to {stop}: {has}, not listed before; "
                f"{_let(inside, 'begin at', first, first, last)}"
            )
        if end is not None and each.times[-1] + longest <= stop.floor("min"):
            raise InputError(
                f"window = {start} to {stop}: {has}, delisted or not recorded after; "
                f"{_let(inside, 'end at', last, first, last)}"
            )
    on = max(start + (first - start) % longest, first)
    if on != start:
        notes.append(f"window begins at {on:%Y-%m-%d %H:%M}, the first bar in it")
    if end is None:
        latest = max(each.times[-1] for each in bars)
        notes += [
            f"all symbols together end at {last}, where {each.symbol} does"
            for each in bars
            if each.times[-1] + longest <= latest and each.times[-1] < last + longest
        ]
    if begin is None:
        earliest = min(each.times[0] for each in bars)
        notes += [
            f"all symbols together begin at {first}, where {each.symbol} does"
            for each in bars
            if each.times[0] >= earliest + longest and each.times[0] > first - longest
        ]
    return on.to_pydatetime(), min(stop, last).to_pydatetime(), notes


def _let(
    inside: bool, does: str, moment: pd.Timestamp, first: pd.Timestamp, last: pd.Timestamp
) -> str:
    """What would do: one moment moved, or where no part of the window is recorded another one."""
    if inside:
        return f"let the window {does} {moment:%Y-%m-%dT%H:%M}"
    return f"let it lie within {first:%Y-%m-%dT%H:%M} to {last:%Y-%m-%dT%H:%M}"
