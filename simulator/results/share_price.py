"""What one vault share is worth, from the books, when a run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.books.keeper import Books, KeptBooks
    from simulator.types import Floats


class SharePrice:
    """What one vault share is worth in USD, per path (:mod:`simulator.books.share_price`).

    Attributes:
        first: ``[paths]`` price paid by the first depositor; NaN before there is one.
        now: ``[paths]`` price now; NaN before there is a share.
    """

    def __init__(self, books: Books | KeptBooks) -> None:
        self.first: Floats = books.view.share_price.first
        self.now: Floats = books.view.share_price.now

    def relative(self) -> Floats:
        """Price now over the first price; 1 before there is a share."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.now / self.first
        return np.where(np.isnan(ratio), 1.0, ratio)
