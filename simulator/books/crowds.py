"""What became of those who are leveraged elsewhere: how many dollars, how fast, what was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import Ended, Metric
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each

if TYPE_CHECKING:
    from simulator.types import Floats

_HOUR = 3600.0

LAYOUT: Layout = each(
    "",
    ("closed", "USD at the start's prices", "forced out of all crowds so far"),
    ("sold", "USD", "that these orders came to"),
    ("deficit", "USD", "that they left owed"),
    ("hour", "hours", "since the start, that is now counted"),
    ("before", "USD", "sold before it"),
    ("most", "USD", "sold in one hour"),
)


@inner
def advanced(w: Path) -> None:
    """Add up what was forced on the way here."""
    book = w.book.crowds
    if w.now.step == 0.0:
        book.closed = book.hour = book.before = book.most = 0.0
        book.sold = book.deficit = 0.0
    if w.tables.count.crowds == 0:
        return
    hour, before = np.floor(w.now.clock / _HOUR), book.sold
    if hour > book.hour:
        book.hour, book.before = hour, before
    book.closed = book.sold = book.deficit = 0.0
    for crowd in range(w.tables.count.crowds):
        book.closed += w.outside.closed[crowd]
        book.sold += w.outside.sold[crowd]
        book.deficit += w.outside.deficit[crowd]
    book.most = max(book.most, book.sold - book.before)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)


def _at_risk(ended: Ended) -> float:
    """USD that all crowds would sell or buy, at the prices of the start."""
    from simulator.world.crowd import members_of

    impact = ended.protocol.impact
    return sum(members_of(crowd).size.sum() for crowd in impact.crowds) if impact else 0.0


METRICS = (
    Metric(
        "forced_usd",
        "USD",
        "what liquidations elsewhere (`population`) sold or bought",
        lambda ended: ended.book.crowds.sold,
        title="Forced orders elsewhere",
        form=",.4g",
        only_if_any=True,
    ),
    Metric(
        "forced_share",
        "fraction",
        "part of all that `population` could be forced to, at the prices of the start",
        lambda ended: _share(
            ended.book.crowds.closed, np.full_like(ended.book.crowds.sold, ended.once(_at_risk))
        ),
        title="Part of the crowds elsewhere forced out",
        form=".1%",
        only_if_any=True,
    ),
    Metric(
        "forced_peak_hour",
        "fraction",
        "part of it in the hour of the clock that saw most",
        lambda ended: _share(ended.book.crowds.most, ended.book.crowds.sold),
        title="Of that in its worst hour",
        form=".1%",
        only_if_any=True,
    ),
    Metric(
        "forced_deficit",
        "fraction",
        "debt left by those whose price of bankruptcy was passed, over what was forced: funds, "
        "auto-deleveraging or lenders bear it elsewhere",
        lambda ended: _share(ended.book.crowds.deficit, ended.book.crowds.sold),
        title="Debt they left, over that",
        form=".2%",
        only_if_any=True,
    ),
)
