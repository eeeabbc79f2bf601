"""Every pool of the model keeps the laws of ``simulator.testing``."""

from __future__ import annotations

import numpy as np

from simulator.config import load, resolve
from simulator.model.pools.stableswap import pool as stableswap
from simulator.model.pools.stableswap.records import POOL, POSITION, table
from simulator.testing.pool import PoolSuite
from simulator.testing.records import RecordPool
from tests.model.campaign import PROTOCOL
from tests.model.lone_pool import LonePool


class TestUniswapPool(PoolSuite):
    """Three ranges of others; swaps cross several of their ticks, and the position's."""

    most = (4e21, 8e12)
    liquidity = 4e17

    def open(self) -> RecordPool:
        pool = LonePool(PROTOCOL.pool)
        pool.place(-201_000.0, -199_500.0)
        return pool


class TestLegPool(PoolSuite):
    """The pool in which what is borrowed of Aave is sold: one range over all prices."""

    most = (1e21, 1e13)
    liquidity = 1e15

    def open(self) -> RecordPool:
        aave = resolve(load("aave-hedge")).aave
        assert aave is not None
        pool = LonePool(aave.legs[0].pool)
        spacing, here = aave.legs[0].pool.tick_spacing, pool.pools["tick"][0]
        middle = here // spacing * spacing
        pool.place(middle - 20.0 * spacing, middle + 20.0 * spacing)
        return pool


class TestStablePool(PoolSuite):
    """USDC and USDT off their balance, a fee that grows as they come apart."""

    most = (4e12, 4e12)
    liquidity = 1e24
    path_independent = False
    fee_kept = 4 * 4e-4

    def open(self) -> RecordPool:
        terms = table((6, 6), 200.0, 4e6, 4.0, (3e12, 5e12))
        return RecordPool(stableswap, terms, POOL, POSITION)


class TestStablePoolOfUnlikeCoins(PoolSuite):
    """A token of 6 decimals and one of 18 with a rate of 1.18, low amplification, no fee."""

    most = (2e12, 2e24)
    liquidity = float(np.floor(3e23))
    path_independent = False

    def open(self) -> RecordPool:
        terms = table((6, 18), 20.0, 0.0, 1.0, (3e12, 2e24), (1.0, 1.18))
        return RecordPool(stableswap, terms, POOL, POSITION)
