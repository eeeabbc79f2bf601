"""The line of those waiting to be paid (contracts/SPEC.md §4.3).

One open request per agent, so the line is an array ``[agents]``; who came first has the lowest
place. :func:`settle` returns a status; the caller restores the path when it is not OK.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import (
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
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.vault.fees import fees_due, pay_fees
from simulator.model.vault.shares import gross_worth, queued, worth
from simulator.model.vault.unwinding import raise_usdc
from simulator.model.vault.valuation import owing, total_assets
from simulator.model.venues.perps.portfolio import USDC_ASSET

# Requests one settlement looks at: a bounded loop on chain.
_AT_ONCE = 8
# Raw shares: 100 USDC at their first price. A place in line is not free.
_LEAST_REQUEST = 1e20


@inner
def request_redeem(w: Path, agent: int, shares: float) -> int:
    """``request_redeem``: the agent's raw shares go to the end of the line."""
    vault, wallet = w.state.vault, w.state.wallet
    if vault.request[agent] > 0.0:
        return REQUEST_PENDING
    if shares < _LEAST_REQUEST:
        return ZERO_AMOUNT
    if wallet.shares[agent] < shares:
        return INSUFFICIENT_BALANCE
    wallet.shares[agent] -= shares
    vault.requests += 1.0
    vault.request[agent] = shares
    vault.place[agent] = vault.requests
    return OK


@inner
def cancel_request(w: Path, agent: int) -> tuple[int, float]:
    """``cancel_request``: (status, raw shares given back)."""
    vault, wallet = w.state.vault, w.state.wallet
    shares = vault.request[agent]
    if shares <= 0.0:
        return NO_REQUEST, 0.0
    _leave(w, agent)
    wallet.shares[agent] += shares
    return OK, shares


@inner
def _leave(w: Path, agent: int) -> None:
    vault = w.state.vault
    vault.request[agent] = 0.0
    vault.place[agent] = 0.0


@inner
def _next(w: Path, passed: float) -> int:
    """Agent whose place in line is the first after ``passed``, -1 when there is none."""
    vault = w.state.vault
    head = -1
    for agent in range(w.tables.count.agents):
        if vault.request[agent] <= 0.0 or vault.place[agent] <= passed:
            continue
        if head < 0 or vault.place[agent] < vault.place[head]:
            head = agent
    return head


@inner
def _first_in_line(w: Path) -> float:
    """Raw shares of the requests one settlement serves."""
    vault = w.state.vault
    shares = passed = 0.0
    for _ in range(_AT_ONCE):
        agent = _next(w, passed)
        if agent < 0:
            break
        shares += vault.request[agent]
        passed = vault.place[agent]
    return shares


@inner
def _pay(
    w: Path,
    exit_fee: float,
    assets: float,
    cost: float,
    bearing: float,
) -> tuple[float, float]:
    """Pay from idle USDC, head first, until it or the line ends: (shares burnt, USDC paid).

    Of every ``bearing`` raw USDC that shares are worth, ``cost`` is borne by who leaves, as far as
    the exit fee does not.
    """
    vault, wallet = w.state.vault, w.state.wallet
    supply = vault.shares
    burnt = paid = 0.0
    for _ in range(_AT_ONCE):
        agent = _next(w, 0.0)
        if agent < 0:
            break
        shares = vault.request[agent]
        due = worth(exit_fee, shares, assets, supply)
        if cost > 0.0:
            gross = gross_worth(shares, assets, supply)
            due = min(due, floor_raw(gross * (bearing - cost) / bearing))
        given = min(due, vault.idle_usdc)
        gone = shares if given == due else min(np.ceil(shares * given / due), shares)
        vault.idle_usdc -= given
        vault.shares -= gone
        wallet.token[agent, USDC_ASSET] += given
        burnt += gone
        paid += given
        if given < due:
            vault.request[agent] = shares - gone
            break
        _leave(w, agent)
    return burnt, paid


@inner
def settle(w: Path, most: float) -> tuple[int, float, float]:
    """``settle_withdrawals``, unwinding at most ``most``: (status, shares burnt, USDC paid)."""
    tables, state, oracle = w.tables, w.state, w.now
    table, vault = tables.vault, state.vault
    if queued(w) <= 0.0:
        return NOTHING_TO_SETTLE, 0.0, 0.0
    fresh, assets = total_assets(w)
    if not fresh:
        return STALE_ORACLE, 0.0, 0.0
    if owing(w):
        return ACCOUNT_INSOLVENT, 0.0, 0.0
    now = oracle.clock
    pay_fees(w, fees_due(w, assets, now), now)
    supply = vault.shares
    served = _first_in_line(w)
    owed = worth(table.exit_fee, served, assets, supply)
    status, cost = raise_usdc(w, owed, most)
    if status != OK:
        return status, 0.0, 0.0
    bearing = min(gross_worth(served, assets, supply), vault.idle_usdc + cost)
    if cost > 2.0 * table.max_slippage * bearing:
        return SLIPPAGE, 0.0, 0.0
    burnt, paid = _pay(w, table.exit_fee, assets, cost, bearing)
    return (OK, burnt, paid) if burnt > 0.0 else (INSUFFICIENT_LIQUIDITY, 0.0, 0.0)
