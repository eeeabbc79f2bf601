"""What the vault holds at index prices: its NAV, were the oracle never late."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.pools.held import amounts_by_ticks
from simulator.model.venues.aave.lending import size_of, supplied
from simulator.model.venues.perps.maker import accrued, unpaid
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET


@inner
def position_at(w: Path, root: float) -> tuple[float, float]:
    """(base, USDC) in the vault's position at a √P, raw and not rounded."""
    if w.state.position.liquidity <= 0.0:
        return 0.0, 0.0
    return amounts_by_ticks(w, root)


@inner
def _free(w: Path) -> float:
    """USD of the position at the index √P, of its fees and of what is idle."""
    table, vault, position, index = w.tables.vault, w.state.vault, w.state.position, w.now.index
    usdc, base = index[USDC_ASSET], index[BASE_ASSET]
    root = np.sqrt(base / usdc * (table.usdc_unit / table.base_unit))
    lp_base, lp_usdc = position_at(w, root)
    fees_base, fees_usdc = np.floor(position.fees0), np.floor(position.fees1)
    worth = (vault.idle_usdc + fees_usdc + lp_usdc) / table.usdc_unit * usdc
    return worth + (vault.idle_base + fees_base + lp_base) / table.base_unit * base


@inner
def _position(w: Path, account: int, market: int) -> float:
    """A position at the index less what it owes, USDC."""
    clearing, size = w.state.clearing, w.state.clearing.size[account, market]
    if size == 0.0:
        return 0.0
    _, index = accrued(w, market)
    loss = clearing.loss_long[market] if size > 0.0 else clearing.loss_short[market]
    loss += unpaid(w, market, size > 0.0) - clearing.loss_entry[account, market]
    funding = index - clearing.funding_entry[account, market]
    price = w.now.index[w.tables.clearing.asset[market]]
    return size * (price - funding) - clearing.cost[account, market] - abs(size) * loss


@inner
def accounts_at_index(w: Path, first: int, last: int) -> float:
    """Accounts at the clearing house from ``first`` to ``last``, which is none of them, USD."""
    table, clearing, index = w.tables.clearing, w.state.clearing, w.now.index
    held = other = 0.0
    for account in range(first, last):
        held += clearing.cash[account]
        for market in range(w.tables.count.markets):
            held += _position(w, account, market)
        for collateral in range(1, w.tables.count.collaterals):
            whole = clearing.collateral[account, collateral] / table.unit[collateral]
            other += whole * index[table.collateral_asset[collateral]]
    return held * index[USDC_ASSET] + other


@inner
def _loans(w: Path) -> float:
    """What the vault has on Aave less what it owes there, USD."""
    table, index = w.tables.aave, w.now.index
    if w.tables.count.legs == 0:
        return 0.0
    worth = supplied(w) / table.unit[0] * index[USDC_ASSET]
    for leg in range(w.tables.count.legs):
        worth += size_of(w, leg) * index[table.asset[leg + 1]]
    return worth


@inner
def value_at_index(w: Path) -> float:
    """USD, at least zero."""
    return max(_free(w) + accounts_at_index(w, 0, 1 + w.tables.count.markets) + _loans(w), 0.0)
