"""The line of those waiting to be paid (contracts/SPEC.md §4.3).

One open request per agent, so the line is an array ``[agents]``; who came first has the lowest
place. :func:`settle` returns a status; the caller restores the path when it is not OK.
"""

from __future__ import annotations

import numpy as np

from simulator.world.model.codes import (
    ACCOUNT_INSOLVENT,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_LIQUIDITY,
    NO_REQUEST,
    NOTHING_TO_SETTLE,
    OK,
    REQUEST_PENDING,
    SLIPPAGE,
    STALE_ORACLE,
    ZERO_AMOUNT,
)
from simulator.world.model.fees import fees_due, pay_fees
from simulator.world.model.jit import inner
from simulator.world.model.parameters import Tables
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.rounding import floor_raw
from simulator.world.model.shares import gross_worth, queued, worth
from simulator.world.model.state import Oracle, State, VaultState, WalletState
from simulator.world.model.unwinding import raise_usdc
from simulator.world.model.valuation import owing, total_assets

# Requests one settlement looks at: a bounded loop on chain.
_AT_ONCE = 8
# Raw shares: 100 USDC at their first price. A place in line is not free.
_LEAST_REQUEST = 1e20


@inner
def request_redeem(
    vault: VaultState, wallet: WalletState, agent: int, shares: float, i: int
) -> int:
    """``request_redeem``: the agent's raw shares go to the end of the line."""
    if vault.request[agent, i] > 0.0:
        return REQUEST_PENDING
    if shares < _LEAST_REQUEST:
        return ZERO_AMOUNT
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
def _next(vault: VaultState, passed: float, i: int) -> int:
    """Agent whose place in line is the first after ``passed``, -1 when there is none."""
    head = -1
    for agent in range(vault.request.shape[0]):
        if vault.request[agent, i] <= 0.0 or vault.place[agent, i] <= passed:
            continue
        if head < 0 or vault.place[agent, i] < vault.place[head, i]:
            head = agent
    return head


@inner
def _first_in_line(vault: VaultState, i: int) -> float:
    """Raw shares of the requests one settlement serves."""
    shares = passed = 0.0
    for _ in range(_AT_ONCE):
        agent = _next(vault, passed, i)
        if agent < 0:
            break
        shares += vault.request[agent, i]
        passed = vault.place[agent, i]
    return shares


@inner
def _pay(
    exit_fee: float,
    vault: VaultState,
    wallet: WalletState,
    assets: float,
    cost: float,
    bearing: float,
    i: int,
) -> tuple[float, float]:
    """Pay from idle USDC, head first, until it or the line ends: (shares burnt, USDC paid).

    Of every ``bearing`` raw USDC that shares are worth, ``cost`` is borne by who leaves, as far as
    the exit fee does not.
    """
    supply = vault.shares[i]
    burnt = paid = 0.0
    for _ in range(_AT_ONCE):
        agent = _next(vault, 0.0, i)
        if agent < 0:
            break
        shares = vault.request[agent, i]
        due = worth(exit_fee, shares, assets, supply)
        if cost > 0.0:
            gross = gross_worth(shares, assets, supply)
            due = min(due, floor_raw(gross * (bearing - cost) / bearing))
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
def settle(
    tables: Tables, state: State, oracle: Oracle, most: float, i: int
) -> tuple[int, float, float]:
    """``settle_withdrawals``, unwinding at most ``most``: (status, shares burnt, USDC paid)."""
    table, vault = tables.vault, state.vault
    if queued(vault, i) <= 0.0:
        return NOTHING_TO_SETTLE, 0.0, 0.0
    fresh, assets = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0, 0.0
    if owing(tables, state, oracle, i):
        return ACCOUNT_INSOLVENT, 0.0, 0.0
    now = oracle.clock[0]
    pay_fees(vault, fees_due(table, vault, assets, now, i), now, i)
    supply = vault.shares[i]
    served = _first_in_line(vault, i)
    owed = worth(table.exit_fee, served, assets, supply)
    status, cost = raise_usdc(tables, state, oracle, owed, most, i)
    if status != OK:
        return status, 0.0, 0.0
    bearing = min(gross_worth(served, assets, supply), vault.idle_usdc[i] + cost)
    if cost > 2.0 * table.max_slippage * bearing:
        return SLIPPAGE, 0.0, 0.0
    burnt, paid = _pay(table.exit_fee, vault, state.wallet, assets, cost, bearing, i)
    return (OK, burnt, paid) if burnt > 0.0 else (INSUFFICIENT_LIQUIDITY, 0.0, 0.0)
