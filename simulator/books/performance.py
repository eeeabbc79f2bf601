"""How a share did on its way: the peak of its price, and the deepest fall from one."""

from __future__ import annotations

from simulator.books.metric import Metric
from simulator.books.share_price import relative
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each

LAYOUT: Layout = each(
    "",
    ("peak", "1", "largest share price over the first one; at least 1"),
    ("drawdown", "1", "largest fall of the share price from a peak before it"),
)


@inner
def stepped(w: Path) -> None:
    """Follow the peak."""
    book, price = w.book.performance, relative(w)
    if w.now.step == 0.0:
        book.peak = 1.0
    book.peak = max(book.peak, price)
    book.drawdown = max(book.drawdown, 1.0 - price / book.peak)


METRICS = (
    Metric(
        "max_drawdown",
        "fraction",
        "largest fall of the share price from a peak before it",
        lambda ended: ended.book.performance.drawdown,
        title="Maximum drawdown",
        form=".2%",
    ),
)
