"""``recenter``: place the liquidity around the oracle price (contracts/SPEC.md §4.5, §4.7)."""

from __future__ import annotations

import numpy as np

from simulator.types import RECENTER_INTERVAL, Floats
from simulator.world.model.codes import (
    CENTRED,
    COLLATERAL_CAP,
    NO_IDLE_ASSETS,
    OK,
    SPOT_DEVIATES,
    STALE_ORACLE,
)
from simulator.world.model.jit import inner
from simulator.world.model.margin import value_account
from simulator.world.model.parameters import Tables, VaultTable
from simulator.world.model.pool import mint, place
from simulator.world.model.rounding import floor_of_usd, floor_raw
from simulator.world.model.state import (
    Oracle,
    PositionState,
    State,
    VaultState,
)
from simulator.world.model.tick import liquidity_for_amounts, tick_at_sqrt_price
from simulator.world.model.unwinding import (
    burn_to_idle,
    exists,
    margin_kept,
    swap_exactly,
)
from simulator.world.model.valuation import (
    Valuation,
    kept_idle,
    spare_idle,
    usd_of_base,
    usd_of_usdc,
    value_vault,
)
from simulator.world.model.venues import (
    add_margin,
    insolvent,
    sub_account,
    subs,
    take_margin,
    value_margin,
    withdrawable,
)


@inner
def _lately(vault: VaultState, oracle: Oracle, i: int) -> bool:
    """Whether one was paid for within the interval, in which idle assets alone allow no other."""
    return oracle.clock[0] - vault.recentred[i] < RECENTER_INTERVAL


@inner
def _idle_value(table: VaultTable, vault: VaultState, valuation: Valuation, i: int) -> float:
    """USD of the idle tokens."""
    usdc = usd_of_usdc(table, valuation, vault.idle_usdc[i])
    return usdc + usd_of_base(table, valuation, vault.idle_base[i])


@inner
def _allowed(
    table: VaultTable,
    position: PositionState,
    vault: VaultState,
    valuation: Valuation,
    tick: float,
    lately: bool,
    i: int,
) -> bool:
    """Whether the position may be moved at all."""
    if position.liquidity[i] == 0.0:
        return True
    centre = 0.5 * (position.tick_lower[i] + position.tick_upper[i])
    if abs(tick - centre) >= table.recenter_threshold * table.range_half_width:
        return True
    if lately:
        return False  # what is idle still could not be placed
    nav = max(valuation.nav, 0.0)
    reserve = 1.0 - table.lp_allocation - table.margin_allocation
    return _idle_value(table, vault, valuation, i) > 2.0 * reserve * nav + 0.01 * nav


@inner
def _margin_weight(table: VaultTable, betas: Floats, sub: int, i: int) -> float:
    """The account's part of the margin allocation: by the |β| of its hedges."""
    if subs(table) == 1:
        return 1.0
    total = own = 0.0
    for market in range(betas.shape[0]):
        total += abs(betas[market, i])
        if table.account_of[market] == sub_account(table, sub):
            own += abs(betas[market, i])
    if total == 0.0:
        return 1.0 / subs(table)
    return own / total


@inner
def _move_margin(
    tables: Tables, state: State, oracle: Oracle, valuation: Valuation, adding: bool, i: int
) -> int:
    """Steps 1 and 6: bring each account's value toward its allocation.

    Step 1 (``adding`` False) withdraws what is above, step 6 adds what is below. An account that is
    above is not touched by step 6, and its value does not change between the two: pledged
    liquidity, which comes and goes in between, is no part of it.
    """
    table, vault = tables.vault, state.vault
    nav = max(valuation.nav, 0.0)
    for sub in range(subs(table)):
        account = sub_account(table, sub)
        valued = value_margin(tables, state, oracle, account, i)
        value = valued.value
        if table.pledged:
            value = (valued.cash + valued.profit) * valuation.usdc_price
        target = table.margin_allocation * nav * _margin_weight(table, vault.betas, sub, i)
        if adding:
            if insolvent(valued):
                continue
            raw = floor_of_usd(target - value, valuation.usdc_price, table.usdc_unit)
            raw = min(raw, spare_idle(table, vault, valuation, i))
            if raw > 0.0:
                status = add_margin(tables, state, oracle, account, raw, i)
                if status != OK:
                    return status
            continue
        excess = (value - target) / valuation.usdc_price * table.usdc_unit
        if excess <= 0.0:
            continue
        fresh, free = withdrawable(tables, state, oracle, account, i)
        if not fresh:
            return STALE_ORACLE
        raw = min(floor_raw(excess), free)
        take_margin(tables, state, oracle, account, raw, i)
    return OK


