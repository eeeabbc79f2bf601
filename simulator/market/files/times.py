"""Time stamps of any usual kind as naive UTC: epochs told apart by size, ISO and other text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

#: Least epoch of each unit, and nanoseconds in it. Moments from 1973 to 5138 do not overlap.
UNITS = (("s", 1e8, 10**9), ("ms", 1e11, 10**6), ("µs", 1e14, 10**3), ("ns", 1e17, 1))
_MOST = 1e20
#: Text that is not ISO 8601, tried on the whole column; day and month first are told apart so.
_FORMATS = (
    "%Y-%m-%d %I-%p",  # CryptoDataDownload before 2020: 2020-04-09 12-PM
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%b %d, %Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
)


#: Dates written as one number; as epochs they would be of 1970, 2032 to 2036, 1976 or 2594 on.
_DIGITS = (
    ("%Y%m%d", 19_900_101, 20_991_231),
    ("%Y%m%d%H", 1_990_010_100, 2_099_123_123),
    ("%Y%m%d%H%M", 199_001_010_000, 209_912_312_359),
    ("%Y%m%d%H%M%S", 19_900_101_000_000, 20_991_231_235_959),
)


@dataclass(frozen=True, eq=False)
class Times:
    """Moments ``[rows]``, naive UTC, and how they were written (``ms``, ``ISO 8601``, …)."""

    moments: pd.DatetimeIndex
    unit: str


def parse(column: pd.Series, place: Callable[[int], str]) -> Times:
    """Read a column of time stamps; without a zone they are taken as UTC.

    ``place(row)`` begins a message about a row (counted from 0).

    Raises:
        InputError: something is not a time, or epochs of two units are mixed.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        moments = pd.DatetimeIndex(pd.to_datetime(column, utc=True)).tz_localize(None).as_unit("ns")
        _all_read(moments, column, place)
        return Times(moments, "date and time")
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if len(numbers) and np.mean(np.isfinite(numbers)) > 0.5:
        return _epochs(column, numbers, place)
    return _text(column.astype(str), place)


def _epochs(column: pd.Series, numbers: NDArray[np.float64], place: Callable[[int], str]) -> Times:
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise InputError(f"{place(bad[0])} = {column.iloc[bad[0]]!r} is not a time")
    for layout, least, most in _DIGITS:
        if np.all((numbers >= least) & (numbers <= most)):
            digits = _tried(pd.Series(numbers.astype(np.int64).astype(str)), layout)
            if not digits.hasnans:
                return Times(digits, layout)
    bounds = np.array([least for _, least, _ in UNITS] + [_MOST])
    unit = np.searchsorted(bounds, numbers, side="right") - 1
    odd = np.flatnonzero((unit < 0) | (unit >= len(UNITS)))
    if len(odd):
        raise InputError(
            f"{place(odd[0])} = {column.iloc[odd[0]]} is not a time: epochs are seconds, ms, µs or "
            "ns since 1970, from 1973 on"
        )
    other = np.flatnonzero(unit != unit[0])
    if len(other):
        at = other[0]
        raise InputError(
            f"{place(at)} = {column.iloc[at]} is an epoch in {UNITS[unit[at]][0]}, those before it "
            f"are in {UNITS[unit[0]][0]} ({column.iloc[at - 1]}): write all in one unit"
        )
    name, _, scale = UNITS[unit[0]]
    whole = pd.to_numeric(column, errors="coerce")
    if whole.dtype.kind in "iu":
        nanoseconds = whole.to_numpy(np.int64) * scale
    else:  # fractions of a unit; a float has 16 digits, so below a µs they are noise
        nanoseconds = (np.round(numbers * scale / 1_000) * 1_000).astype(np.int64)
    return Times(pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]")), f"epoch {name}")


def _text(column: pd.Series, place: Callable[[int], str]) -> Times:
    plain = column.str.strip().str.replace(r"\s*(?:UTC|GMT)$", "", regex=True)
    moments = _tried(plain, "ISO8601")
    if not moments.hasnans:
        return Times(moments, "ISO 8601")
    read = {layout: found for layout in _FORMATS if not (found := _tried(plain, layout)).hasnans}
    if len(read) > 1:
        one, other = list(read)[:2]
        differs = np.flatnonzero(read[one] != read[other])
        if len(differs):
            at = differs[0]
            raise InputError(
                f"{place(at)} = {column.iloc[at]!r} is {read[one][at]:%d %B %Y} or "
                f"{read[other][at]:%d %B %Y}: write dates as YYYY-MM-DD"
            )
    for layout, found in read.items():
        return Times(found, layout)
    _all_read(moments, column, place)
    raise AssertionError("unreachable: a column without bad rows was read")


def _tried(column: pd.Series, layout: str) -> pd.DatetimeIndex:
    found = pd.to_datetime(column, format=layout, errors="coerce", utc=True)
    return pd.DatetimeIndex(found).tz_localize(None).as_unit("ns")


def _all_read(moments: pd.DatetimeIndex, column: pd.Series, place: Callable[[int], str]) -> None:
    unread = np.flatnonzero(moments.isna())
    if len(unread):
        at = unread[0]
        raise InputError(f"{place(at)} = {column.iloc[at]!r} is not a time")
