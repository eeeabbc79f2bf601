"""The line of those waiting to be paid (contracts/SPEC.md §4.3).

One open request per agent, so the line is an array ``[agents]``; who came first has the lowest
place. :func:`settle` returns a status; the caller restores the path when it is not OK.
"""

from __future__ import annotations

import numpy as np

from simulator.world.model.codes import (
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_LIQUIDITY,
    NO_REQUEST,
    NOTHING_TO_SETTLE,
    OK,
    REQUEST_PENDING,
    STALE_ORACLE,
)
from simulator.world.model.fees import fees_due, pay_fees
from simulator.world.model.jit import inner
from simulator.world.model.parameters import Tables
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.shares import queued, worth
from simulator.world.model.state import Oracle, State, VaultState, WalletState
from simulator.world.model.unwinding import draw_margin, fraction_to_raise, unwind
from simulator.world.model.valuation import total_assets

# Requests one settlement looks at: a bounded loop on chain.
_AT_ONCE = 8


@inner
def request_redeem(
    vault: VaultState, wallet: WalletState, agent: int, shares: float, i: int
) -> int:
    """``request_redeem``: the agent's raw shares go to the end of the line."""
    if vault.request[agent, i] > 0.0:
        return REQUEST_PENDING
    if wallet.shares[agent, i] < shares:
        return INSUFFICIENT_BALANCE
    wallet.shares[agent, i] -= shares
    vault.requests[i] += 1.0
    vault.request[agent, i] = shares
    vault.place[agent, i] = vault.requests[i]
    return OK


@inner
def cancel_request(vault: VaultState, wallet: WalletState, agent: int, i: int) -> tuple[int, float]:
    """``cancel_request``: (status, raw shares given back)."""
    shares = vault.request[agent, i]
    if shares <= 0.0:
        return NO_REQUEST, 0.0
    _leave(vault, agent, i)
    wallet.shares[agent, i] += shares
    return OK, shares


@inner
def _leave(vault: VaultState, agent: int, i: int) -> None:
    vault.request[agent, i] = 0.0
    vault.place[agent, i] = 0.0


@inner
def _first(vault: VaultState, i: int) -> int:
    """Agent at the head of the line, -1 when nobody waits."""
    head = -1
    for agent in range(vault.request.shape[0]):
        if vault.request[agent, i] <= 0.0:
            continue
        if head < 0 or vault.place[agent, i] < vault.place[head, i]:
            head = agent
    return head


@inner
def _owed(exit_fee: float, vault: VaultState, assets: float, i: int) -> float:
    """Raw USDC all requests are worth together."""
    shares = 0.0
    for agent in range(vault.request.shape[0]):
        shares += vault.request[agent, i]
    return worth(exit_fee, shares, assets, vault.shares[i])


@inner
def _pay(
    exit_fee: float, vault: VaultState, wallet: WalletState, assets: float, i: int
) -> tuple[float, float]:
    """Pay from idle USDC, head first, until it or the line ends: (shares burnt, USDC paid)."""
    supply = vault.shares[i]
    burnt = paid = 0.0
    for _ in range(_AT_ONCE):
        agent = _first(vault, i)
        if agent < 0:
            break
        shares = vault.request[agent, i]
        due = worth(exit_fee, shares, assets, supply)
        given = min(due, vault.idle_usdc[i])
        gone = shares if given == due else min(np.ceil(shares * given / due), shares)
        vault.idle_usdc[i] -= given
        vault.shares[i] -= gone
        wallet.token[agent, USDC_ASSET, i] += given
        burnt += gone
        paid += given
        if given < due:
            vault.request[agent, i] = shares - gone
            break
        _leave(vault, agent, i)
    return burnt, paid


@inner
def _bring_in(
    tables: Tables, state: State, oracle: Oracle, owed: float, most: float, i: int
) -> int:
    """Bring idle USDC toward what is ``owed``: spare margin, then an unwinding of ``most``."""
    vault = state.vault
    status = draw_margin(tables, state, oracle, owed, False, i)
    if status != OK or vault.idle_usdc[i] >= owed or most <= 0.0:
        return status
    fresh, fraction = fraction_to_raise(tables, state, oracle, owed, i)
    if not fresh:
        return STALE_ORACLE
    fraction = min(fraction, most)
    status, _ = unwind(tables, state, oracle, fraction, i)
    if status == OK:
        status = draw_margin(tables, state, oracle, owed, fraction >= 1.0, i)
    return status


@inner
def settle(
    tables: Tables, state: State, oracle: Oracle, most: float, i: int
) -> tuple[int, float, float]:
    """``settle_withdrawals``, unwinding at most ``most``: (status, shares burnt, USDC paid)."""
    table, vault = tables.vault, state.vault
    if not queued(vault, i):
        return NOTHING_TO_SETTLE, 0.0, 0.0
    fresh, assets = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0, 0.0
    now = oracle.clock[0]
    pay_fees(vault, fees_due(table, vault, assets, now, i), now, i)
    owed = _owed(table.exit_fee, vault, assets, i)
    status = _bring_in(tables, state, oracle, owed, most, i)
    if status != OK:
        return status, 0.0, 0.0
    _, assets = total_assets(tables, state, oracle, i)
    burnt, paid = _pay(table.exit_fee, vault, state.wallet, assets, i)
    return (OK, burnt, paid) if burnt > 0.0 else (INSUFFICIENT_LIQUIDITY, 0.0, 0.0)
