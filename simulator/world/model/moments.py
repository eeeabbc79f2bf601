"""What the market does to a path at one step, out of market paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.world.model.record import View

# Of each point, [points, paths], and of each asset or market too.
_SINGLE = ("gas_usd", "pool_depth", "perp_depth", "noise_swap", "deposit_flow")


def read_market(now: View, market: MarketPaths, step: int | slice) -> None:
    """Make moments ``[P]`` those of a step on every path, or ``[P, steps]`` those of several."""
    steps = np.arange(market.steps + 1.0)[step]
    now.step.T[:] = steps
    now.clock.T[:] = steps * market.step_seconds
    now.price[:] = market.oracle_price[:, step]
    now.updated_at[:] = market.oracle_time[:, step]
    now.index[:] = market.index[:, step]
    now.noise_trade[:] = market.noise_trade[:, step]
    for name in _SINGLE:
        getattr(now, name)[:] = getattr(market, name)[step]
