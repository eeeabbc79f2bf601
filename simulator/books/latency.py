"""Placeholder of the layout until it is ported."""

from simulator.books.metric import Metric
from simulator.world.model.record import Layout, Member

LAYOUT: Layout = tuple(Member(name) for name in ("usd",))


METRICS = (
    Metric(
        "latency_profit",
        "USD",
        "what the latency arbitrageur gained by timing the oracle",
        lambda ended: ended.book.latency.usd,
        title="Latency arbitrage, timing",
        form="+,.0f",
        only_if_any=True,
    ),
)
