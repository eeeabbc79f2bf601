"""What an agent has at index prices: the NAV of a strategy that is not the vault's."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.pools.uniswap_v3.tick import amounts_for_liquidity
from simulator.model.vault.at_index import accounts_at_index, value_at_index
from simulator.model.vault.fees import VIRTUAL_SHARES
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET


@inner
def provided_at_index(w: Path, agent: int) -> float:
    """USD of an agent's positions in the pool at the index √P, uncollected fees with them."""
    pool, unit, index = w.state.pool, w.tables.oracle.unit, w.now.index
    usdc_price, base_price = index[USDC_ASSET], index[BASE_ASSET]
    root = np.sqrt(base_price / usdc_price * (unit[USDC_ASSET] / unit[BASE_ASSET]))
    first, worth = w.tables.agent.first_position[agent], 0.0
    for place in range(first, first + w.tables.agent.positions[agent]):
        if pool.provided[place] > 0.0:
            base, usdc = amounts_for_liquidity(
                root,
                pool.provided_root_lower[place],
                pool.provided_root_upper[place],
                pool.provided[place],
            )
            base += np.floor(pool.provided_fees0[place])
            usdc += np.floor(pool.provided_fees1[place])
            worth += base / unit[BASE_ASSET] * base_price + usdc / unit[USDC_ASSET] * usdc_price
    return worth


@inner
def worth_at_index(w: Path, agent: int) -> float:
    """USD: wallet, positions in the pool, margin account (less what it owes), vault shares."""
    wallet, index = w.state.wallet, w.now.index
    worth = provided_at_index(w, agent)
    for asset in range(w.tables.count.assets):
        worth += wallet.token[agent, asset] / w.tables.oracle.unit[asset] * index[asset]
    account = w.tables.agent.account[agent]
    if account >= 0:
        worth += accounts_at_index(w, account, account + 1)
    # Those it has asked to have redeemed are its own until they are paid.
    shares = wallet.shares[agent] + w.state.vault.request[agent]
    if shares > 0.0:
        worth += value_at_index(w) * shares / (w.state.vault.shares + VIRTUAL_SHARES)
    return worth
