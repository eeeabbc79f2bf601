"""Kernels of the margin venues over all paths: one per action, each path on its own.

Every kernel fills ``status`` (codes of :class:`~simulator.types.Status`), ``amount_in`` and
``amount_out`` ``[P]``, in raw or whole units as each says. A path not asked is left alone; a path
refused is left bit for bit as it was.
"""

from __future__ import annotations

from simulator.types import Booleans, Codes, Floats
from simulator.world.model import (
    clearing,
    covariance,
    lending,
    liquidation,
    seizure,
)
from simulator.world.model.codes import INSUFFICIENT_BALANCE, OK
from simulator.world.model.columns import copy_column, restore_column
from simulator.world.model.jit import kernel
from simulator.world.model.parameters import (
    AaveTable,
    ClearingTable,
)
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.state import (
    ClearingState,
    Oracle,
    State,
    WalletState,
)

_trade = clearing.trade
_deposit_margin = clearing.deposit
_has_room = clearing.has_room
_withdraw_margin = clearing.withdraw
_liquidate = liquidation.liquidate
_liquidate_collateral = seizure.liquidate_collateral
_liquidate_pledge = seizure.liquidate_pledge
_liquidate_loan = lending.liquidate
_post_covariance = covariance.post


@kernel
def trade(
    table: ClearingTable,
    state: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    size: Floats,
    limit: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Perp orders of ``size`` base units (0 = not asked): size and fill price."""
    for i in range(size.size):
        if size[i] == 0.0:
            continue
        code, fill, _ = _trade(table, state, oracle, account, market, size[i], limit[i], i)
        status[i] = code
        if code == OK:
            amount_in[i] = size[i]
            amount_out[i] = fill


@kernel
def post_margin(
    table: ClearingTable,
    state: ClearingState,
    wallet: WalletState,
    oracle: Oracle,
    agent: int,
    account: int,
    collateral: int,
    raw: Floats,
    status: Codes,
    amount_in: Floats,
) -> None:
    """Deposit (``raw`` > 0) or withdraw (< 0) collateral; moved raw units, signed."""
    asset = table.collateral_asset[collateral]
    for i in range(raw.size):
        if raw[i] > 0.0:
            if wallet.token[agent, asset, i] < raw[i] and _has_room(
                table, state, account, collateral, raw[i], i
            ):
                status[i] = INSUFFICIENT_BALANCE
                continue
            status[i] = _deposit_margin(table, state, account, collateral, raw[i], i)
        elif raw[i] < 0.0:
            status[i] = _withdraw_margin(table, state, oracle, account, collateral, -raw[i], i)
        else:
            continue
        if status[i] == OK:
            wallet.token[agent, asset, i] -= raw[i]
            amount_in[i] = raw[i]


@kernel
def liquidate(
    table: ClearingTable,
    state: State,
    oracle: Oracle,
    account: int,
    market: int,
    liquidator: int,
    when: Booleans,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Liquidations: size closed (base units) and penalty (USDC). ``saved``: one column."""
    for i in range(when.size):
        if when[i]:
            copy_column(state.buffer, i, saved)
            status[i], amount_in[i], amount_out[i] = _liquidate(
                table, state.clearing, oracle, account, market, liquidator, i
            )
            if status[i] != OK:
                restore_column(state.buffer, i, saved)


@kernel
def liquidate_collateral(
    table: ClearingTable,
    state: State,
    oracle: Oracle,
    account: int,
    collateral: int,
    liquidator: int,
    raw: Floats,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Collateral bought for an account's debt: USDC paid, raw taken. ``saved``: one column."""
    for i in range(raw.size):
        if raw[i] > 0.0:
            copy_column(state.buffer, i, saved)
            status[i], amount_out[i], amount_in[i] = _liquidate_collateral(
                table, state.clearing, oracle, account, collateral, raw[i], liquidator, i
            )
            if status[i] != OK:
                restore_column(state.buffer, i, saved)


@kernel
def liquidate_pledge(
    table: ClearingTable,
    state: State,
    oracle: Oracle,
    account: int,
    liquidator: int,
    when: Booleans,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Pledged liquidity taken: USDC paid, fraction of it. ``saved``: one column."""
    for i in range(when.size):
        if when[i]:
            copy_column(state.buffer, i, saved)
            status[i], amount_out[i], amount_in[i] = _liquidate_pledge(
                table, state.clearing, state.pool, oracle, account, liquidator, i
            )
            if status[i] != OK:
                restore_column(state.buffer, i, saved)


@kernel
def liquidate_loan(
    table: AaveTable,
    state: State,
    oracle: Oracle,
    agent: int,
    leg: int,
    cover: Floats,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Loans liquidated at Aave: raw debt repaid, raw USDC taken. ``saved``: one column."""
    asset = table.asset[leg + 1]
    for i in range(cover.size):
        if cover[i] <= 0.0:
            continue
        copy_column(state.buffer, i, saved)
        code, paid, taken = _liquidate_loan(table, state.aave, oracle, leg, cover[i], i)
        if code == OK and state.wallet.token[agent, asset, i] < paid:
            code = INSUFFICIENT_BALANCE
        status[i] = code
        if code != OK:
            restore_column(state.buffer, i, saved)
            continue
        state.wallet.token[agent, asset, i] -= paid
        state.wallet.token[agent, USDC_ASSET, i] += taken
        amount_in[i], amount_out[i] = paid, taken


@kernel
def post_covariance(
    clearing: ClearingState,
    oracle: Oracle,
    factor: Floats,
    when: Booleans,
    status: Codes,
    way: Floats,
) -> None:
    """Covariance factor ``[A, 8, P]`` posted by the risk role; the gross rule keeps none."""
    for i in range(when.size):
        if when[i]:
            status[i], way[i] = _post_covariance(clearing, factor, oracle.clock[0], i)
