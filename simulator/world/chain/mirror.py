"""The contracts' stored words as a state of the model, so that its formulas can value them.

Agents look at every account's equity and at NAV after almost every action. Asking the contracts
each time takes as long as the transactions themselves, so in process what is derived is derived
from the stored words by the formulas of the model world. The contracts' own figures are what
``ChainWorld.reported`` returns, and ``hedgesim verify`` holds the model against those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.world.model.genesis import empty
from simulator.world.model.observe import ModelObservation
from simulator.world.model.parameters import tables_of
from simulator.world.model.record import View as Fields
from simulator.world.model.record import dtype_of
from simulator.world.model.state import MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

    Groups = Callable[[str], Floats]

_OF_VAULT = frozenset(("nav", "lp_base", "lp_usdc"))
# Words of Lens.observe_lending before the legs (supplied, equity, maintenance), and for each leg
# (size, available, √P).
LOAN_WORDS, LEG_WORDS = 3, 3
# Fields of an Observation that are derived here.
DERIVED = _OF_VAULT | {
    *("funding_rate", "funding_index", "loss_long", "loss_short"),
    *("account_value", "equity", "maintenance"),
}


class Mirror:
    """A model state of the chain's paths, filled from groups of words in whole units."""

    def __init__(self, protocol: Protocol, market: MarketPaths, genesis: int) -> None:
        self.tables = tables_of(protocol)
        self.records, self.state = empty(self.tables, market.paths)
        self.moments = np.zeros(market.paths, dtype_of(MOMENT, self.tables.counts.room()))
        self._now = Fields(self.moments, MOMENT, self.tables.counts)
        self._market = market
        self._genesis = genesis
        self.advance(0)

    def advance(self, step: int) -> None:
        """Move to ``step``: the rounds the oracle has been given by then."""
        self._now.clock[:] = step * self._market.step_seconds
        self._now.price[:] = self._market.oracle_price[:, step]
        self._now.updated_at[:] = self._market.oracle_time[:, step]

    def view(self, group: Groups) -> View:
        """What follows from the words of ``group``, which must be those of now when first asked."""
        return View(self, group)

    def read_clearing(self, group: Groups) -> None:
        """Fill in the ClearingHouse, and the vault's position where that backs an account."""
        state, market = self.state.clearing, group("market")
        state.skew[:], state.skew_scale[:] = market[:, 0], market[:, 1]
        accrual = group("accrual")
        state.funding_rate[:], state.funding_index[:] = accrual[:, 0], accrual[:, 1]
        state.funding_time[:] = accrual[:, 2] - self._genesis
        backstop = group("backstop")
        state.loss_long[:], state.loss_short[:] = backstop[:, 1], backstop[:, 2]
        state.cash[:] = group("cash")
        state.collateral[:, 1:] = group("collateral") * self.tables.view.clearing.unit[1:, None]
        held = group("positions")
        state.size[:], state.cost[:] = held[:, :, 0], held[:, :, 1]
        state.funding_entry[:], state.loss_entry[:] = held[:, :, 2], held[:, :, 3]
        state.maker_cash[:] = backstop[:, 6]
        owed = state.size * state.funding_entry + np.abs(state.size) * state.loss_entry
        state.basis[:] = (state.cost - owed).sum(axis=0)
        if state.covariance.size:
            state.covariance[:] = group("covariance")
        if self.tables.view.clearing.pledged:
            self._read_place(group)

    def read_vault(self, group: Groups) -> None:
        """Fill in the vault and its position, beside its accounts."""
        table, state, position = self.tables.view.vault, self.state.vault, self.state.position
        vault, fees = group("vault"), group("fees")
        state.idle_usdc[:] = vault[1] * table.usdc_unit
        state.idle_base[:] = vault[2] * table.base_unit
        position.fees0[:], position.fees1[:] = fees[0] * table.base_unit, fees[1] * table.usdc_unit
        self._read_place(group)
        if legs := self.tables.counts.legs:
            self._read_lending(group("lending"), legs)

    def _read_lending(self, words: Floats, legs: int) -> None:
        """Balances at Aave with the interest up to now in them, so indices of one."""
        aave, units = self.state.aave, self.tables.view.aave.unit
        aave.liquidity_index[:] = aave.borrow_index[:] = 1.0
        aave.updated_at[:] = self._now.clock
        aave.supplied[:] = np.rint(words[0] * units[0])
        sizes = words[LOAN_WORDS : LOAN_WORDS + LEG_WORDS * legs : LEG_WORDS]
        aave.debt[:] = np.rint(-sizes * units[1:, None])

    def _read_place(self, group: Groups) -> None:
        position, place = self.state.position, group("place")
        position.liquidity[:] = place[0]
        position.sqrt_lower[:], position.sqrt_upper[:] = place[3], place[4]


class View:
    """One moment of a mirror: each part of the state is filled in once, when it is first needed."""

    def __init__(self, mirror: Mirror, group: Groups) -> None:
        self._mirror = mirror
        self._group = group
        self._model: ModelObservation | None = None
        self._has_vault = False

    def derive(self, name: str) -> Floats:
        """One of :data:`DERIVED`."""
        mirror = self._mirror
        if self._model is None:
            mirror.read_clearing(self._group)
            self._model = ModelObservation(
                mirror.tables, mirror.records, mirror.state, mirror.moments
            )
        if name in _OF_VAULT and not self._has_vault:
            mirror.read_vault(self._group)
            self._has_vault = True
        derived: Floats = getattr(self._model, name)
        return derived
