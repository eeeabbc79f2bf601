"""Readings of the vault's holdings and their prices, which the attribution compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results import kernels as k
from simulator.results.lending import LoanReading

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.base import Observation, World


class Readings:
    """Takes them, one step after another: arrays ``[rows, paths]`` with rows of :mod:`kernels`.

    Attributes:
        perps: ``[M]`` the asset of each market.
    """

    def __init__(self, world: World) -> None:
        self._market, self._accounts = world.market, 1 + world.protocol.markets
        self.perps = np.array([m.asset for m in world.protocol.clearing.markets])
        self._baskets = [c.asset for c in world.protocol.clearing.collaterals[1:]]
        aave = world.protocol.aave
        self._loans = LoanReading(aave, world.market.paths) if aave is not None else None
        self._moved_on = True

    def advance(self, last: Floats, state: Observation) -> None:
        """Time has moved on since the ``last`` reading: what was interest there becomes principal.

        Call it for the very first step, too, with an empty reading.
        """
        self._moved_on = True
        if self._loans is not None and last.shape[0]:
            self._loans.advance(last, state)

    def note_collateral(self, state: Observation) -> None:
        """Read other collateral of the vault's accounts together; only its liquidation moves it."""
        self._held = state.collateral[: self._accounts, 1:].sum(axis=0)

    def read(self, state: Observation, step: int) -> Floats:
        """Holdings and prices now, copied: they outlive the observation."""
        price = self._market.oracle_price[:, step]
        extra = len(self._baskets)
        if self._moved_on:  # the funding index moves with time, not with what agents do
            self._funding_index = np.array(state.funding_index)
            self._moved_on = False
        row = np.empty((k.ROWS + 2 * extra, price.shape[1]))
        row[k.PRICE_U], row[k.PRICE_X] = price[0], price[1]
        row[k.IDLE_U], row[k.IDLE_X] = state.idle_usdc, state.idle_base
        row[k.LP_U], row[k.LP_X] = state.lp_usdc, state.lp_base
        row[k.FEES_U], row[k.FEES_X] = state.fees_usdc, state.fees_base
        k.read_perps(
            row,
            state.cash,
            state.size,
            state.cost,
            state.funding_entry,
            state.loss_entry,
            self._funding_index,
            state.loss_long,
            state.loss_short,
            price,
            self.perps,
        )
        if self._loans is not None:
            self._loans.add(row, state, price)
        if extra:
            row[k.ROWS : k.ROWS + extra] = self._held
            row[k.ROWS + extra :] = price[self._baskets]
        return row
