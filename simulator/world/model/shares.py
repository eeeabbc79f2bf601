"""ERC-4626 entry and exit of the vault (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.codes import (
    DEPOSIT_CAP,
    INSUFFICIENT_BALANCE,
    OK,
    STALE_ORACLE,
    WITHDRAWALS_QUEUED,
    ZERO_AMOUNT,
)
from simulator.world.model.fees import VIRTUAL_ASSETS, VIRTUAL_SHARES, fees_due, pay_fees
from simulator.world.model.jit import inner
from simulator.world.model.parameters import Tables
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import Oracle, State, VaultState
from simulator.world.model.unwinding import raise_usdc
from simulator.world.model.valuation import total_assets

_WHOLE_SHARE = 1e18  # raw; none are sold while it is worth less than a raw unit of USDC


@inner
def queued(vault: VaultState, i: int) -> bool:
    """Whether any request waits in the queue."""
    waiting = False
    for agent in range(vault.request.shape[0]):
        waiting = waiting or vault.request[agent, i] > 0.0
    return waiting


@inner
def worth(exit_fee: float, shares: float, assets: float, supply: float) -> float:
    """``previewRedeem`` of raw ``shares`` with total ``assets`` and ``supply`` raw: raw USDC."""
    gross = floor_raw(shares * (assets + VIRTUAL_ASSETS) / (supply + VIRTUAL_SHARES))
    return floor_raw(gross * (1.0 - exit_fee))


@inner
def deposit(
    tables: Tables, state: State, oracle: Oracle, agent: int, assets: float, i: int
) -> tuple[int, float]:
    """``deposit`` of raw USDC: (status, raw shares)."""
    table, vault, wallet = tables.vault, state.vault, state.wallet
    fresh, before = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0
    now = oracle.clock[0]
    fees = fees_due(table, vault, before, now, i)
    net = floor_raw(assets * (1.0 - table.entry_fee))
    supply = vault.shares[i] + fees.shares + VIRTUAL_SHARES
    shares = np.floor(net * supply / (before + VIRTUAL_ASSETS))
    if shares <= 0.0:
        return ZERO_AMOUNT, 0.0
    worthless = (before + VIRTUAL_ASSETS) * _WHOLE_SHARE < supply
    if worthless or before + assets > table.deposit_cap:
        return DEPOSIT_CAP, 0.0
    if wallet.token[agent, USDC_ASSET, i] < assets:
        return INSUFFICIENT_BALANCE, 0.0
    pay_fees(vault, fees, now, i)
    wallet.token[agent, USDC_ASSET, i] -= assets
    wallet.shares[agent, i] += shares
    vault.shares[i] += shares
    vault.idle_usdc[i] += assets
    return OK, shares


@inner
def redeem(
    tables: Tables, state: State, oracle: Oracle, agent: int, shares: float, i: int
) -> tuple[int, float]:
    """``redeem`` of raw shares: (status, raw USDC). The caller restores the path when refused."""
    table, vault, wallet = tables.vault, state.vault, state.wallet
    if queued(vault, i):
        return WITHDRAWALS_QUEUED, 0.0
    fresh, before = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0
    now = oracle.clock[0]
    pay_fees(vault, fees_due(table, vault, before, now, i), now, i)
    assets = worth(table.exit_fee, shares, before, vault.shares[i])
    if assets <= 0.0:
        return ZERO_AMOUNT, 0.0
    if wallet.shares[agent, i] < shares:
        return INSUFFICIENT_BALANCE, 0.0
    status = raise_usdc(tables, state, oracle, assets, i)
    if status != OK:
        return status, 0.0
    vault.idle_usdc[i] -= assets
    vault.shares[i] -= shares
    wallet.shares[agent, i] -= shares
    wallet.token[agent, USDC_ASSET, i] += assets
    return OK, assets
