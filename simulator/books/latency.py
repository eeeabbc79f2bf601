"""What the latency arbitrageur's timing gains, the vault's own fortunes apart.

Shares are valued at the index when they are bought (after the deposit, which is what it then holds)
and when they are sold (before the redemption), so holding them in between counts for nothing.
"""

from __future__ import annotations

from simulator.books.metric import Metric
from simulator.books.operations import DEPOSIT, REDEEM
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.parameters import AGENT_CODE
from simulator.model.vault.at_index import value_at_index
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE

LAYOUT: Layout = each(
    "",
    ("usd", "USD", "cumulative; negative: the fees cost more than the lag gives"),
    ("price", "USD", "of a share at index prices, before it is sold"),
)

_ARBITRAGEUR = AGENT_CODE["latency_arbitrageur"]


@inner
def _its_own(w: Path) -> bool:
    return w.tables.agent.kind[w.order.agent] == _ARBITRAGEUR


@inner
def _share(w: Path) -> float:
    """USD of a share at index prices; 0 where there is none."""
    supply = w.state.vault.shares / WHOLE_SHARE
    return value_at_index(w) / supply if supply > 0.0 else 0.0


@inner
def acting(w: Path) -> None:
    """Note what a share is worth before it is sold."""
    if w.order.kind == REDEEM and _its_own(w):
        w.book.latency.price = _share(w)


@inner
def acted(w: Path) -> None:
    """Add value received less value given."""
    order, book, usdc = w.order, w.book.latency, w.now.index[USDC_ASSET]
    if order.status != OK or not _its_own(w):
        return
    if order.kind == DEPOSIT:
        book.usd += order.amount_out * _share(w) - order.amount_in * usdc
    elif order.kind == REDEEM:
        book.usd += order.amount_out * usdc - order.amount_in * book.price


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
