"""Prices written as text: exact, in one style for the whole column, and text is never a gap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from simulator.types import Floats

#: Cells that say there is no value; everything else that is no number is an error.
MISSING = ("", "nan", "na", "n/a", "#n/a", "null", "none", "<na>")
#: Mark between thousands and decimal mark.
STYLES = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."))


def parse(
    column: pd.Series, place: Callable[[int], str], *, decimal_comma: bool = False
) -> tuple[Floats, str]:
    """Values ``[rows]``, NaN where a cell is empty, and a note if a style was recognised.

    ``place(row)`` begins a message about a row (counted from 0). ``decimal_comma``: what ``1,010``
    means in a column that does not tell (files with semicolons between columns write so).

    Raises:
        InputError: a cell is neither empty nor a number of the column's style, or the column, in a
            file with semicolons, may mean something else (``1.010``).
    """
    if column.dtype.kind in "iuf":
        return column.to_numpy(np.float64, na_value=np.nan), ""
    text = column.astype(str).str.strip().str.replace("\u00a0", " ")
    missing = text.str.lower().isin(MISSING).to_numpy() | column.isna().to_numpy()
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(np.isnan(values) & ~missing)
    filled = text[~missing]
    if not len(bad):
        if decimal_comma:
            _refuse_dots_of_thousands(filled, np.flatnonzero(~missing), place)
        return values, ""
    read: dict[tuple[str, str], Floats] = {}
    for style in STYLES:
        found = _in_style(filled, *style)
        if found is not None and not any(np.array_equal(found, other) for other in read.values()):
            read[style] = found
    if decimal_comma:
        read = {style: found for style, found in read.items() if style[1] == ","} or read
    if len(read) == 1:
        (group, mark), found = next(iter(read.items()))
        values = np.full(len(column), np.nan)
        values[~missing] = found
        grouped = filled.str.contains(re.escape(group), regex=True).any()
        comma = "decimal comma" if mark == "," else ""
        return values, ", ".join(filter(None, ("thousands marked" if grouped else "", comma)))
    at = bad[0]
    cell = column.iloc[at]
    if read:
        meanings = " or ".join(f"{found[_rank(missing, at)]:g}" for found in read.values())
        raise InputError(f"{place(at)} = {cell!r} is {meanings}: write it without a comma")
    raise InputError(
        f"{place(at)} = {cell!r} is not a number in the style of its column; an empty cell is a "
        "gap, text is not"
    )


def _refuse_dots_of_thousands(
    filled: pd.Series, rows: NDArray[np.intp], place: Callable[[int], str]
) -> None:
    """Refuse numbers that are of either kind: every dot in the column has three digits after it."""
    marked = filled.str.contains(".", regex=False).to_numpy()
    otherwise = _in_style(filled, ".", ",") if marked.any() else None
    if otherwise is None or filled.str.match(r"[+-]?0+\.").any():  # no thousands begin with zero
        return
    at = int(np.argmax(marked))
    row, cell = int(rows[at]), filled.iloc[at]
    raise InputError(
        f"{place(row)} = {cell!r} is {otherwise[at]:g} or {float(cell):g}: files with semicolons "
        "mark thousands by dots, and nothing in this column tells; write it without, or with two "
        "decimals or four"
    )


def _rank(missing: np.ndarray[tuple[int], np.dtype[np.bool_]], row: int) -> int:
    """Place of a row among those that hold something."""
    return int(np.sum(~missing[:row]))


def _in_style(filled: pd.Series, group: str, mark: str) -> Floats | None:
    """Values if every cell keeps to the style: with thousands marked, all of them are."""
    group, mark = re.escape(group), re.escape(mark)
    tail = rf"(?:{mark}\d+)?"
    grouped = filled.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{group}\d{{3}})+{tail}")
    digits = r"\d{1,3}" if grouped.any() else r"\d+"
    plain = filled.str.fullmatch(rf"[+-]?{digits}{tail}")
    if not (grouped | plain).all():
        return None
    exact = filled.str.replace(group, "", regex=True).str.replace(mark, ".", regex=True)
    return pd.to_numeric(exact).to_numpy(np.float64)
