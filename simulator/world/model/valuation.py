"""What the vault is worth at the oracle's price (contracts/SPEC.md §4.2, §4.7)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.types import KEPT_PARTS, KEPT_REWARDS
from simulator.world.model.jit import inlined, inner
from simulator.world.model.margin import stale
from simulator.world.model.parameters import Tables, VaultTable
from simulator.world.model.portfolio import BASE_ASSET, USDC_ASSET, root_at_oracle
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import Oracle, State, VaultState
from simulator.world.model.tick import amounts_for_liquidity
from simulator.world.model.venues import (
    insolvent,
    is_flat,
    settled,
    sub_account,
    subs,
    value_margin,
)


class Valuation(NamedTuple):
    """The vault at the last prices. ``fresh``: no price it depends on is stale."""

    fresh: bool
    usdc_price: float  # P_u, USD
    base_price: float  # P_x, USD
    sqrt_price: float  # √P_o, raw
    lp_base: float  # raw
    lp_usdc: float  # raw
    fees_base: float  # raw
    fees_usdc: float  # raw
    accounts: float  # Σ value of the margin accounts, USD; pledged liquidity is inside
    nav: float  # USD, may be negative

    # V_lp of the specification is lp_value().


@inner
def oracle_sqrt_price(table: VaultTable, oracle: Oracle, i: int) -> float:
    """√P_o: sqrt(raw USDC / raw base) at the oracle's prices."""
    return root_at_oracle(oracle, table.base_unit, table.usdc_unit, i)


@inner
def usd_of_usdc(table: VaultTable, valuation: Valuation, raw: float) -> float:
    """USD of raw USDC."""
    return raw / table.usdc_unit * valuation.usdc_price


@inner
def usd_of_base(table: VaultTable, valuation: Valuation, raw: float) -> float:
    """USD of raw base tokens."""
    return raw / table.base_unit * valuation.base_price


@inlined
def value_vault(tables: Tables, state: State, oracle: Oracle, i: int) -> Valuation:
    """Value the vault on path ``i``."""
    table, position, vault = tables.vault, state.position, state.vault
    usdc_price = oracle.price[USDC_ASSET, i]
    base_price = oracle.price[BASE_ASSET, i]
    root = oracle_sqrt_price(table, oracle, i)
    lp_base = lp_usdc = 0.0
    if position.liquidity[i] > 0.0:
        base, usdc = amounts_for_liquidity(
            root, position.sqrt_lower[i], position.sqrt_upper[i], position.liquidity[i]
        )
        lp_base, lp_usdc = np.floor(base), np.floor(usdc)
    fees_base, fees_usdc = np.floor(position.fees0[i]), np.floor(position.fees1[i])
    fresh = not (stale(oracle, USDC_ASSET, i) or stale(oracle, BASE_ASSET, i))
    accounts = 0.0
    for sub in range(subs(table)):
        account = value_margin(tables, state, oracle, sub_account(table, sub), i)
        fresh = fresh and account.fresh
        accounts += account.value
    free_usdc = vault.idle_usdc[i] + fees_usdc
    free_base = vault.idle_base[i] + fees_base
    if not table.pledged:
        free_usdc += lp_usdc
        free_base += lp_base
    usdc = free_usdc / table.usdc_unit * usdc_price
    base = free_base / table.base_unit * base_price
    return Valuation(
        fresh,
        usdc_price,
        base_price,
        root,
        lp_base,
        lp_usdc,
        fees_base,
        fees_usdc,
        accounts,
        usdc + base + accounts,
    )


@inner
def lp_value(table: VaultTable, valuation: Valuation) -> float:
    """V_lp: USD of the liquidity, without fees."""
    return usd_of_base(table, valuation, valuation.lp_base) + usd_of_usdc(
        table, valuation, valuation.lp_usdc
    )


@inner
def kept_idle(table: VaultTable, valuation: Valuation) -> float:
    """Raw USDC that keeper functions leave idle for the pay of the next."""
    nav = max(valuation.nav, 0.0) / valuation.usdc_price * table.usdc_unit
    return min(KEPT_REWARDS * table.keeper_reward, floor_raw(floor_raw(nav) / KEPT_PARTS))


@inner
def spare_idle(table: VaultTable, vault: VaultState, valuation: Valuation, i: int) -> float:
    """Raw idle USDC beyond it."""
    return max(vault.idle_usdc[i] - kept_idle(table, valuation), 0.0)


@inner
def all_usdc(tables: Tables, state: State, oracle: Oracle, i: int) -> bool:
    """Whether the vault is nothing but USDC, so that its shares need no price."""
    if state.position.liquidity[i] > 0.0 or state.vault.idle_base[i] > 0.0:
        return False
    for sub in range(subs(tables.vault)):
        if not is_flat(tables, state, oracle, sub_account(tables.vault, sub), i):
            return False
    return True


@inner
def owing(tables: Tables, state: State, oracle: Oracle, i: int) -> bool:
    """Whether an account is worth less than nothing: a liquidation will forgive it that."""
    for sub in range(subs(tables.vault)):
        account = sub_account(tables.vault, sub)
        if insolvent(value_margin(tables, state, oracle, account, i)):
            return True
    return False


@inner
def total_assets(tables: Tables, state: State, oracle: Oracle, i: int) -> tuple[bool, float]:
    """ERC-4626 ``totalAssets``: (fresh, raw USDC)."""
    table = tables.vault
    if all_usdc(tables, state, oracle, i):
        assets = state.vault.idle_usdc[i]
        for sub in range(subs(table)):
            assets += settled(tables, state, oracle, sub_account(table, sub), i)
        return True, max(assets, 0.0)
    valuation = value_vault(tables, state, oracle, i)
    assets = floor_raw(valuation.nav / valuation.usdc_price * table.usdc_unit)
    return valuation.fresh, max(assets, 0.0)
