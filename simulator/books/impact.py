"""How far flows moved the LP asset's index, whatever else moved it."""

from __future__ import annotations

from simulator.books.metric import Metric
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.perps.portfolio import BASE_ASSET

LAYOUT: Layout = each(
    "",
    ("lowest", "1", "factor of flows on the index of the LP asset; at most 1"),
    ("highest", "1", "the same; at least 1"),
)


@inner
def advanced(w: Path) -> None:
    """Follow the factor; it moves when the market does."""
    book = w.book.impact
    if w.now.step == 0.0:
        book.lowest = book.highest = 1.0
    if w.tables.outside.on:
        factor = w.outside.factor[BASE_ASSET]
        book.lowest, book.highest = min(book.lowest, factor), max(book.highest, factor)


METRICS = (
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
)