@inner
def _balance_and_mint(
    tables: Tables, state: State, valuation: Valuation, i: int
) -> tuple[int, float]:
    """Steps 4 and 5: swap to the range's proportions at √P_o, mint at the spot price.

    Returns (status, USD to invest).
    """
    table, position, vault = tables.vault, state.position, state.vault
    root, lower, upper = valuation.sqrt_price, position.sqrt_lower[i], position.sqrt_upper[i]
    idle = _idle_value(table, vault, valuation, i)
    kept = usd_of_usdc(table, valuation, kept_idle(table, valuation))
    invested = min(table.lp_allocation * max(valuation.nav, 0.0), max(idle - kept, 0.0))
    base_usd = usd_of_base(table, valuation, (upper - root) / (root * upper))
    usdc_usd = usd_of_usdc(table, valuation, root - lower)
    wanted = invested * base_usd / (base_usd + usdc_usd)
    wanted = np.floor(wanted / valuation.base_price * table.base_unit)
    if vault.idle_base[i] < wanted:
        spent = usd_of_base(table, valuation, wanted - vault.idle_base[i])
        spent = floor_raw(spent / valuation.usdc_price * table.usdc_unit)
        spent = min(spent, vault.idle_usdc[i])
        limit = root * np.sqrt(1.0 + table.max_slippage)
        status = swap_exactly(tables, state, False, spent, limit, i)
    else:
        limit = root * np.sqrt(1.0 - table.max_slippage)
        status = swap_exactly(tables, state, True, vault.idle_base[i] - wanted, limit, i)
    if status != OK:
        return status, 0.0
    rest = invested - usd_of_base(table, valuation, vault.idle_base[i])
    usdc = max(floor_raw(rest / valuation.usdc_price * table.usdc_unit), 0.0)
    usdc = min(usdc, vault.idle_usdc[i])
    liquidity = np.floor(
        liquidity_for_amounts(state.pool.sqrt_price[i], lower, upper, vault.idle_base[i], usdc)
    )
    if liquidity <= 0.0:
        return NO_IDLE_ASSETS, 0.0
    due_base, due_usdc = mint(state.pool, position, i, liquidity)
    # The pool rounds up what L rounded down: for 18 decimals below float64's last digit.
    vault.idle_base[i] -= min(due_base, vault.idle_base[i])
    vault.idle_usdc[i] -= min(due_usdc, vault.idle_usdc[i])
    # What it is worth at most, at any price: all of it in USDC.
    if table.pledged and np.ceil(liquidity * (upper - lower)) > tables.clearing.lp_cap:
        return COLLATERAL_CAP, 0.0
    return OK, invested


@inner
def recenter(tables: Tables, state: State, oracle: Oracle, i: int) -> tuple[int, float]:
    """``recenter``: (status, raw USDC protected); the caller restores the path when refused."""
    table, position, vault = tables.vault, state.position, state.vault
    clearing = state.clearing
    valuation = value_vault(tables, state, oracle, i)
    if not valuation.fresh:
        return STALE_ORACLE, 0.0
    tick = tick_at_sqrt_price(valuation.sqrt_price)
    lately = _lately(vault, oracle, i)
    # What a pledging vault places would be pledged for a debt of its cross account.
    owes = table.pledged and insolvent(value_margin(tables, state, oracle, 0, i))
    if owes or not _allowed(table, position, vault, valuation, tick, lately, i):
        return CENTRED, 0.0
    spot = state.pool.sqrt_price[i] / valuation.sqrt_price
    if abs(spot - 1.0) > 0.5 * table.max_slippage:
        return SPOT_DEVIATES, 0.0
    status = _move_margin(tables, state, oracle, valuation, False, i)
    if status != OK:
        return status, 0.0
    before = value_account(tables.clearing, clearing, oracle, 0, i)
    if exists(position, i):
        burn_to_idle(state.pool, position, vault, position.liquidity[i], i)
    spacing = tables.pool.tick_spacing
    centre = np.floor(tick / spacing) * spacing
    place(position, i, centre - table.range_half_width, centre + table.range_half_width)
    status, invested = _balance_and_mint(tables, state, valuation, i)
    if status == OK and table.pledged:
        status = margin_kept(tables.clearing, clearing, oracle, before, i)
    if status != OK:
        return status, 0.0
    status = _move_margin(tables, state, oracle, valuation, True, i)
    if not lately:
        vault.recentred[i] = oracle.clock[0]
    protected = 0.0 if lately else invested / valuation.usdc_price * table.usdc_unit
    return status, protected
