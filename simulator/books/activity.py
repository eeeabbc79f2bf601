"""What was done and refused on a path, and what it cost: counts, gas, turnover of the hedge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.books.metric import STATUS, Chance, Ended, Metric
from simulator.books.operations import KEEPER_FUNCTIONS, LIQUIDATE, TRADE, on_vault
from simulator.model.kernel.codes import NONE, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Layout, Member, Path, each
from simulator.model.venues.margin_accounts import hedge_size
from simulator.protocol.action_spec import Role
from simulator.world import actions

LAYOUT: Layout = (
    Member("done", "i8", ("kinds",), "1", "operations on the vault, by kind"),
    Member("refused", "i8", ("statuses",), "1", "actions of all agents, by status"),
    *each(
        "",
        ("turnover", "USD", "notional the vault traded on its hedge"),
        ("gas", "USD", "of all agents: refusals pay too"),
        ("upkeep_gas", "USD", "of it, of what keeps the vault"),
        ("units", "gas", "of this step so far, upkeep apart"),
        ("upkeep_units", "gas", "of this step so far"),
    ),
    *each("markets", ("before", "base units", "the hedge as an operation on the vault begins")),
)
#: Calls that keep the vault.
UPKEEP = (*KEEPER_FUNCTIONS, CODE[actions.PostBetas])


@inner
def acting(w: Path) -> None:
    """Remember the hedge of the vault before an operation on it."""
    if not on_vault(w):
        return
    book = w.book.activity
    for market in range(w.tables.count.markets):
        book.before[market] = hedge_size(w, market)


@inner
def acted(w: Path) -> None:
    """Count what was done and refused, and what it cost in gas."""
    book, order = w.book.activity, w.order
    if order.status == NONE:
        return
    units = w.tables.gas[order.kind]
    if order.kind in UPKEEP:
        book.upkeep_units += units
    else:
        book.units += units
    if order.status != OK:
        book.refused[order.status] += 1
    elif on_vault(w):
        book.done[order.kind] += 1
        _add_turnover(w)
    elif order.kind == TRADE and _closed_the_vault(w):
        book.done[LIQUIDATE] += 1


@inner
def _closed_the_vault(w: Path) -> bool:
    """Whether somebody's trade closed the insolvent vault: for its holders a liquidation."""
    before, closed = w.book.attribution.before, False
    if before.taken == 0.0:
        return False
    for account in range(1 + w.tables.count.markets):
        for m in range(w.tables.count.markets):
            closed = closed or w.state.clearing.size[account, m] != before.size[account, m]
    return closed


@inner
def _add_turnover(w: Path) -> None:
    """|Δs| at the oracle's price, over markets."""
    book, asset = w.book.activity, w.tables.clearing.asset
    for market in range(w.tables.count.markets):
        change = abs(hedge_size(w, market) - book.before[market])
        book.turnover += change * w.now.price[asset[market]]


@inner
def stepped(w: Path) -> None:
    """Pay for the gas of the step."""
    book = w.book.activity
    book.upkeep_gas += book.upkeep_units * w.now.gas_usd
    book.gas += (book.upkeep_units + book.units) * w.now.gas_usd
    book.upkeep_units, book.units = 0.0, 0.0


#: Ways in which the vault is liquidated, among what is counted.
LIQUIDATED = tuple(k for k in actions.COUNTED if k.spec.role is Role.LIQUIDATION)


def _count(kind: type[actions.Action]) -> Callable[[Ended], Any]:
    return lambda ended: ended.book.activity.done[CODE[kind]]


METRICS = (
    Metric(
        "liquidated",
        "true/false",
        "whether any position, pledge or loan of the vault was liquidated",
        lambda ended: np.any([_count(kind)(ended) > 0 for kind in LIQUIDATED], axis=0),
        statistics=(),
        chance=Chance(
            "liquidation",
            "Liquidated",
            "part of the paths on which the vault was liquidated",
            lambda liquidated: liquidated,
        ),
    ),
    *(
        Metric(name, "number", kind.spec.counts, _count(kind))
        for kind, name in actions.COUNTED.items()
    ),
    Metric(
        "turnover",
        "USD",
        "notional the vault traded on its hedge",
        lambda ended: ended.book.activity.turnover,
        title="Hedge turnover",
        form=",.0f",
    ),
    Metric(
        "gas",
        "USD",
        "gas of all agents, refused calls included",
        lambda ended: ended.book.activity.gas,
        title="Gas of all agents",
        form=",.0f",
    ),
    Metric(
        "upkeep_gas",
        "USD",
        "gas of the calls that keep the vault: keeper functions and posted betas",
        lambda ended: ended.book.activity.upkeep_gas,
    ),
    Metric(
        f"refused_{STATUS}",
        "number",
        "actions of all agents refused for that reason",
        lambda ended: ended.book.activity.refused[OK + 1 :],
    ),
)
