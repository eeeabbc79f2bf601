"""Portfolio margin: pledged liquidity, exposures, risk of an account (contracts/SPEC.md §3.4).

R = |Wᵀn| = √(nᵀΣn), n the signed USD exposures by risk asset and W the posted covariance factor.
Only the vault pledges: its position in the pool backs account 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.pools.uniswap_v3.tick import amounts_for_liquidity
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE

# Every asset list starts with USDC and the pool's base asset (Protocol.assets).
USDC_ASSET = 0
BASE_ASSET = 1


@inner
def root_at_oracle(w: Path, base_unit: float, usdc_unit: float) -> float:
    """√P_o: sqrt(raw USDC / raw base) at the oracle's prices."""
    oracle = w.now
    ratio = oracle.price[BASE_ASSET] / oracle.price[USDC_ASSET]
    return np.sqrt(ratio * (usdc_unit / base_unit))


@inner
def is_isolated(w: Path, account: int) -> bool:
    """Whether it is one of the vault's accounts of a single market (world/protocol.py)."""
    return 0 < account <= w.tables.count.markets


@inner
def has_pledge(w: Path, account: int) -> bool:
    """Whether liquidity backs the account."""
    table = w.tables.clearing
    return table.pledged and account == 0 and w.state.position.liquidity > 0.0


@inner
def pledge_value(w: Path, position: Record) -> tuple[float, float]:
    """USD of the base asset and of the USDC in a position at the oracle √P, principal only."""
    table, oracle = w.tables.clearing, w.now
    base, usdc = amounts_for_liquidity(
        root_at_oracle(w, table.base_unit, table.usdc_unit),
        position.sqrt_lower,
        position.sqrt_upper,
        position.liquidity,
    )
    return (
        np.floor(base) / table.base_unit * oracle.price[BASE_ASSET],
        np.floor(usdc) / table.usdc_unit * oracle.price[USDC_ASSET],
    )


@inner
def row_norm(w: Path, row: int) -> float:
    """Standard deviation of a risk asset's daily return, up to a whole unit of its entries.

    The contract takes the root of a sum of integers, and a stable coin's row can be a few of them.
    """
    clearing = w.state.clearing
    squared = 0.0
    for column in range(FACTOR_COLUMNS):
        squared += np.rint(clearing.covariance[row, column] * FACTOR_SCALE) ** 2
    return np.ceil(np.sqrt(squared)) / FACTOR_SCALE


@inner
def _loading(
    w: Path,
    account: int,
    usdc: float,
    base: float,
    column: int,
) -> float:
    """One of the 8 numbers v = Wᵀn, USD."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    factor = clearing.covariance
    total = factor[0, column] * usdc
    for market in range(w.tables.count.markets):
        size = clearing.size[account, market]
        if size != 0.0:
            price = oracle.price[table.asset[market]]
            total += factor[table.market_row[market], column] * size * price
    for collateral in range(1, w.tables.count.collaterals):
        raw = clearing.collateral[account, collateral]
        if raw > 0.0:
            price = oracle.price[table.collateral_asset[collateral]]
            usd = raw / table.unit[collateral] * price
            total += factor[table.collateral_row[collateral], column] * usd
    if base > 0.0:
        total += factor[table.base_row, column] * base
    return total


class Direction(NamedTuple):
    """In which exposures v move: z = weight·W_row + usdc·W_USDC, USD."""

    row: int
    weight: float
    usdc: float


class Along(NamedTuple):
    """Risk seen from a direction; zeros where there is none."""

    squared: float  # R²
    along: float  # z·v
    length: float  # |z|²


@inner
def risk_along(w: Path, account: int, usdc: float, base: float, direction: Direction) -> Along:
    """What a move of exposures does to the risk of an account.

    ``usdc``, ``base``: exposure to USDC, and to the base asset in pledged liquidity, USD.
    """
    clearing = w.state.clearing
    squared = along = length = 0.0
    for column in range(FACTOR_COLUMNS):
        v = _loading(w, account, usdc, base, column)
        z = direction.weight * clearing.covariance[direction.row, column]
        z += direction.usdc * clearing.covariance[0, column]
        squared += v * v
        along += z * v
        length += z * z
    return Along(squared, along, length)
