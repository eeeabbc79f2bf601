"""The venue's depth: the skew scale as the risk manager sets it (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.maker import open_interest
from simulator.model.venues.perps.margin import accrue
from simulator.model.venues.perps.pricing import sweep_pool
from simulator.types import CUTS_PER_SCALE, SCALE_INTERVAL, SIDES


@inner
def _least_scale(w: Path, market: int) -> float:
    """Least K to which a market may be lowered with what is open; infinite: to none at all."""
    table, clearing = w.tables.clearing, w.state.clearing
    longs = open_interest(w, market, 1.0)
    shorts = open_interest(w, market, -1.0)
    # The least inventory limit that what is open lets through.
    limit = max(abs(clearing.skew[market]), max(longs, shorts) / SIDES)
    if limit > table.max_skew[market]:
        return np.inf
    return 2.0 * limit / (table.gross_floor * table.maintenance_rate[market])


@inner
def set_skew_scale(w: Path) -> None:
    """Bring markets to K·depth as far and as often as ``set_skew_scale`` allows.

    By a factor of two at a time, never above K. What is not allowed now (too soon, a stale price,
    too much open) is tried again at every step.
    """
    table, clearing, now = w.tables.clearing, w.state.clearing, w.now.clock
    for market in range(w.tables.count.markets):
        current = clearing.skew_scale[market]
        scale = table.skew_scale[market] * min(w.now.perp_depth, 1.0)
        if scale == current or now < clearing.scaled_at[market] + SCALE_INTERVAL:
            continue
        scale = min(max(scale, 0.5 * current), 2.0 * current)
        if scale < current:
            scale = max(scale, _least_scale(w, market))
            if (current - scale) * CUTS_PER_SCALE < current:
                continue
        if accrue(w, market):
            sweep_pool(w, market)
            clearing.skew_scale[market] = scale
            clearing.scaled_at[market] = now
