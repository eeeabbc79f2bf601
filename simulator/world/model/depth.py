"""The venue's depth: the skew scale as the risk manager sets it (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.types import CUTS_PER_SCALE, SCALE_INTERVAL, SIDES, Floats
from simulator.world.model.jit import inner, kernel
from simulator.world.model.maker import open_interest
from simulator.world.model.margin import accrue
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.pricing import sweep_pool
from simulator.world.model.state import ClearingState, Oracle


@inner
def _least_scale(table: ClearingTable, clearing: ClearingState, market: int, i: int) -> float:
    """Least K to which a market may be lowered with what is open; infinite: to none at all."""
    longs = open_interest(clearing, market, 1.0, i)
    shorts = open_interest(clearing, market, -1.0, i)
    # The least inventory limit that what is open lets through.
    limit = max(abs(clearing.skew[market, i]), max(longs, shorts) / SIDES)
    if limit > table.max_skew[market]:
        return np.inf
    return 2.0 * limit / (table.gross_floor * table.maintenance_rate[market])


@kernel
def set_skew_scale(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, depth: Floats
) -> None:
    """Bring markets to K·``depth`` ``[P]`` as far and as often as ``set_skew_scale`` allows.

    By a factor of two at a time, never above K. What is not allowed now (too soon, a stale price,
    too much open) is tried again at every step.
    """
    now = oracle.clock[0]
    for market in range(table.asset.size):
        for i in range(depth.size):
            current = clearing.skew_scale[market, i]
            scale = table.skew_scale[market] * min(depth[i], 1.0)
            if scale == current or now < clearing.scaled_at[market, i] + SCALE_INTERVAL:
                continue
            scale = min(max(scale, 0.5 * current), 2.0 * current)
            if scale < current:
                scale = max(scale, _least_scale(table, clearing, market, i))
                if (current - scale) * CUTS_PER_SCALE < current:
                    continue
            if accrue(table, clearing, oracle, market, i):
                sweep_pool(table, clearing, oracle, market, i)
                clearing.skew_scale[market, i] = scale
                clearing.scaled_at[market, i] = now
