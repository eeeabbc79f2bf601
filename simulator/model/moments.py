"""What the market does to a path at one step, out of market paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths, Record
from simulator.types import Floats

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths


class Drawn(NamedTuple):
    """Market paths as kernels read them: ``[T + 1, P]``, those of each asset or market before."""

    index_price: Floats
    oracle_price: Floats
    oracle_time: Floats
    noise_trade: Floats
    noise_swap: Floats
    deposit_flow: Floats
    gas_usd: Floats
    pool_depth: Floats
    perp_depth: Floats


def drawn_of(market: MarketPaths) -> Drawn:
    """Those of a market, read-only and contiguous whatever made them: one type for kernels."""

    def readable(name: str) -> Floats:
        found = market.index if name == "index_price" else getattr(market, name)
        array = np.ascontiguousarray(found, np.float64).view()
        array.flags.writeable = False
        return array

    return Drawn(*map(readable, Drawn._fields))


@kernel
def lay_out(drawn: Drawn, feed: Record, span: Any) -> None:
    """Make moments ``[P, steps]`` those of steps ``span[0]`` … ``span[1] − 1`` of every path.

    ``span[2]``: seconds a step.
    """
    for place in range(span[1] - span[0]):
        step = span[0] + place
        for i in range(feed.shape[0]):
            moment = feed[i, place]
            moment.step, moment.clock = step, step * span[2]
            for asset in range(drawn.index_price.shape[0]):
                moment.price[asset] = drawn.oracle_price[asset, step, i]
                moment.updated_at[asset] = drawn.oracle_time[asset, step, i]
                moment.index[asset] = drawn.index_price[asset, step, i]
            for m in range(drawn.noise_trade.shape[0]):
                moment.noise_trade[m] = drawn.noise_trade[m, step, i]
            moment.noise_swap = drawn.noise_swap[step, i]
            moment.deposit_flow = drawn.deposit_flow[step, i]
            moment.gas_usd = drawn.gas_usd[step, i]
            moment.pool_depth = drawn.pool_depth[step, i]
            moment.perp_depth = drawn.perp_depth[step, i]


def read_market(paths: Paths, market: MarketPaths, step: int) -> None:
    """Make the moments of paths those of a step."""
    span = np.array([step, step + 1, market.step_seconds])
    lay_out(drawn_of(market), paths.moments[:, None], span)
