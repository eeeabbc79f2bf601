"""When books are kept: at each step before anybody acts, around every action, at its end.

A book is a module with the ``LAYOUT`` of its record (``w.book.<module>``) and scalar functions of a
path: some of ``advanced``, ``acting``, ``acted``, ``stepped``. Around an action ``w.order`` is what
is asked, and once it is done what came of it.
"""

from __future__ import annotations

from simulator.books import (
    activity,
    attribution,
    capital,
    cascade,
    costs,
    crowds,
    deleveraged,
    entries,
    hedge,
    impact,
    latency,
    lending,
    limits,
    margin,
    performance,
    pressure,
    share_price,
    strategies,
    upkeep,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Member, Path
from simulator.model.vault.valuation import value_now

#: The record of all books, each by the name of its module, in the order they are kept.
BOOK: Layout = (
    # What an agent asked for that cannot be: the code of its action, who it was, what of it is
    # wrong (engine/indices.py), and the indices it gave. Where the orders wait of who acts now
    # (engine/latency.py), 0: they do not.
    Member(
        "engine",
        tuple(
            Member(name, "i8")
            for name in (
                *("fault", "at_fault", "wrong", "account", "market", "collateral", "leg"),
                *("borrower", "seized", "repaid", "position", "outbox"),
            )
        ),
    ),
    Member("attribution", attribution.LAYOUT),
    Member("costs", costs.LAYOUT),
    Member("share_price", share_price.LAYOUT),
    Member("latency", latency.LAYOUT),
    Member("entries", entries.LAYOUT),
    Member("upkeep", upkeep.LAYOUT),
    Member("limits", limits.LAYOUT),
    Member("activity", activity.LAYOUT),
    Member("margin", margin.LAYOUT),
    Member("capital", capital.LAYOUT),
    Member("performance", performance.LAYOUT),
    Member("hedge", hedge.LAYOUT),
    Member("impact", impact.LAYOUT),
    Member("crowds", crowds.LAYOUT),
    Member("cascade", cascade.LAYOUT),
    Member("deleveraged", deleveraged.LAYOUT),
    Member("pressure", pressure.LAYOUT),
    Member("lending", lending.LAYOUT),
    Member("strategies", strategies.LAYOUT),
)


@inner
def advanced(w: Path) -> None:
    """The market moved; nobody has acted yet."""
    attribution.advanced(w)
    share_price.advanced(w)
    entries.advanced(w)
    upkeep.advanced(w)
    limits.advanced(w)
    margin.advanced(w)
    impact.advanced(w)
    crowds.advanced(w)
    cascade.advanced(w)
    deleveraged.advanced(w)
    pressure.advanced(w)
    strategies.advanced(w)


@inner
def acting(w: Path) -> None:
    """``w.order`` is about to be carried out."""
    attribution.acting(w)
    latency.acting(w)
    entries.acting(w)
    activity.acting(w)
    cascade.acting(w)
    lending.acting(w)
    strategies.acting(w)


@inner
def acted(w: Path) -> None:
    """It was carried out, or refused."""
    attribution.acted(w)
    entries.acted(w)
    share_price.acted(w)
    latency.acted(w)
    upkeep.acted(w)
    limits.acted(w)
    activity.acted(w)
    cascade.acted(w)
    lending.acted(w)
    strategies.acted(w)


@inner
def stepped(w: Path) -> None:
    """Everybody has acted."""
    valuation = value_now(w)
    attribution.stepped(w, valuation)
    share_price.stepped(w, valuation)
    upkeep.stepped(w, valuation)
    activity.stepped(w)
    margin.stepped(w)
    capital.stepped(w, valuation)
    performance.stepped(w)
    hedge.stepped(w)
    strategies.stepped(w)
