"""ERC-4626 entry and exit of the vault (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.codes import (
    DEPOSIT_CAP,
    INSUFFICIENT_BALANCE,
    OK,
    STALE_ORACLE,
    ZERO_AMOUNT,
)
from simulator.world.model.jit import inner
from simulator.world.model.parameters import Tables
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import Oracle, State
from simulator.world.model.unwinding import raise_usdc
from simulator.world.model.valuation import USDC_ASSET, total_assets

# Virtual shares and assets: the first depositor cannot inflate the price of a share.
VIRTUAL_SHARES = 1e12
VIRTUAL_ASSETS = 1.0


@inner
def deposit(
    tables: Tables, state: State, oracle: Oracle, agent: int, assets: float, i: int
) -> tuple[int, float]:
    """``deposit`` of raw USDC: (status, raw shares)."""
    table, vault, wallet = tables.vault, state.vault, state.wallet
    fresh, before = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0
    net = floor_raw(assets * (1.0 - table.entry_fee))
    supply = vault.shares[i] + VIRTUAL_SHARES
    shares = np.floor(net * supply / (before + VIRTUAL_ASSETS))
    if shares <= 0.0:
        return ZERO_AMOUNT, 0.0
    if before + assets > table.deposit_cap:
        return DEPOSIT_CAP, 0.0
    if wallet.token[agent, USDC_ASSET, i] < assets:
        return INSUFFICIENT_BALANCE, 0.0
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
    fresh, before = total_assets(tables, state, oracle, i)
    if not fresh:
        return STALE_ORACLE, 0.0
    supply = vault.shares[i] + VIRTUAL_SHARES
    gross = floor_raw(shares * (before + VIRTUAL_ASSETS) / supply)
    assets = floor_raw(gross * (1.0 - table.exit_fee))
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
