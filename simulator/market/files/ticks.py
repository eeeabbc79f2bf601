"""Rows at irregular times (trades, pool events, queries): the last price at or before each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Booleans

#: Steps sampled at, minutes: the shortest that almost every step has a row for.
_STEPS = (1, 5, 15, 30, 60, 240, 1_440)
_ALMOST = 0.9
#: Of bars, half of the rows at least follow the one before by the same time.
_REGULAR = 0.5
#: Fewer rows may be bars with gaps; they are judged as such.
_LEAST = 24


def are(times: pd.DatetimeIndex) -> bool:
    """Whether rows in order of time come at no regular times."""
    steps = np.diff(times.to_numpy())
    if len(steps) < _LEAST or np.any(steps < np.timedelta64(0)):
        return False
    moving = steps[steps > np.timedelta64(0)]
    if not len(moving):
        return False
    _, counts = np.unique(moving, return_counts=True)
    return bool(counts.max() < _REGULAR * len(steps))


def sampled(times: pd.DatetimeIndex, place: str) -> tuple[pd.DatetimeIndex, Booleans, int]:
    """Steps that have a row, which rows ``[rows]`` are the last of theirs, and minutes of a step.

    A row on a step belongs to it, one after it to the next. ``place``: how a message begins.

    Raises:
        InputError: more than a tenth of the days have no row.
    """
    for minutes in _STEPS:
        steps = times.ceil(f"{minutes}min")
        last = np.append(np.diff(steps.to_numpy()) > np.timedelta64(0), True)
        whole = (steps[-1] - steps[0]) // pd.Timedelta(minutes=minutes) + 1
        if np.sum(last) >= _ALMOST * whole:
            return steps[last], last, minutes
    raise InputError(
        f"{place}: rows come at irregular times, and fewer than {_ALMOST:.0%} of the days have one"
    )
