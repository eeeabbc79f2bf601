"""Kernels over all paths: one per action, each path on its own.

Every kernel fills ``status`` (codes of :class:`~simulator.types.Status`), ``amount_in`` and
``amount_out`` ``[P]``, in raw or whole units as each says. A path not asked is left alone; a path
refused is left bit for bit as it was.
"""

from __future__ import annotations

from simulator.types import Booleans, Codes, Floats
from simulator.world.model import (
    clearing,
    in_kind,
    keeping,
    lending,
    liquidation,
    queue,
    recentring,
    seizure,
    shares,
)
from simulator.world.model.codes import INSUFFICIENT_BALANCE, OK, SLIPPAGE
from simulator.world.model.jit import inner, kernel
from simulator.world.model.parameters import (
    AaveTable,
    ClearingTable,
    PoolTable,
    Tables,
    VaultTable,
)
from simulator.world.model.pool import limit_passed, quote, settle
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.state import (
    ClearingState,
    Oracle,
    PoolState,
    PositionState,
    State,
    VaultState,
    WalletState,
)
from simulator.world.model.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE

REBALANCE, RECENTER, TOP_UP, DELEVERAGE = 0, 1, 2, 3

_trade = clearing.trade
_deposit_margin = clearing.deposit
_withdraw_margin = clearing.withdraw
_liquidate = liquidation.liquidate
_liquidate_collateral = seizure.liquidate_collateral
_liquidate_pledge = seizure.liquidate_pledge
_liquidate_loan = lending.liquidate
_deposit = shares.deposit
_redeem = shares.redeem
_request_redeem = queue.request_redeem
_cancel_request = queue.cancel_request
_settle = queue.settle
_redeem_in_kind = in_kind.redeem_in_kind
_rebalance = keeping.rebalance
_top_up = keeping.top_up
_deleverage = keeping.deleverage
_pay_reward = keeping.pay_reward
_post_betas = keeping.post_betas
_recenter = recentring.recenter


@inner
def _copy_column(buffer: Floats, i: int, saved: Floats) -> None:
    for row in range(saved.size):
        saved[row] = buffer[row, i]


