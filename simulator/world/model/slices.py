"""``transfer_slice``: part of an account changes hands, no price read (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.clearing import next_opening
from simulator.world.model.codes import ACCOUNT_IN_USE, OK, ZERO_AMOUNT
from simulator.world.model.jit import inner
from simulator.world.model.margin import has_position
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.pool import burn_part
from simulator.world.model.portfolio import has_pledge
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import ClearingState, PoolState

_LEAST_SLICE = 100.0  # USD at entry, of the positions that go with a part of an account


@inner
def _move_position(
    clearing: ClearingState, giver: int, receiver: int, market: int, fraction: float, i: int
) -> None:
    """Move ``fraction`` of a position; the rest keeps its entry, its cost in proportion."""
    size, cost = clearing.size[giver, market, i], clearing.cost[giver, market, i]
    moved = size if fraction >= 1.0 else fraction * size
    moved_cost = cost if fraction >= 1.0 else fraction * cost
    clearing.size[receiver, market, i] = moved
    clearing.cost[receiver, market, i] = moved_cost
    clearing.funding_entry[receiver, market, i] = clearing.funding_entry[giver, market, i]
    clearing.loss_entry[receiver, market, i] = clearing.loss_entry[giver, market, i]
    clearing.opened[receiver, market, i] = next_opening(clearing, market, i)
    clearing.size[giver, market, i] = size - moved
    clearing.cost[giver, market, i] = cost - moved_cost
    if moved == size:
        clearing.funding_entry[giver, market, i] = 0.0
        clearing.loss_entry[giver, market, i] = 0.0
        clearing.opened[giver, market, i] = 0.0


@inner
def transfer_slice(
    table: ClearingTable,
    clearing: ClearingState,
    pool: PoolState,
    giver: int,
    receiver: int,
    fraction: float,
    i: int,
) -> int:
    """``ClearingHouse.transfer_slice`` of ``fraction`` (0 < f ≤ 1): status.

    The caller restores the path when refused.
    """
    if has_position(clearing, receiver, i) or clearing.cash[receiver, i] < 0.0:
        return ACCOUNT_IN_USE
    if fraction < 1.0 and has_position(clearing, giver, i):
        worth = 0.0
        for market in range(table.asset.size):
            worth += abs(fraction * clearing.cost[giver, market, i])
        if worth < _LEAST_SLICE:
            return ZERO_AMOUNT
    for market in range(table.asset.size):
        if clearing.size[giver, market, i] != 0.0:
            _move_position(clearing, giver, receiver, market, fraction, i)
    cash = clearing.cash[giver, i]
    moved = cash if fraction >= 1.0 else fraction * cash
    clearing.cash[giver, i] = cash - moved
    clearing.cash[receiver, i] += moved
    if moved < 0.0:
        for key in range(clearing.blamed.shape[1]):
            clearing.blamed[receiver, key, i] = clearing.blamed[giver, key, i]
    for collateral in range(1, table.collateral_asset.size):
        raw = floor_raw(fraction * clearing.collateral[giver, collateral, i])
        clearing.collateral[giver, collateral, i] -= raw
        clearing.collateral[receiver, collateral, i] += raw
    if has_pledge(table, clearing, giver, i):
        liquidity = clearing.pledge.liquidity[i]
        burnt = liquidity if fraction >= 1.0 else np.floor(fraction * liquidity)
        if burnt == 0.0:
            return OK
        base, usdc = burn_part(pool, clearing.pledge, i, burnt, fraction)
        clearing.cash[receiver, i] += usdc / table.usdc_unit
        clearing.total_collateral[0, i] += usdc
        clearing.collateral[receiver, table.base_collateral, i] += base
        clearing.total_collateral[table.base_collateral, i] += base
    return OK
