"""ModelWorld: the protocol in float64 on all paths of a chunk at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.model.clearing_actions import ClearingActions
from simulator.world.model.core import Core, floats
from simulator.world.model.covariance import arrive
from simulator.world.model.depth import set_skew_scale
from simulator.world.model.genesis import genesis
from simulator.world.model.observe import ModelObservation
from simulator.world.model.parameters import tables_of
from simulator.world.model.pool import set_depth
from simulator.world.model.pool_actions import PoolActions
from simulator.world.model.state import Oracle
from simulator.world.model.vault_actions import VaultActions

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


class ModelWorld(World):
    """P paths of the protocol, float64; see contracts/SPEC.md for every number.

    Refusals restore the path bit for bit; paths never mix, so path *i* is the same whatever P.
    """

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        self.protocol = protocol
        self.market = market
        self._tables = tables_of(protocol)
        self._state = genesis(protocol, self._tables, market.pool_depth[0])
        assets, paths = len(protocol.assets), market.paths
        self._oracle = Oracle(
            np.ascontiguousarray(market.oracle_price[:, 0]).copy(),
            np.ascontiguousarray(market.oracle_time[:, 0]).copy(),
            np.array(protocol.oracle_max_age, np.float64),
            np.zeros(1),
        )
        if self._oracle.price.shape != (assets, paths):
            raise InputError(
                f"market.oracle_price: {self._oracle.price.shape[0]} assets; "
                f"allowed: {assets}, those of the protocol"
            )
        self._observation: Observation | None = None
        saved = np.empty(self._state.buffer.shape[0])
        core = Core(protocol, paths, self._tables, self._state, self._oracle, saved)
        self._operations = {
            **PoolActions(core).operations(),
            **ClearingActions(core).operations(),
            **VaultActions(core).operations(),
        }

    def advance(self, step: int) -> None:
        """Oracle rounds, pool depth and venue depth of ``step``."""
        market = self.market
        self._oracle.clock[0] = step * market.step_seconds
        self._oracle.price[:] = market.oracle_price[:, step]
        self._oracle.updated_at[:] = market.oracle_time[:, step]
        set_depth(self._tables.pool, self._state.pool, floats(market.pool_depth[step]))
        set_skew_scale(
            self._tables.clearing,
            self._state.clearing,
            self._oracle,
            floats(market.perp_depth[step]),
        )
        arrive(self._state.clearing, self._oracle.clock[0])
        self._observation = None

    def execute(self, action: Action) -> Fill:
        """Carry out ``action``; raises :class:`InputError` on an action no world understands."""
        operation = self._operations.get(type(action))
        if operation is None:
            raise InputError(f"action: {type(action).__name__}; allowed: those of world.actions")
        if not 0 <= action.actor < len(self.protocol.agents):
            raise InputError(
                f"actor: {action.actor}; allowed: 0 to {len(self.protocol.agents) - 1}"
            )
        self._observation = None
        return operation(action, Fill.empty(self.market.paths))

    def observe(self) -> Observation:
        """The state now; fields are computed when first read."""
        if self._observation is None:
            self._observation = ModelObservation(self._tables, self._state, self._oracle)
        return self._observation

    def snapshot(self) -> Floats:
        """A copy of every state variable, ``[variables, paths]``."""
        return self._state.buffer.copy()

    def restore(self, snapshot: Floats) -> None:
        """Return to a :meth:`snapshot` taken at the same step."""
        self._state.buffer[:] = snapshot
        self._observation = None
