"""Kernels of the vault over all paths: one per action, each path on its own.

Every kernel fills ``status`` (codes of :class:`~simulator.types.Status`), ``amount_in`` and
``amount_out`` ``[P]``, in raw or whole units as each says. A path not asked is left alone; a path
refused is left bit for bit as it was.
"""

from __future__ import annotations

from simulator.types import Booleans, Codes, Floats
from simulator.world.model import (
    in_kind,
    keeping,
    queue,
    recentring,
    shares,
)
from simulator.world.model.codes import OK
from simulator.world.model.columns import copy_column, restore_column
from simulator.world.model.jit import kernel
from simulator.world.model.parameters import (
    Tables,
    VaultTable,
)
from simulator.world.model.state import (
    Oracle,
    PositionState,
    State,
    VaultState,
    WalletState,
)

REBALANCE, RECENTER, TOP_UP, DELEVERAGE = 0, 1, 2, 3

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
            copy_column(state.buffer, i, saved)
            status[i], amount_out[i] = _redeem(tables, state, oracle, agent, burnt[i], i)
            if status[i] == OK:
                amount_in[i] = burnt[i]
            else:
                restore_column(state.buffer, i, saved)


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
        copy_column(state.buffer, i, saved)
        status[i], amount_in[i], amount_out[i] = _settle(tables, state, oracle, fraction[i], i)
        if status[i] != OK:
            restore_column(state.buffer, i, saved)


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
            copy_column(state.buffer, i, saved)
            status[i], amount_out[i] = _redeem_in_kind(
                tables, state, oracle, agent, account, burnt[i], i
            )
            if status[i] == OK:
                amount_in[i] = burnt[i]
            else:
                restore_column(state.buffer, i, saved)


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
        copy_column(state.buffer, i, saved)
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
            restore_column(state.buffer, i, saved)


@kernel
def post_betas(
    table: VaultTable,
    vault: VaultState,
    position: PositionState,
    oracle: Oracle,
    betas: Floats,
    when: Booleans,
    status: Codes,
) -> None:
    """Betas ``[M, P]`` posted by the risk role."""
    for i in range(when.size):
        if when[i]:
            held = position.liquidity[i]
            status[i] = _post_betas(table, vault, held, oracle.clock[0], betas, i)
