"""What the books of the attribution say when a run is over: terms, sums of them, and their check.

How each term is found: :mod:`simulator.books.attribution`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import BUCKETS
from simulator.types import SimulatorError

if TYPE_CHECKING:
    from simulator.books.keeper import Books, KeptBooks
    from simulator.types import Floats

#: Largest residual allowed, as a fraction of the path's largest NAV.
TOLERANCE = 1e-9


class AttributionError(SimulatorError, AssertionError):
    """The buckets do not add up to the change of NAV: a bug in a world or in the attribution."""


class Attribution:
    """ΔNAV by the terms of :data:`~simulator.books.buckets.BUCKETS`, as the books have it.

    Views of the books: they change while the run goes on.

    Attributes:
        buckets: ``[buckets, paths]`` USD, cumulative.
        flows: ``[paths]`` USD deposited minus redeemed, cumulative.
        residual: ``[paths]`` USD, largest |NAV − first NAV − flows − Σ buckets| after any step.
        largest_nav: ``[paths]`` USD, largest |NAV| at the end of any step.
        deleveraged: ``[paths]`` USD, notional of the vault closed by auto-deleveraging, cumulative.
    """

    def __init__(self, books: Books | KeptBooks) -> None:
        book, self._first_path = books.view.attribution, books.first_path
        self.buckets: Floats = book.buckets
        self.flows: Floats = book.flows
        self.residual: Floats = book.residual
        self.largest_nav: Floats = book.largest_nav
        self.deleveraged: Floats = book.deleveraged

    def bucket(self, name: str) -> Floats:
        """Cumulative USD ``[paths]`` of one bucket; a view, valid until the run goes on."""
        return self.buckets[BUCKETS.index(name)]

    def leg(self, names: tuple[str, ...]) -> Floats:
        """Cumulative USD ``[paths]`` of several buckets together."""
        total = self.bucket(names[0]).copy()
        for name in names[1:]:
            total += self.bucket(name)
        return total

    def check(self) -> None:
        """Raise :class:`AttributionError` naming the path when a residual exceeds the tolerance."""
        excess = self.residual - TOLERANCE * self.largest_nav
        # `not <=`: a NaN must not pass.
        bad = np.flatnonzero(~(excess <= 0))
        if bad.size:
            worst = bad[np.argmax(np.nan_to_num(excess[bad], nan=np.inf))]
            raise AttributionError(
                f"path {self._first_path + worst}: {self.residual[worst]:.6g} USD of the "
                f"change of NAV is unexplained, allowed {TOLERANCE:g} of "
                f"{self.largest_nav[worst]:.6g} ({bad.size} of {excess.size} paths affected)"
            )
