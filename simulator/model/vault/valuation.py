"""What the vault is worth at the oracle's price (contracts/SPEC.md §4.2, §4.7)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.pools.held import amounts_at
from simulator.model.venues.margin_accounts import (
    insolvent,
    margin_standing,
    settled,
    subs,
    value_margin,
)
from simulator.model.venues.perps.margin import stale
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET, root_at_oracle
from simulator.types import KEPT_PARTS, KEPT_REWARDS


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
def oracle_sqrt_price(w: Path) -> float:
    """√P_o: sqrt(raw USDC / raw base) at the oracle's prices."""
    table = w.tables.vault
    return root_at_oracle(w, table.base_unit, table.usdc_unit)


@inner
def usd_of_usdc(w: Path, valuation: Valuation, raw: float) -> float:
    """USD of raw USDC."""
    table = w.tables.vault
    return raw / table.usdc_unit * valuation.usdc_price


@inner
def usd_of_base(w: Path, valuation: Valuation, raw: float) -> float:
    """USD of raw base tokens."""
    table = w.tables.vault
    return raw / table.base_unit * valuation.base_price


@inner
def value_vault(w: Path) -> Valuation:
    """Value the vault."""
    fresh, accounts = True, 0.0
    for sub in range(subs(w)):
        account = value_margin(w, sub)
        fresh = fresh and account.fresh
        accounts += account.value
    return _value(w, fresh, accounts)


@inner
def value_now(w: Path) -> Valuation:
    """The vault valued, between two actions."""
    known, row = w.known, w.known.vault
    if not known.kept:
        return value_vault(w)
    if row.version != known.version:
        fresh, accounts = True, 0.0
        for sub in range(subs(w)):
            account = margin_standing(w, sub)
            fresh = fresh and account.fresh
            accounts += account.value
        found = _value(w, fresh, accounts)
        row.version, row.fresh = known.version, found.fresh
        row.usdc_price, row.base_price, row.sqrt_price = found[1:4]
        row.lp_base, row.lp_usdc, row.fees_base, row.fees_usdc = found[4:8]
        row.accounts, row.nav = found[8:]
    return Valuation(
        row.fresh,
        row.usdc_price,
        row.base_price,
        row.sqrt_price,
        row.lp_base,
        row.lp_usdc,
        row.fees_base,
        row.fees_usdc,
        row.accounts,
        row.nav,
    )


@inner
def _value(w: Path, accounts_fresh: bool, accounts: float) -> Valuation:
    """The vault with its margin accounts, worth so much together."""
    tables, state, oracle = w.tables, w.state, w.now
    table, position, vault = tables.vault, state.position, state.vault
    usdc_price = oracle.price[USDC_ASSET]
    base_price = oracle.price[BASE_ASSET]
    root = oracle_sqrt_price(w)
    lp_base = lp_usdc = 0.0
    if position.liquidity > 0.0:
        base, usdc = amounts_at(w, root)
        lp_base, lp_usdc = np.floor(base), np.floor(usdc)
    fees_base, fees_usdc = np.floor(position.fees0), np.floor(position.fees1)
    fresh = accounts_fresh and not (stale(w, USDC_ASSET) or stale(w, BASE_ASSET))
    free_usdc = vault.idle_usdc + fees_usdc
    free_base = vault.idle_base + fees_base
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
def lp_value(w: Path, valuation: Valuation) -> float:
    """V_lp: USD of the liquidity, without fees."""
    return usd_of_base(w, valuation, valuation.lp_base) + usd_of_usdc(
        w, valuation, valuation.lp_usdc
    )


@inner
def kept_idle(w: Path, valuation: Valuation) -> float:
    """Raw USDC that keeper functions leave idle for the pay of the next."""
    table = w.tables.vault
    nav = max(valuation.nav, 0.0) / valuation.usdc_price * table.usdc_unit
    return min(KEPT_REWARDS * table.keeper_reward, floor_raw(floor_raw(nav) / KEPT_PARTS))


@inner
def spare_idle(w: Path, valuation: Valuation) -> float:
    """Raw idle USDC beyond it."""
    vault = w.state.vault
    return max(vault.idle_usdc - kept_idle(w, valuation), 0.0)


@inner
def all_usdc(w: Path) -> bool:
    """Whether the vault is nothing but USDC, so that its shares need no price."""
    state = w.state
    if state.position.liquidity > 0.0 or state.vault.idle_base > 0.0:
        return False
    for sub in range(subs(w)):  # noqa: SIM110 (compiled)
        if value_margin(w, sub).has_position:
            return False
    return True


@inner
def owing(w: Path) -> bool:
    """Whether an account is worth less than nothing: a liquidation will forgive it that."""
    for sub in range(subs(w)):  # noqa: SIM110 (compiled)
        if insolvent(value_margin(w, sub)):
            return True
    return False


@inner
def total_assets(w: Path) -> tuple[bool, float]:
    """ERC-4626 ``totalAssets``: (fresh, raw USDC)."""
    tables, state = w.tables, w.state
    table = tables.vault
    if all_usdc(w):
        assets = state.vault.idle_usdc
        for sub in range(subs(w)):
            assets += settled(w, sub)
        return True, max(assets, 0.0)
    valuation = value_vault(w)
    assets = floor_raw(valuation.nav / valuation.usdc_price * table.usdc_unit)
    return valuation.fresh, max(assets, 0.0)
