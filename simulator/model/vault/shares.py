"""ERC-4626 entry and exit of the vault (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import (
    ACCOUNT_INSOLVENT,
    DEPOSIT_CAP,
    INSUFFICIENT_BALANCE,
    INSUFFICIENT_LIQUIDITY,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
    WITHDRAWALS_QUEUED,
    ZERO_AMOUNT,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.vault.fees import VIRTUAL_ASSETS, VIRTUAL_SHARES, fees_due, pay_fees
from simulator.model.vault.unwinding import raise_usdc
from simulator.model.vault.valuation import owing, total_assets
from simulator.model.venues.perps.portfolio import USDC_ASSET

_WHOLE_SHARE = 1e18  # raw; none are sold while it is worth less than a raw unit of USDC


@inner
def queued(w: Path) -> float:
    """Raw shares that wait in the queue."""
    vault = w.state.vault
    waiting = 0.0
    for agent in range(w.tables.count.agents):
        waiting += vault.request[agent]
    return waiting


@inner
def gross_worth(shares: float, assets: float, supply: float) -> float:
    """Raw USDC of raw ``shares`` before the exit fee, of total ``assets`` and ``supply`` raw."""
    return floor_raw(shares * (assets + VIRTUAL_ASSETS) / (supply + VIRTUAL_SHARES))


@inner
def worth(exit_fee: float, shares: float, assets: float, supply: float) -> float:
    """``previewRedeem`` of raw ``shares`` with total ``assets`` and ``supply`` raw: raw USDC."""
    return floor_raw(gross_worth(shares, assets, supply) * (1.0 - exit_fee))


@inner
def deposit(w: Path, agent: int, assets: float) -> tuple[int, float]:
    """``deposit`` of raw USDC: (status, raw shares)."""
    tables, state, oracle = w.tables, w.state, w.now
    table, vault, wallet = tables.vault, state.vault, state.wallet
    fresh, before = total_assets(w)
    if not fresh:
        return STALE_ORACLE, 0.0
    now = oracle.clock
    fees = fees_due(w, before, now)
    net = floor_raw(assets * (1.0 - table.entry_fee))
    supply = vault.shares + fees.shares + VIRTUAL_SHARES
    shares = np.floor(net * supply / (before + VIRTUAL_ASSETS))
    if shares <= 0.0:
        return ZERO_AMOUNT, 0.0
    worthless = (before + VIRTUAL_ASSETS) * _WHOLE_SHARE < supply
    if worthless or before + assets > table.deposit_cap:
        return DEPOSIT_CAP, 0.0
    if owing(w):
        return ACCOUNT_INSOLVENT, 0.0
    if wallet.token[agent, USDC_ASSET] < assets:
        return INSUFFICIENT_BALANCE, 0.0
    pay_fees(w, fees, now)
    wallet.token[agent, USDC_ASSET] -= assets
    wallet.shares[agent] += shares
    vault.shares += shares
    vault.idle_usdc += assets
    return OK, shares


@inner
def _provide(
    w: Path,
    assets: float,
    owed: float,
    kept: float,
) -> int:
    """Idle USDC for ``assets`` besides what the line is ``owed``, raw: status.

    Unwound for the line is no more than for ``assets``. What it costs is at most what is ``kept``
    of who leaves, or those who stay would pay it.
    """
    state = w.state
    vault = state.vault
    status, _ = raise_usdc(w, assets + owed, 0.0)
    if status == OK and owed > vault.idle_usdc + assets:
        return WITHDRAWALS_QUEUED
    if status != OK:
        return status
    status, cost = raise_usdc(w, assets + owed, 1.0)
    if status != OK:
        return status
    if cost > kept:
        return SLIPPAGE
    if vault.idle_usdc < assets:
        return INSUFFICIENT_LIQUIDITY
    return OK if vault.idle_usdc >= assets + owed else WITHDRAWALS_QUEUED


@inner
def redeem(w: Path, agent: int, shares: float) -> tuple[int, float]:
    """``redeem`` of raw shares: (status, raw USDC). The caller restores the path when refused."""
    tables, state, oracle = w.tables, w.state, w.now
    table, vault, wallet = tables.vault, state.vault, state.wallet
    fresh, before = total_assets(w)
    if not fresh:
        return STALE_ORACLE, 0.0
    now = oracle.clock
    pay_fees(w, fees_due(w, before, now), now)
    assets = worth(table.exit_fee, shares, before, vault.shares)
    if assets <= 0.0:
        return ZERO_AMOUNT, 0.0
    if wallet.shares[agent] < shares:
        return INSUFFICIENT_BALANCE, 0.0
    owed = worth(table.exit_fee, queued(w), before, vault.shares)
    kept = gross_worth(shares, before, vault.shares) - assets
    status = _provide(w, assets, owed, kept)
    if status != OK:
        return status, 0.0
    vault.idle_usdc -= assets
    vault.shares -= shares
    wallet.shares[agent] -= shares
    wallet.token[agent, USDC_ASSET] += assets
    return OK, assets
