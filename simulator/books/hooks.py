"""When books are kept: at each step before anybody acts, around every action, at its end.

A book is a module with the ``LAYOUT`` of its record (``w.book.<module>``) and scalar functions of a
path: some of ``advanced``, ``acting``, ``acted``, ``stepped``. Around an action ``w.order`` is what
is asked, and once it is done what came of it.
"""

from __future__ import annotations

from simulator.books import capital, limits, upkeep
from simulator.world.model.jit import inner
from simulator.world.model.record import Layout, Member, Path

#: The record of all books, each by the name of its module, in the order they are kept.
BOOK: Layout = (
    # What an agent asked for that is not finite, by the code of its action, and who it was.
    Member("engine", (Member("fault", "i8"), Member("at_fault", "i8"))),
    Member("upkeep", upkeep.LAYOUT),
    Member("limits", limits.LAYOUT),
    Member("capital", capital.LAYOUT),
)
_upkeep_advanced, _upkeep_acted, _upkeep_stepped = upkeep.advanced, upkeep.acted, upkeep.stepped
_limits_advanced, _limits_acted = limits.advanced, limits.acted
_capital_stepped = capital.stepped


@inner
def advanced(w: Path) -> None:
    """The market moved; nobody has acted yet."""
    _upkeep_advanced(w)
    _limits_advanced(w)


@inner
def acting(w: Path) -> None:
    """``w.order`` is about to be carried out."""


@inner
def acted(w: Path) -> None:
    """It was carried out, or refused."""
    _upkeep_acted(w)
    _limits_acted(w)


@inner
def stepped(w: Path) -> None:
    """Everybody has acted."""
    _upkeep_stepped(w)
    _capital_stepped(w)
