"""Kernel of the pool over all paths, each on its own.

Every kernel fills ``status`` (codes of :class:`~simulator.types.Status`), ``amount_in`` and
``amount_out`` ``[P]``, in raw or whole units as each says. A path not asked is left alone; a path
refused is left bit for bit as it was.
"""

from __future__ import annotations

from simulator.types import Booleans, Codes, Floats
from simulator.world.model.codes import INSUFFICIENT_BALANCE, OK, SLIPPAGE
from simulator.world.model.jit import kernel
from simulator.world.model.parameters import (
    PoolTable,
)
from simulator.world.model.pool import limit_passed, quote, settle
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.state import (
    PoolState,
    PositionState,
    WalletState,
)
from simulator.world.model.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE


@kernel
def swap(
    table: PoolTable,
    pool: PoolState,
    position: PositionState,
    wallet: WalletState,
    agent: int,
    base_asset: int,
    sells_base: Booleans,
    amount: Floats,
    sqrt_limit: Floats,
    minimum_out: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """SwapRouter.exactInputSingle of ``amount`` raw (0 = not asked); ``sqrt_limit`` 0 = none."""
    for i in range(amount.size):
        if amount[i] <= 0.0:
            continue
        down = sells_base[i]
        limit = sqrt_limit[i]
        if limit == 0.0:
            limit = MIN_SQRT_PRICE if down else MAX_SQRT_PRICE
        limit = min(max(limit, MIN_SQRT_PRICE), MAX_SQRT_PRICE)
        if limit_passed(pool.sqrt_price[i], down, limit):
            status[i] = SLIPPAGE
            continue
        swapped = quote(table, pool, position, i, down, True, amount[i], limit)
        given = base_asset if down else USDC_ASSET
        taken = USDC_ASSET if down else base_asset
        if wallet.token[agent, given, i] < swapped.amount_in:
            status[i] = INSUFFICIENT_BALANCE
            continue
        if swapped.amount_out < minimum_out[i]:
            status[i] = SLIPPAGE
            continue
        settle(pool, position, i, down, swapped)
        wallet.token[agent, given, i] -= swapped.amount_in
        wallet.token[agent, taken, i] += swapped.amount_out
        status[i] = OK
        amount_in[i] = swapped.amount_in
        amount_out[i] = swapped.amount_out
