"""How agents that may provide liquidity did: what each had at index prices, less its gas.

So a strategy that is not the vault's stands beside it. Its NAV is its wallet, its positions in the
pool at the index, its margin account and vault shares (:mod:`simulator.model.worth`); gas is taken
off here, as no wallet pays it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import PROVIDER, WITH_TAILS, Ended, Metric
from simulator.books.operations import LIQUIDATE
from simulator.books.share_price import at_index
from simulator.model.kernel.codes import NONE, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import COLLECT_FEES, PROVIDE_LIQUIDITY, REMOVE_LIQUIDITY
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.model.worth import worth_at_index

if TYPE_CHECKING:
    from simulator.types import Floats

LAYOUT: Layout = each(
    "providers",
    ("first", "USD", "what it had before anybody acted"),
    ("now", "USD", "what it had at the end of the last step, less gas"),
    ("peak", "1", "largest of that over the first; at least 1"),
    ("drawdown", "1", "largest fall from a peak before it"),
    ("gas", "USD", "of all it asked for, refused calls included"),
    ("fees", "USD", "of the pool that its positions earned, at the index of then"),
    ("owed", "USD", "fees not collected where the action was asked for"),
    ("liquidations", "1", "of its margin account"),
)
_OWN = (PROVIDE_LIQUIDITY, REMOVE_LIQUIDITY, COLLECT_FEES)


@inner
def _owed(w: Path, agent: int) -> float:
    """USD of fees that its positions have earned and not been paid."""
    pool, unit, index = w.state.pool, w.tables.oracle.unit, w.now.index
    first, base, usdc = w.tables.agent.first_position[agent], 0.0, 0.0
    for place in range(first, first + w.tables.agent.positions[agent]):
        base += pool.provided_fees0[place]
        usdc += pool.provided_fees1[place]
    base_usd = base / unit[BASE_ASSET] * index[BASE_ASSET]
    return base_usd + usdc / unit[USDC_ASSET] * index[USDC_ASSET]


@inner
def advanced(w: Path) -> None:
    """Note what they began with."""
    if w.now.step > 0.0:
        return
    book = w.book.strategies
    for p in range(w.tables.count.providers):
        book.first[p] = book.now[p] = worth_at_index(w, w.tables.provider.agent[p])
        book.peak[p] = 1.0
        book.drawdown[p] = book.gas[p] = book.fees[p] = 0.0
        book.owed[p] = book.liquidations[p] = 0.0


@inner
def acting(w: Path) -> None:
    """Note the fees that are owed."""
    for p in range(w.tables.count.providers):
        w.book.strategies.owed[p] = _owed(w, w.tables.provider.agent[p])


@inner
def acted(w: Path) -> None:
    """Add fees that were earned, gas, and liquidations."""
    order, book = w.order, w.book.strategies
    for p in range(w.tables.count.providers):
        agent = w.tables.provider.agent[p]
        if order.agent == agent and order.status != NONE:
            book.gas[p] += w.tables.gas[order.kind] * w.now.gas_usd
        if order.status != OK:
            continue
        if order.kind == LIQUIDATE and order.account == w.tables.agent.account[agent]:
            book.liquidations[p] += 1.0
        if w.state.pool.providing > 0.0 and not (order.agent == agent and order.kind in _OWN):
            book.fees[p] += _owed(w, agent) - book.owed[p]


@inner
def stepped(w: Path) -> None:
    """Follow what they have."""
    book = w.book.strategies
    for p in range(w.tables.count.providers):
        book.now[p] = worth_at_index(w, w.tables.provider.agent[p]) - book.gas[p]
        if book.first[p] > 0.0:
            so_far = book.now[p] / book.first[p]
            book.peak[p] = max(book.peak[p], so_far)
            book.drawdown[p] = max(book.drawdown[p], 1.0 - so_far / book.peak[p])


def _return(ended: Ended) -> Floats:
    """``[providers, P]``; NaN of one that began with nothing."""
    book = ended.book.strategies
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(book.first > 0.0, book.now / book.first, np.nan) - 1.0


METRICS = (
    Metric(
        f"strategy_return_{PROVIDER}",
        "fraction",
        "return of all a liquidity provider has at index prices, gas paid",
        lambda ended: ended.once(_return),
        title="Return",
        form="+.2%",
        statistics=WITH_TAILS,
    ),
    Metric(
        f"strategy_excess_{PROVIDER}",
        "fraction",
        "that return less `return_at_index`, a vault share's, on the same path",
        lambda ended: ended.once(_return) - ended.once(at_index),
        form="+.2%",
    ),
    Metric(
        f"strategy_drawdown_{PROVIDER}",
        "fraction",
        "largest fall of what it has from a peak before it",
        lambda ended: ended.book.strategies.drawdown,
        form=".2%",
    ),
    Metric(
        f"strategy_profit_{PROVIDER}",
        "USD",
        "what it gained at index prices, gas paid",
        lambda ended: ended.book.strategies.now - ended.book.strategies.first,
        form="+,.0f",
    ),
    Metric(
        f"strategy_fees_{PROVIDER}",
        "USD",
        "swap fees that its positions earned, at the index of then",
        lambda ended: ended.book.strategies.fees,
        form=",.0f",
    ),
    Metric(
        f"strategy_gas_{PROVIDER}",
        "USD",
        "gas of all it asked for, refused calls included",
        lambda ended: ended.book.strategies.gas,
        form=",.0f",
    ),
    Metric(
        f"strategy_liquidations_{PROVIDER}",
        "number",
        "liquidations of positions of its margin account",
        lambda ended: ended.book.strategies.liquidations,
        form=".3g",
    ),
)
