"""A few quantities of every path over time, from which quantiles over all paths are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.hedge import HEDGE_ROWS, LP_ROWS, leg
from simulator.books.holdings import margin_ratio
from simulator.books.share_price import relative
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.types import Floats
from simulator.world.parties import venues

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

#: Quantities that :func:`fan_row` gives of every protocol, in their order; PnL in USD.
QUANTITIES = ("share_price", "margin_ratio", "lp_pnl", "hedge_pnl")


def fan_names(protocol: Protocol) -> tuple[str, ...]:
    """All it gives.

    Where somebody can be forced to sell, what was liquidated so far, by venue; of each agent that
    may provide liquidity what it has over what it began with.
    """
    return (
        *QUANTITIES,
        *(f"liquidated_{venue}" for venue in venues(protocol)),
        *(f"strategy_{protocol.agents[agent].name}" for agent in protocol.providers),
    )


@inner
def fan_row(w: Path, out: Floats) -> None:
    """Write :func:`fan_names` of a path as it is into ``out``, of any precision."""
    out[0] = relative(w)
    out[1] = margin_ratio(w)
    out[2] = leg(w, LP_ROWS)
    out[3] = leg(w, HEDGE_ROWS)
    for venue in range(w.tables.count.venues):
        out[4 + venue] = w.book.cascade.at_venue[venue]
    first, book = 4 + w.tables.count.venues, w.book.strategies
    for p in range(w.tables.count.providers):
        out[first + p] = book.now[p] / book.first[p] if book.first[p] > 0.0 else np.nan
