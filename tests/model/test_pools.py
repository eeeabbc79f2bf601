"""Every pool of the model keeps the laws of ``simulator.testing``."""

from __future__ import annotations

from simulator.config import load, resolve
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
