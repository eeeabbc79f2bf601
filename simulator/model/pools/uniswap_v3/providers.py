"""Positions of agents in a pool, beside the vault's and the background.

They lie in the pool's record, ``[positions]``; one without liquidity is none. Amounts as
UniswapV3Pool and NonfungiblePositionManager round them: due up, paid down, fees down whenever a
position is touched.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.model.pools.uniswap_v3.tick import (
    amount0_delta,
    amount1_delta,
    sqrt_price_at_tick,
)


@inner
def provided_at(pool: Record, tick: float) -> float:
    """Liquidity of agents that is active at a tick."""
    total = 0.0
    for k in range(len(pool.provided)):
        if pool.provided_lower[k] <= tick < pool.provided_upper[k]:
            total += pool.provided[k]
    return total


@inner
def nearest_below(
    pool: Record, tick: float, stop: float, root: float, background: bool
) -> tuple[float, float, bool]:
    """The first end of a range at or below ``tick`` if it comes before ``stop``, else that."""
    for k in range(len(pool.provided)):
        if pool.provided[k] > 0.0:
            if stop < pool.provided_upper[k] <= tick:
                stop, root = pool.provided_upper[k], pool.provided_root_upper[k]
                background = False
            elif stop < pool.provided_lower[k] <= tick:
                stop, root = pool.provided_lower[k], pool.provided_root_lower[k]
                background = False
    return stop, root, background


@inner
def nearest_above(
    pool: Record, tick: float, stop: float, root: float, background: bool
) -> tuple[float, float, bool]:
    """The first end of a range above ``tick`` if it comes before ``stop``, else that."""
    for k in range(len(pool.provided)):
        if pool.provided[k] > 0.0:
            if tick < pool.provided_lower[k] < stop:
                stop, root = pool.provided_lower[k], pool.provided_root_lower[k]
                background = False
            elif tick < pool.provided_upper[k] < stop:
                stop, root = pool.provided_upper[k], pool.provided_root_upper[k]
                background = False
    return stop, root, background


@inner
def share_out(pool: Record, tick: float, zero_for_one: bool, fee: float, liquidity: float) -> None:
    """Give each agent's active position its part of a step's fee; ``liquidity``: of everybody."""
    for k in range(len(pool.provided)):
        if pool.provided_lower[k] <= tick < pool.provided_upper[k]:
            if zero_for_one:
                pool.provided_fees0[k] += fee * pool.provided[k] / liquidity
            else:
                pool.provided_fees1[k] += fee * pool.provided[k] / liquidity


@inner
def settle_in(pool: Record, k: int, tick_lower: float, tick_upper: float) -> None:
    """Say where an empty position will be."""
    pool.provided_lower[k] = tick_lower
    pool.provided_upper[k] = tick_upper
    pool.provided_root_lower[k] = sqrt_price_at_tick(tick_lower)
    pool.provided_root_upper[k] = sqrt_price_at_tick(tick_upper)


@inner
def amounts_of(pool: Record, k: int, liquidity: float) -> tuple[float, float]:
    """(token0, token1) of ``liquidity`` in its range at the pool's price; not rounded."""
    lower, upper, root = pool.provided_root_lower[k], pool.provided_root_upper[k], pool.sqrt_price
    if pool.tick < pool.provided_lower[k]:
        return amount0_delta(lower, upper, liquidity), 0.0
    if pool.tick < pool.provided_upper[k]:
        return (
            max(amount0_delta(root, upper, liquidity), 0.0),
            max(amount1_delta(lower, root, liquidity), 0.0),
        )
    return 0.0, amount1_delta(lower, upper, liquidity)


@inner
def add(pool: Record, k: int, liquidity: float) -> None:
    """Add to it; its fees are settled."""
    if pool.provided[k] == 0.0:
        pool.providing += 1.0
    pool.provided[k] += liquidity
    pool.provided_fees0[k] = np.floor(pool.provided_fees0[k])
    pool.provided_fees1[k] = np.floor(pool.provided_fees1[k])


@inner
def collect(pool: Record, k: int) -> tuple[float, float]:
    """Take its fees: raw (token0, token1)."""
    fees0, fees1 = np.floor(pool.provided_fees0[k]), np.floor(pool.provided_fees1[k])
    pool.provided_fees0[k] = pool.provided_fees1[k] = 0.0
    return fees0, fees1


@inner
def take(pool: Record, k: int, liquidity: float) -> tuple[float, float]:
    """Take from it, and all its fees: raw (token0, token1)."""
    amount0, amount1 = amounts_of(pool, k, liquidity)
    fees0, fees1 = collect(pool, k)
    pool.provided[k] -= liquidity
    if pool.provided[k] == 0.0:
        pool.providing -= 1.0
    return np.floor(amount0) + fees0, np.floor(amount1) + fees1


@inner
def close_ranks(pool: Record, k: int, last: int) -> None:
    """Move the position at ``last`` to ``k``, which is empty (ERC721Enumerable does so)."""
    for field in (
        pool.provided,
        pool.provided_lower,
        pool.provided_upper,
        pool.provided_root_lower,
        pool.provided_root_upper,
        pool.provided_fees0,
        pool.provided_fees1,
    ):
        field[k] = field[last]
        field[last] = 0.0
