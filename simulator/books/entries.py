"""Placeholder of the layout until it is ported."""

from simulator.books.metric import Metric
from simulator.world.model.record import Layout, Member

LAYOUT: Layout = tuple(Member(name) for name in ("usd", "growth"))


METRICS = (
    Metric(
        "fees_kept",
        "USD",
        "entry and exit fees that stayed in the vault; no part of pnl",
        lambda ended: ended.book.entries.usd,
        title="Entry and exit fees kept",
        form="+,.0f",
        only_if_any=True,
    ),
)
