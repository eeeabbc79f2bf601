"""The Uniswap pool by itself, with a position of the vault: records as kernels have them."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.record import Counts, View, dtype_of, fill
from simulator.model.parameters import POOL_TABLE, pool_values
from simulator.model.pools.uniswap_v3 import pool
from simulator.model.state import POOL, POSITION
from simulator.testing.records import RecordPool
from simulator.world.protocol import PoolParameters


class LonePool(RecordPool):
    """Opened at its first price; ``pool``, ``position``: their fields ``[1]``.

    ``positions``: how many others there is room for.
    """

    def __init__(self, parameters: PoolParameters, positions: int = 0) -> None:
        counts = Counts(
            1,
            1,
            1,
            1,
            2,
            0,
            0,
            len(parameters.initialised_ticks),
            1,
            0,
            0,
            0,
            0,
            0,
            positions,
            0,
            0,
        )
        room = counts.room()
        table = np.zeros(1, dtype_of(POOL_TABLE, room))
        fill(table.reshape(()), POOL_TABLE, pool_values(parameters))
        super().__init__(pool, table, dtype_of(POOL, room), dtype_of(POSITION, room))
        self.pool = View(self.pools, POOL, counts)
        self.position = View(self.positions, POSITION, counts)
