"""What the market does to a path at one step, out of market paths."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.model.kernel.jit import kernel, often
from simulator.model.kernel.record import Paths, Record
from simulator.types import Floats
from simulator.world.absence import absent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.market.paths import MarketPaths
    from simulator.world.protocol import Protocol


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
    outside_depth: Floats
    special: Floats  # of rounds, [A, T + 1]; where no flow moves a price []
    down: NDArray[np.int64]  # agents that do nothing, a bit each (:mod:`simulator.world.absence`)
    halted: NDArray[np.int64]  # venues that refuse calls, a bit each, [T + 1]


class Moved(NamedTuple):
    """What flows move of a market: ``[T + 1, P]``, prices with the asset before."""

    index_price: Floats
    oracle_price: Floats
    oracle_time: Floats
    gas_usd: Floats


class Schedule(NamedTuple):
    """What is certain beforehand; arrays are empty where nothing of the kind is to be."""

    special: Floats  # of rounds, [A, T + 1]
    down: NDArray[np.int64]
    halted: NDArray[np.int64]  # [T + 1]


def schedule_of(market: MarketPaths, protocol: Protocol) -> Schedule:
    """Step by step what a protocol says of changes."""
    special = np.zeros((0, 0))
    if protocol.impact is not None:
        special = np.zeros(market.index.shape[:2])
        for asset, step, value in protocol.impact.special:
            special[asset, step:] = value
    halted = np.zeros(0, np.int64)
    if protocol.halts:
        halted = np.array([protocol.halted(step) for step in range(market.steps + 1)], np.int64)
    return Schedule(special, absent(market, protocol), halted)


def drawn_of(market: MarketPaths, schedule: Schedule) -> Drawn:
    """Those of a market, read-only and contiguous whatever made them: one type for kernels."""

    def readable(found: Any) -> Any:
        array = np.ascontiguousarray(found, np.int64 if found.dtype.kind == "i" else np.float64)
        array = array.view()
        array.flags.writeable = False
        return array

    given = {"index_price": market.index, **schedule._asdict()}
    series = {name: getattr(market, name) for name in Drawn._fields if name not in given}
    return Drawn(**{name: readable(array) for name, array in {**series, **given}.items()})


def to_be_moved(market: MarketPaths) -> MarketPaths:
    """A market of the same paths, of which flows will move what :class:`Moved` names."""
    return replace(
        market,
        index=market.index.copy(),
        oracle_price=market.oracle_price.copy(),
        oracle_time=market.oracle_time.copy(),
        gas_usd=market.gas_usd.copy(),
    )


def moved_of(market: MarketPaths) -> Moved:
    """What of it :func:`put_back` writes to."""
    return Moved(market.index, market.oracle_price, market.oracle_time, market.gas_usd)


#: Paths at a time between arrays by step and records by path: what fills a line of the former.
_TILE = 8


@kernel
def lay_out(drawn: Drawn, feed: Record, span: Any) -> None:
    """Make moments ``[P, steps]`` those of steps ``span[0]`` … ``span[1] − 1`` of every path.

    ``span[2]``: seconds a step.
    """
    for begin in range(0, feed.shape[0], _TILE):
        for place in range(span[1] - span[0]):
            step = span[0] + place
            for i in range(begin, min(begin + _TILE, feed.shape[0])):
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
                moment.outside_depth = drawn.outside_depth[step, i]
                for asset in range(drawn.special.shape[0]):
                    moment.special[asset] = drawn.special[asset, step]
                if drawn.down.size > 0:
                    moment.down = drawn.down[step, i % drawn.down.shape[1]]
                if drawn.halted.size > 0:
                    moment.halted = drawn.halted[step]


@often
@kernel
def put_back(moved: Moved, feed: Record, span: Any) -> None:
    """Write what became of moments ``[P, steps]``, places ``span[0]`` … ``span[1] − 1``.

    ``span[2]``: the step at place 0.
    """
    for begin in range(0, feed.shape[0], _TILE):
        for place in range(span[0], span[1]):
            step = span[2] + place
            for i in range(begin, min(begin + _TILE, feed.shape[0])):
                moment = feed[i, place]
                for asset in range(moved.index_price.shape[0]):
                    moved.index_price[asset, step, i] = moment.index[asset]
                    moved.oracle_price[asset, step, i] = moment.price[asset]
                    moved.oracle_time[asset, step, i] = moment.updated_at[asset]
                moved.gas_usd[step, i] = moment.gas_usd


def read_market(paths: Paths, market: MarketPaths, schedule: Schedule, step: int) -> None:
    """Make the moments of paths those of a step, as the market has it now."""
    span = np.array([step, step + 1, market.step_seconds])
    lay_out(drawn_of(market, schedule), paths.moments[:, None], span)
