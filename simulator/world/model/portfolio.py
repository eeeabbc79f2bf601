"""Portfolio margin: pledged liquidity, exposures, risk of an account (contracts/SPEC.md §3.4).

R = |Wᵀn| = √(nᵀΣn), n the signed USD exposures by risk asset and W the posted covariance factor.
Only the vault pledges: its position in the pool backs account 0.
"""

from __future__ import annotations

import numpy as np

from simulator.world.model.jit import inner
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.state import ClearingState, Oracle, PositionState
from simulator.world.model.tick import amounts_for_liquidity
from simulator.world.protocol import FACTOR_SCALE

# Every asset list starts with USDC and the pool's base asset (Protocol.assets).
USDC_ASSET = 0
BASE_ASSET = 1


@inner
def root_at_oracle(oracle: Oracle, base_unit: float, usdc_unit: float, i: int) -> float:
    """√P_o: sqrt(raw USDC / raw base) at the oracle's prices."""
    ratio = oracle.price[BASE_ASSET, i] / oracle.price[USDC_ASSET, i]
    return np.sqrt(ratio * (usdc_unit / base_unit))


@inner
def is_isolated(table: ClearingTable, account: int) -> bool:
    """Whether it is one of the vault's accounts of a single market (world/protocol.py)."""
    return 0 < account <= table.asset.size


@inner
def has_pledge(table: ClearingTable, clearing: ClearingState, account: int, i: int) -> bool:
    """Whether liquidity backs the account."""
    return table.pledged and account == 0 and clearing.pledge.liquidity[i] > 0.0


@inner
def pledge_value(
    table: ClearingTable, position: PositionState, oracle: Oracle, i: int
) -> tuple[float, float]:
    """USD of the base asset and of the USDC in a position at the oracle √P, principal only."""
    base, usdc = amounts_for_liquidity(
        root_at_oracle(oracle, table.base_unit, table.usdc_unit, i),
        position.sqrt_lower[i],
        position.sqrt_upper[i],
        position.liquidity[i],
    )
    return (
        np.floor(base) / table.base_unit * oracle.price[BASE_ASSET, i],
        np.floor(usdc) / table.usdc_unit * oracle.price[USDC_ASSET, i],
    )


@inner
def row_norm(clearing: ClearingState, row: int, i: int) -> float:
    """Standard deviation of a risk asset's daily return, up to a whole unit of its entries.

    The contract takes the root of a sum of integers, and a stable coin's row can be a few of them.
    """
    squared = 0.0
    for column in range(clearing.covariance.shape[1]):
        squared += np.rint(clearing.covariance[row, column, i] * FACTOR_SCALE) ** 2
    return np.ceil(np.sqrt(squared)) / FACTOR_SCALE


@inner
def _loading(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    usdc: float,
    base: float,
    column: int,
    i: int,
) -> float:
    """One of the 8 numbers v = Wᵀn, USD."""
    factor = clearing.covariance
    total = factor[0, column, i] * usdc
    for market in range(table.asset.size):
        size = clearing.size[account, market, i]
        if size != 0.0:
            price = oracle.price[table.asset[market], i]
            total += factor[table.market_row[market], column, i] * size * price
    for collateral in range(1, table.collateral_asset.size):
        raw = clearing.collateral[account, collateral, i]
        if raw > 0.0:
            price = oracle.price[table.collateral_asset[collateral], i]
            usd = raw / table.unit[collateral] * price
            total += factor[table.collateral_row[collateral], column, i] * usd
    if base > 0.0:
        total += factor[table.base_row, column, i] * base
    return total


@inner
def risk_along(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    usdc: float,
    base: float,
    row: int,
    weight: float,
    usdc_weight: float,
    i: int,
) -> tuple[float, float, float]:
    """R², z·v and |z|² for z = weight·W_row + usdc_weight·W_USDC.

    ``usdc``, ``base``: exposure to USDC, and to the base asset in pledged liquidity, USD.
    """
    squared = along = length = 0.0
    for column in range(clearing.covariance.shape[1]):
        v = _loading(table, clearing, oracle, account, usdc, base, column, i)
        z = weight * clearing.covariance[row, column, i]
        z += usdc_weight * clearing.covariance[0, column, i]
        squared += v * v
        along += z * v
        length += z * z
    return squared, along, length
