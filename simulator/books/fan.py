"""A few quantities of every path over time, from which quantiles over all paths are drawn."""

from __future__ import annotations

from simulator.books.hedge import HEDGE_ROWS, LP_ROWS, leg
from simulator.books.holdings import margin_ratio
from simulator.books.share_price import relative
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.types import Floats

#: Quantities that :func:`fan_row` gives, in their order; PnL in USD.
QUANTITIES = ("share_price", "margin_ratio", "lp_pnl", "hedge_pnl")


@inner
def fan_row(w: Path, out: Floats) -> None:
    """Write :data:`QUANTITIES` of a path as it is into ``out`` ``[4]``, of any precision."""
    out[0] = relative(w)
    out[1] = margin_ratio(w)
    out[2] = leg(w, LP_ROWS)
    out[3] = leg(w, HEDGE_ROWS)
