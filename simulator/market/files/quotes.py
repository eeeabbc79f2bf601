"""Quotes by size: files of what an aggregator or an order book offered for amounts of a token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.market.files.tables import read
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Floats

_PAIR = ("src", "dst", "in_amount", "price")
_PLAIN = ("volume_usd", "price")


def read_quotes(
    file: str, pair: str | None, decimals: int | None, usd: float
) -> tuple[Floats, Floats]:
    """Volumes sold in USD and prices got for a unit, ``[n]`` each.

    A file has columns ``volume_usd`` and ``price``; or ``src``, ``dst``, ``in_amount`` (raw units),
    ``price`` (of ``src`` in ``dst``) and perhaps ``price_impact`` (how much worse than the best
    at that moment, a fraction), of which ``pair`` (SRC/DST as written there) and the ``decimals``
    of SRC choose; ``usd`` is the price of DST.

    Raises:
        InputError: the file cannot be read, a column is missing, or the pair is not in it.
    """
    frame = read(Path(file)).frame
    if pair is None:
        _need(file, frame, _PLAIN, "or, with --pair, " + ", ".join(_PAIR))
        return _numbers(file, frame, "volume_usd"), _numbers(file, frame, "price")
    _need(file, frame, _PAIR, "or, without --pair, " + ", ".join(_PLAIN))
    names = pair.split("/")
    if len(names) != 2 or not all(names):
        raise InputError(f"pair = {pair}; allowed: SRC/DST, as the file writes them")
    if decimals is None:
        raise InputError(f"decimals = None; allowed: those of {names[0]}, 0 to 24")
    sold, got = (frame[column].astype(str).str.lower() for column in ("src", "dst"))
    chosen = frame[(sold == names[0].lower()) & (got == names[1].lower())]
    if chosen.empty:
        known = ", ".join(sorted({*sold})[:5])
        raise InputError(f"pair = {pair}: not in {file}; it has src {known}, …")
    price = _numbers(file, chosen, "price")
    whole = _numbers(file, chosen, "in_amount") / 10.0**decimals
    if "price_impact" not in chosen:
        return whole * price * usd, price
    left = 1.0 - _numbers(file, chosen, "price_impact")
    return whole * price / np.where(left > 0.0, left, np.nan) * usd, left


def _need(file: str, frame: pd.DataFrame, columns: tuple[str, ...], other: str) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        found = ", ".join(map(str, frame.columns[:8]))
        raise InputError(
            f"{file}: no column {', '.join(missing)}; it has {found}; allowed: "
            f"{', '.join(columns)}; {other}"
        )


def _numbers(file: str, frame: pd.DataFrame, column: str) -> Floats:
    try:
        return np.asarray(pd.to_numeric(frame[column]), np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{file}: column {column}: {error}; allowed: numbers") from None