@inner
def _restore_column(buffer: Floats, i: int, saved: Floats) -> None:
    for row in range(saved.size):
        buffer[row, i] = saved[row]


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
            if state.total_collateral[collateral, i] + raw[i] <= table.cap[collateral] and (
                wallet.token[agent, asset, i] < raw[i]
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
            _copy_column(state.buffer, i, saved)
            status[i], amount_in[i], amount_out[i] = _liquidate(
                table, state.clearing, oracle, account, market, liquidator, i
            )
            if status[i] != OK:
                _restore_column(state.buffer, i, saved)


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
            _copy_column(state.buffer, i, saved)
            status[i], amount_out[i], amount_in[i] = _liquidate_pledge(
                table, state.clearing, state.pool, oracle, account, liquidator, i
            )
            if status[i] != OK:
                _restore_column(state.buffer, i, saved)


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
        _copy_column(state.buffer, i, saved)
        code, paid, taken = _liquidate_loan(table, state.aave, oracle, leg, cover[i], i)
        if code == OK and state.wallet.token[agent, asset, i] < paid:
            code = INSUFFICIENT_BALANCE
        status[i] = code
        if code != OK:
            _restore_column(state.buffer, i, saved)
            continue
        state.wallet.token[agent, asset, i] -= paid
        state.wallet.token[agent, USDC_ASSET, i] += taken
        amount_in[i], amount_out[i] = paid, taken


@kernel
def post_covariance(clearing: ClearingState, factor: Floats, when: Booleans, status: Codes) -> None:
    """Covariance factor ``[A, 8, P]`` posted by the risk role; the gross rule keeps none."""
    for i in range(when.size):
        if when[i]:
            status[i] = OK
            for row in range(clearing.covariance.shape[0]):
                for column in range(clearing.covariance.shape[1]):
                    clearing.covariance[row, column, i] = factor[row, column, i]


@kernel
def liquidate_collateral(
    table: ClearingTable,
    state: ClearingState,
    oracle: Oracle,
    account: int,
    collateral: int,
    liquidator: int,
    raw: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Collateral bought for an account's debt: USDC paid, raw units taken."""
    for i in range(raw.size):
        if raw[i] > 0.0:
            status[i], amount_out[i], amount_in[i] = _liquidate_collateral(
                table, state, oracle, account, collateral, raw[i], liquidator, i
            )


@kernel
def deposit(
    tables: Tables,
    state: State,
    oracle: Oracle,
    agent: int,
    assets: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """ERC-4626 deposits: raw USDC in, raw shares out."""
    for i in range(assets.size):
        if assets[i] > 0.0:
            status[i], amount_out[i] = _deposit(tables, state, oracle, agent, assets[i], i)
            if status[i] == OK:
                amount_in[i] = assets[i]


@kernel
def redeem(
    tables: Tables,
    state: State,
    oracle: Oracle,
    agent: int,
    burnt: Floats,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """ERC-4626 redemptions: raw shares in, raw USDC out. ``saved``: scratch, one column."""
    for i in range(burnt.size):
        if burnt[i] > 0.0:
            _copy_column(state.buffer, i, saved)
            status[i], amount_out[i] = _redeem(tables, state, oracle, agent, burnt[i], i)
            if status[i] == OK:
                amount_in[i] = burnt[i]
            else:
                _restore_column(state.buffer, i, saved)


@kernel
def request_redeem(
    vault: VaultState,
    wallet: WalletState,
    agent: int,
    shares: Floats,
    status: Codes,
    amount_in: Floats,
) -> None:
    """Requests to redeem: raw shares to the end of the line."""
    for i in range(shares.size):
        if shares[i] > 0.0:
            status[i] = _request_redeem(vault, wallet, agent, shares[i], i)
            if status[i] == OK:
                amount_in[i] = shares[i]


@kernel
def cancel_request(
    vault: VaultState,
    wallet: WalletState,
    agent: int,
    when: Booleans,
    status: Codes,
    amount_in: Floats,
) -> None:
    """Requests taken back: raw shares."""
    for i in range(when.size):
        if when[i]:
            status[i], amount_in[i] = _cancel_request(vault, wallet, agent, i)


@kernel
def settle_withdrawals(
    tables: Tables,
    state: State,
    oracle: Oracle,
    fraction: Floats,
    when: Booleans,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Settlements of the queue: raw shares burnt, raw USDC paid. ``saved``: scratch, one column."""
    for i in range(when.size):
        if not when[i]:
            continue
        _copy_column(state.buffer, i, saved)
        status[i], amount_in[i], amount_out[i] = _settle(tables, state, oracle, fraction[i], i)
        if status[i] != OK:
            _restore_column(state.buffer, i, saved)


@kernel
def redeem_in_kind(
    tables: Tables,
    state: State,
    oracle: Oracle,
    agent: int,
    account: int,
    burnt: Floats,
    saved: Floats,
    status: Codes,
    amount_in: Floats,
    amount_out: Floats,
) -> None:
    """Exits in kind to ``account`` (-1: the agent has none): raw shares in, fraction of the vault.

    ``saved``: scratch, one column.
    """
    for i in range(burnt.size):
        if burnt[i] > 0.0:
            _copy_column(state.buffer, i, saved)
            status[i], amount_out[i] = _redeem_in_kind(
                tables, state, oracle, agent, account, burnt[i], i
            )
            if status[i] == OK:
                amount_in[i] = burnt[i]
            else:
                _restore_column(state.buffer, i, saved)


@kernel
def keep(
    tables: Tables,
    state: State,
    oracle: Oracle,
    task: int,
    agent: int,
    when: Booleans,
    saved: Floats,
    status: Codes,
    amount_out: Floats,
) -> None:
    """One of the vault's keeper functions: raw USDC of reward. ``saved``: scratch, one column."""
    for i in range(when.size):
        if not when[i]:
            continue
        _copy_column(state.buffer, i, saved)
        if task == REBALANCE:
            code, protected = _rebalance(tables, state, oracle, i)
        elif task == RECENTER:
            code, protected = _recenter(tables, state, oracle, i)
        elif task == TOP_UP:
            code, protected = _top_up(tables, state, oracle, i)
        else:
            code, protected = _deleverage(tables, state, oracle, i)
        status[i] = code
        if code == OK:
            amount_out[i] = _pay_reward(
                tables.vault, state.vault, state.wallet, agent, protected, i
            )
        else:
            _restore_column(state.buffer, i, saved)


@kernel
def post_betas(
    table: VaultTable,
    vault: VaultState,
    oracle: Oracle,
    betas: Floats,
    when: Booleans,
    status: Codes,
) -> None:
    """Betas ``[M, P]`` posted by the risk role."""
    for i in range(when.size):
        if when[i]:
            status[i] = _post_betas(table, vault, oracle.clock[0], betas, i)
