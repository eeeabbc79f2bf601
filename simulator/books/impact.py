"""How far the LP asset's index fell and what of it came back, and how far flows moved it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import Ended, Metric, ratio
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.perps.portfolio import BASE_ASSET

if TYPE_CHECKING:
    from simulator.types import Floats

_HOURS = 3600.0

LAYOUT: Layout = each(
    "",
    ("lowest", "1", "factor of flows on the index of the LP asset; at most 1"),
    ("highest", "1", "the same; at least 1"),
    ("at", "seconds", "since the start, when it was lowest"),
    ("after_6", "1", "the factor six hours later; NaN: not yet"),
    ("after_24", "1", "a day later"),
    ("first", "USD", "index of the LP asset at the start"),
    ("least", "USD", "since"),
    ("least_at", "seconds", "since the start, when it was first so low"),
    ("index_6", "USD", "the index six hours later; NaN: not yet"),
    ("index_24", "USD", "a day later"),
)


@inner
def advanced(w: Path) -> None:
    """Follow the factor; it moves when the market does."""
    book = w.book.impact
    if w.now.step == 0.0:
        book.lowest = book.highest = 1.0
        book.after_6 = book.after_24 = np.nan
        book.first = book.least = w.now.index[BASE_ASSET]
        book.least_at = 0.0
        book.index_6 = book.index_24 = np.nan
    _follow(w)
    if not w.tables.outside.on:
        return
    factor, now = w.outside.factor[BASE_ASSET], w.now.clock
    book.highest = max(book.highest, factor)
    if factor < book.lowest:
        book.lowest, book.at = factor, now
        book.after_6 = book.after_24 = np.nan
    if np.isnan(book.after_6) and now >= book.at + 6.0 * _HOURS:
        book.after_6 = factor
    if np.isnan(book.after_24) and now >= book.at + 24.0 * _HOURS:
        book.after_24 = factor


@inner
def _follow(w: Path) -> None:
    """The index's low, and what it is six hours and a day after it."""
    book, index, now = w.book.impact, w.now.index[BASE_ASSET], w.now.clock
    if index < book.least:
        book.least, book.least_at = index, now
        book.index_6 = book.index_24 = np.nan
    if np.isnan(book.index_6) and now >= book.least_at + 6.0 * _HOURS:
        book.index_6 = index
    if np.isnan(book.index_24) and now >= book.least_at + 24.0 * _HOURS:
        book.index_24 = index


def _regained(ended: Ended, later: str) -> Floats:
    """Part of the index's fall from the start that was made good; NaN: it never fell, no later."""
    book = ended.book.impact
    return ratio(getattr(book, later) - book.least, book.first - book.least)


def _recovered(ended: Ended, after: str) -> Floats:
    """Part of the deepest press that was gone later; NaN where there was none, or no later."""
    book = ended.book.impact
    pressed = 1.0 - book.lowest
    left = 1.0 - getattr(book, after)
    return 1.0 - ratio(left, pressed)


METRICS = (
    Metric(
        "index_low",
        "fraction",
        "lowest index of the LP asset over that of the start, less one",
        lambda ended: ended.book.impact.least / ended.book.impact.first - 1.0,
        title="Index of the LP asset at its lowest",
        form="+.1%",
    ),
    *(
        Metric(
            f"index_recovered_{hours}h",
            "fraction",
            f"part of `index_low` that the index has regained {when} after it was first so low "
            "(above 1: it is above the start); NaN: it never fell below the start, or the run ends "
            "before",
            partial(_regained, later=f"index_{hours}"),
            title=f"Index recovered {when} after its low",
            form=".0%",
        )
        for hours, when in ((6, "six hours"), (24, "a day"))
    ),
    Metric(
        "impact_low",
        "fraction",
        "how far flows pressed the index of the LP asset below its drawn path at most (< 0); "
        "0 without `impact`",
        lambda ended: ended.book.impact.lowest - 1.0,
        title="Index pressed down by flows, at most",
        form="+.2%",
        only_if_any=True,
    ),
    Metric(
        "impact_high",
        "fraction",
        "how far flows lifted it above at most",
        lambda ended: ended.book.impact.highest - 1.0,
        title="Index lifted by flows, at most",
        form="+.2%",
        only_if_any=True,
    ),
    Metric(
        "impact_recovered_6h",
        "fraction",
        "part of `impact_low` that was gone six hours after it",
        lambda ended: _recovered(ended, "after_6"),
        title="Recovered six hours after the low",
        form=".0%",
    ),
    Metric(
        "impact_recovered_24h",
        "fraction",
        "part of `impact_low` that was gone a day after it",
        lambda ended: _recovered(ended, "after_24"),
        title="Recovered a day after the low",
        form=".0%",
    ),
)
