"""``transfer_slice``: part of an account changes hands, no price read (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import ACCOUNT_IN_USE, OK, ZERO_AMOUNT
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.pools.uniswap_v3.pool import burn_part
from simulator.model.venues.perps.clearing import next_opening
from simulator.model.venues.perps.margin import has_position
from simulator.model.venues.perps.portfolio import has_pledge

_LEAST_SLICE = 100.0  # USD at entry, of the positions that go with a part of an account


@inner
def _move_position(w: Path, giver: int, receiver: int, market: int, fraction: float) -> None:
    """Move ``fraction`` of a position; the rest keeps its entry, its cost in proportion."""
    clearing = w.state.clearing
    size, cost = clearing.size[giver, market], clearing.cost[giver, market]
    moved = size if fraction >= 1.0 else fraction * size
    moved_cost = cost if fraction >= 1.0 else fraction * cost
    clearing.size[receiver, market] = moved
    clearing.cost[receiver, market] = moved_cost
    clearing.funding_entry[receiver, market] = clearing.funding_entry[giver, market]
    clearing.loss_entry[receiver, market] = clearing.loss_entry[giver, market]
    clearing.opened[receiver, market] = next_opening(w, market)
    clearing.size[giver, market] = size - moved
    clearing.cost[giver, market] = cost - moved_cost
    if moved == size:
        clearing.funding_entry[giver, market] = 0.0
        clearing.loss_entry[giver, market] = 0.0
        clearing.opened[giver, market] = 0.0


@inner
def transfer_slice(
    w: Path,
    giver: int,
    receiver: int,
    fraction: float,
) -> int:
    """``ClearingHouse.transfer_slice`` of ``fraction`` (0 < f ≤ 1): status.

    The caller restores the path when refused.
    """
    table, clearing = w.tables.clearing, w.state.clearing
    if has_position(w, receiver) or clearing.cash[receiver] < 0.0:
        return ACCOUNT_IN_USE
    if fraction < 1.0 and has_position(w, giver):
        worth = 0.0
        for market in range(w.tables.count.markets):
            worth += abs(fraction * clearing.cost[giver, market])
        if worth < _LEAST_SLICE:
            return ZERO_AMOUNT
    for market in range(w.tables.count.markets):
        if clearing.size[giver, market] != 0.0:
            _move_position(w, giver, receiver, market, fraction)
    cash = clearing.cash[giver]
    moved = cash if fraction >= 1.0 else fraction * cash
    clearing.cash[giver] = cash - moved
    clearing.cash[receiver] += moved
    if moved < 0.0:
        for key in range(2 * w.tables.count.markets):
            clearing.blamed[receiver, key] = clearing.blamed[giver, key]
    for collateral in range(1, w.tables.count.collaterals):
        raw = floor_raw(fraction * clearing.collateral[giver, collateral])
        clearing.collateral[giver, collateral] -= raw
        clearing.collateral[receiver, collateral] += raw
    if has_pledge(w, giver):
        liquidity = w.state.position.liquidity
        burnt = liquidity if fraction >= 1.0 else np.floor(fraction * liquidity)
        if burnt == 0.0:
            return OK
        base, usdc = burn_part(w.state.pool, w.state.position, burnt, fraction)
        clearing.cash[receiver] += usdc / table.usdc_unit
        clearing.total_collateral[0] += usdc
        clearing.collateral[receiver, table.base_collateral] += base
        clearing.total_collateral[table.base_collateral] += base
    return OK
