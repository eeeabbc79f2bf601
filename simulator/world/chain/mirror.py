"""The contracts' stored words as a state of the model, so that its formulas can value them.

Agents look at every account's equity and at NAV after almost every action. Asking the contracts
each time takes as long as the transactions themselves, so in process what is derived is derived
from the stored words by the formulas of the model world. The contracts' own figures are what
``ChainWorld.reported`` returns, and ``hedgesim verify`` holds the model against those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.world.model.observe import ModelObservation
from simulator.world.model.parameters import tables_of
from simulator.world.model.state import Oracle, allocate

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

    Groups = Callable[[str], Floats]

_OF_CLEARING = ("funding_rate", "funding_index", "account_value", "equity", "maintenance")
_OF_VAULT = ("nav", "lp_base", "lp_usdc")


class Mirror:
    """A model state of the chain's paths, filled from groups of words in whole units."""

    fields = frozenset(_OF_CLEARING + _OF_VAULT)

    def __init__(self, protocol: Protocol, market: MarketPaths, genesis: int) -> None:
        self._tables = tables_of(protocol)
        self._max_age = np.array(protocol.oracle_max_age, np.float64)
        self._market = market
        self._genesis = genesis
        self._state = allocate(
            market.paths,
            segments=self._tables.pool.ticks.size + 1,
            markets=protocol.markets,
            collaterals=len(protocol.clearing.collaterals),
            accounts=protocol.accounts,
            agents=len(protocol.agents),
            assets=len(protocol.assets),
        )
        self.advance(0)

    def advance(self, step: int) -> None:
        """Move to ``step``: the rounds the oracle has been given by then."""
        self._oracle = Oracle(
            price=np.ascontiguousarray(self._market.oracle_price[:, step]),
            updated_at=np.ascontiguousarray(self._market.oracle_time[:, step]),
            max_age=self._max_age,
            clock=np.array([float(step * self._market.step_seconds)]),
        )

    def derive(self, name: str, group: Groups) -> Floats:
        """One of :attr:`fields` from the words stored now."""
        self._read_clearing(group)
        if name in _OF_VAULT:
            self._read_vault(group)
        model = ModelObservation(self._tables, self._state, self._oracle)
        return np.array(getattr(model, name))

    def _read_clearing(self, group: Groups) -> None:
        state, market = self._state.clearing, group("market")
        state.skew[:], state.skew_scale[:] = market[:, 0], market[:, 1]
        accrual = group("accrual")
        state.funding_rate[:], state.funding_index[:] = accrual[:, 0], accrual[:, 1]
        state.funding_time[:] = accrual[:, 2] - self._genesis
        state.cash[:] = group("cash")
        state.collateral[:, 1:] = group("collateral") * self._tables.clearing.unit[1:, None]
        held = group("positions")
        state.size[:], state.cost[:] = held[:, :, 0], held[:, :, 1]
        state.funding_entry[:] = held[:, :, 2]

    def _read_vault(self, group: Groups) -> None:
        table, state, position = self._tables.vault, self._state.vault, self._state.position
        vault, place, fees = group("vault"), group("place"), group("fees")
        state.idle_usdc[:] = vault[1] * table.usdc_unit
        state.idle_base[:] = vault[2] * table.base_unit
        position.liquidity[:] = place[0]
        position.sqrt_lower[:], position.sqrt_upper[:] = place[3], place[4]
        position.fees0[:], position.fees1[:] = fees[0] * table.base_unit, fees[1] * table.usdc_unit
