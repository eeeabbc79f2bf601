"""ModelWorld: the protocol in float64 on all paths of a chunk at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.model import orders
from simulator.world.model.covariance import arrive
from simulator.world.model.depth import set_skew_scale
from simulator.world.model.genesis import genesis
from simulator.world.model.jit import kernel
from simulator.world.model.observe import ModelObservation
from simulator.world.model.parameters import tables_of
from simulator.world.model.pool import set_depth
from simulator.world.model.record import Path, Record, View, dtype_of
from simulator.world.model.state import MOMENT
from simulator.world.model.verbs import submit

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


@kernel
def _advance(tables: Record, states: Record, moments: Record) -> None:
    """What happens at a step before anybody acts: depths, and the ramp of the covariance."""
    for i in range(states.size):
        w = Path(tables[0], states[i], moments[i], states[i])
        set_depth(w.tables.pool, w.state.pool, w.now.pool_depth)
        set_skew_scale(w)
        arrive(w)


@kernel
def _execute(tables: Record, states: Record, moments: Record, asked: Record, saved: Record) -> None:
    """Carry out the orders of the paths that have one."""
    for i in range(states.size):
        if asked[i].kind != 0:
            submit(Path(tables[0], states[i], moments[i], saved[0]), asked[i])


class ModelWorld(World):
    """P paths of the protocol, float64; see contracts/SPEC.md for every number.

    Refusals restore the path bit for bit; paths never mix, so path *i* is the same whatever P.
    """

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        self.protocol = protocol
        self.market = market
        found, wanted = market.oracle_price.shape[0], len(protocol.assets)
        if found != wanted:
            raise InputError(
                f"market.oracle_price: {found} assets; allowed: {wanted}, those of the protocol"
            )
        self._tables = tables_of(protocol)
        room = self._tables.counts.room()
        self._moments = np.zeros(market.paths, dtype_of(MOMENT, room))
        self._now = View(self._moments, MOMENT, self._tables.counts)
        self._read_market(0)
        self._records, self._state = genesis(protocol, self._tables, self._moments)
        self._saved = np.zeros(1, self._records.dtype)
        self._orders = orders.blank(market.paths, room)
        self._observation: Observation | None = None

    def _read_market(self, step: int) -> None:
        market = self.market
        self._now.clock[:] = step * market.step_seconds
        self._now.price[:] = market.oracle_price[:, step]
        self._now.updated_at[:] = market.oracle_time[:, step]
        self._now.pool_depth[:] = market.pool_depth[step]
        self._now.perp_depth[:] = market.perp_depth[step]

    def advance(self, step: int) -> None:
        """Oracle rounds, pool depth and venue depth of ``step``."""
        self._read_market(step)
        _advance(self._tables.record, self._records, self._moments)
        self._observation = None

    def execute(self, action: Action) -> Fill:
        """Carry out ``action``; raises :class:`InputError` on an action no world understands."""
        if type(action) not in orders.CODE:
            raise InputError(f"action: {type(action).__name__}; allowed: those of world.actions")
        if not 0 <= action.actor < len(self.protocol.agents):
            raise InputError(
                f"actor: {action.actor}; allowed: 0 to {len(self.protocol.agents) - 1}"
            )
        self._observation = None
        orders.write(self._orders, action, self.protocol)
        _execute(self._tables.record, self._records, self._moments, self._orders, self._saved)
        return Fill(
            self._orders["status"].astype(np.int8),
            self._orders["amount_in"].copy(),
            self._orders["amount_out"].copy(),
        )

    def observe(self) -> Observation:
        """The state now; fields are computed when first read."""
        if self._observation is None:
            self._observation = ModelObservation(
                self._tables, self._records, self._state, self._moments
            )
        return self._observation

    def snapshot(self) -> Floats:
        """A copy of every state variable, ``[variables, paths]``."""
        return self._records.view(np.float64).reshape(self.market.paths, -1).T.copy()

    def restore(self, snapshot: Floats) -> None:
        """Return to a :meth:`snapshot` taken at the same step."""
        self._records.view(np.float64).reshape(self.market.paths, -1)[:] = snapshot.T
        self._observation = None
