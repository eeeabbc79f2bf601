"""How near the vault came to liquidation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.holdings import margin_ratio
from simulator.books.metric import Ended, Metric
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each

if TYPE_CHECKING:
    from simulator.types import Floats

LAYOUT: Layout = each("", ("lowest", "1", "equity over maintenance margin; inf: no position yet"))


@inner
def advanced(w: Path) -> None:
    """Margin is thinnest after prices moved and before anybody could act."""
    if w.now.step == 0.0:
        w.book.margin.lowest = np.inf
    stepped(w)


@inner
def stepped(w: Path) -> None:
    """Watch the ratio."""
    book, ratio = w.book.margin, margin_ratio(w)
    if not np.isnan(ratio):
        book.lowest = min(book.lowest, ratio)


def _lowest(ended: Ended) -> Floats:
    found = ended.book.margin.lowest
    return np.where(np.isfinite(found), found, np.nan)


METRICS = (
    Metric(
        "min_margin_ratio",
        "ratio",
        "lowest equity over maintenance margin; liquidation at 1",
        _lowest,
        title="Lowest margin ratio",
        form=".2f",
    ),
)
