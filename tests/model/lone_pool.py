"""A pool by itself, with a position of the vault: records as kernels have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.world.model import pool
from simulator.world.model.jit import kernel
from simulator.world.model.parameters import POOL_TABLE, pool_values
from simulator.world.model.record import Counts, Layout, Member, Record, View, dtype_of, fill
from simulator.world.model.state import POOL, POSITION
from simulator.world.protocol import PoolParameters

STATE: Layout = (Member("pool", POOL), Member("position", POSITION))
_active_liquidity, _initialise, _quote = pool.active_liquidity, pool.initialise, pool.quote
_set_depth = pool.set_depth


@kernel
def _open(tables: Record, states: Record) -> None:
    for i in range(states.size):
        _initialise(tables[0], states[i].pool, 1.0)


@kernel
def _deepen(tables: Record, states: Record, depth: float) -> None:
    _set_depth(tables[0], states[0].pool, depth)


@kernel
def _liquidity(states: Record) -> float:
    return _active_liquidity(states[0].pool, states[0].position)


@kernel
def _ask(tables: Record, states: Record, down: bool, exact_input: bool, asked: Any) -> Any:
    return _quote(
        tables[0], states[0].pool, states[0].position, down, exact_input, asked[0], asked[1]
    )


class LonePool:
    """Opened at its first price on every path; ``pool``, ``position``: their fields ``[P]``."""

    def __init__(self, parameters: PoolParameters, paths: int = 1) -> None:
        ticks = len(parameters.initialised_ticks)
        counts = Counts(1, 1, 1, 1, 2, 0, 0, ticks)
        self.tables = np.zeros(1, dtype_of(POOL_TABLE, counts.room()))
        fill(self.tables.reshape(()), POOL_TABLE, pool_values(parameters))
        self.states = np.zeros(paths, dtype_of(STATE, counts.room()))
        view = View(self.states, STATE, counts)
        self.pool, self.position = view.pool, view.position
        _open(self.tables, self.states)

    def quote(self, down: bool, exact_input: bool, amount: float, limit: float) -> pool.Swapped:
        """What a swap on the first path would do."""
        asked = np.array([amount, limit])
        return pool.Swapped(*_ask(self.tables, self.states, down, exact_input, asked))

    def active_liquidity(self) -> float:
        """Of the first path."""
        return float(_liquidity(self.states))

    def set_depth(self, depth: float) -> None:
        """On the first path."""
        _deepen(self.tables, self.states, depth)
