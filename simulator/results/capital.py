"""How much capital a hedge ties up as margin: what the margin modes are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.results.tallies import part

if TYPE_CHECKING:
    from simulator.books.keeper import Books
    from simulator.types import Floats


class CapitalUse:
    """Of a run, from its books (:mod:`simulator.books.capital`), ``[paths]`` each."""

    def __init__(self, books: Books) -> None:
        self._book = books.view.capital

    def efficiency(self) -> Floats:
        """USD hedged per USD of initial margin required, over all steps; NaN: never hedged."""
        return part(self._book.notional, self._book.margin)

    def share_of_nav(self) -> Floats:
        """Initial margin required over NAV, mean of the steps with a position; NaN: none."""
        return part(self._book.share, self._book.steps)
