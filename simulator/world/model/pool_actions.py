"""Swaps on all paths: what an agent asks, in raw units, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world import actions
from simulator.world.actions import Fill
from simulator.world.model import batch_pool as batch
from simulator.world.model.core import Core, Operations, check, floats
from simulator.world.model.parameters import pool_table
from simulator.world.model.portfolio import BASE_ASSET
from simulator.world.model.state import PoolState, PositionState
from simulator.world.units import (
    raw_or_all,
    sqrt_price_from_price,
    to_raw,
)

if TYPE_CHECKING:
    from simulator.world.model.parameters import PoolTable


@dataclass(frozen=True, eq=False)
class PoolActions:
    """Swaps in the pool of the LP leg, and in those of Aave legs."""

    core: Core

    def operations(self) -> Operations:
        """By kind of action."""
        return {
            actions.Swap: self._swap,
        }

    def _swap(self, action: actions.Swap, fill: Fill) -> Fill:
        amount = self.core.finite(action, "amount")
        sells_base = amount > 0.0
        wallet = self.core.state.wallet.token[action.actor]
        asset, table, pool, position = self._pool(action.leg)
        base = self.core.decimals[asset]
        raw = np.where(
            sells_base,
            raw_or_all(amount, wallet[asset], base),
            raw_or_all(-amount, wallet[0], USDC_DECIMALS),
        )
        minimum = self.core.finite(action, "minimum_out")
        batch.swap(
            table,
            pool,
            position,
            self.core.state.wallet,
            action.actor,
            asset,
            sells_base,
            raw,
            floats(sqrt_price_from_price(self.core.finite(action, "price_limit"), base)),
            np.where(sells_base, to_raw(minimum, USDC_DECIMALS), to_raw(minimum, base)),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        given = np.where(sells_base, 10.0**base, 10.0**USDC_DECIMALS)
        taken = np.where(sells_base, 10.0**USDC_DECIMALS, 10.0**base)
        return Fill(fill.status, fill.amount_in / given, fill.amount_out / taken)

    def _pool(self, leg: int | None) -> tuple[int, PoolTable, PoolState, PositionState]:
        """(token 0, constants, state, the vault's position) of the pool, or of a leg's."""
        if leg is None or self.core.protocol.aave is None:
            return BASE_ASSET, self.core.tables.pool, self.core.state.pool, self.core.state.position
        check("leg", leg, len(self.core.protocol.aave.legs))
        aave = self.core.state.aave
        pool = PoolState(*(getattr(aave, name)[leg] for name in PoolState._fields))
        nothing = PositionState(*(aave.nothing[0] for _ in PositionState._fields))
        parameters = self.core.protocol.aave.legs[leg]
        return parameters.reserve.asset, pool_table(parameters.pool), pool, nothing
