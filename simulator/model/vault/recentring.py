"""``recenter``: place the liquidity around the oracle price (contracts/SPEC.md §4.5, §4.7)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import (
    CENTRED,
    COLLATERAL_CAP,
    NO_IDLE_ASSETS,
    OK,
    PAUSED,
    SPOT_DEVIATES,
    STALE_ORACLE,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.kernel.rounding import floor_of_usd, floor_raw
from simulator.model.pools.held import is_off_centre, mint, place, proportion, stays
from simulator.model.pools.uniswap_v3.tick import tick_at_sqrt_price
from simulator.model.vault.unwinding import (
    burn_to_idle,
    exists,
    margin_kept,
    swap_exactly,
)
from simulator.model.vault.valuation import (
    Valuation,
    lp_value,
    spare_idle,
    usd_of_base,
    usd_of_usdc,
    value_vault,
)
from simulator.model.venues.margin_accounts import (
    add_margin,
    insolvent,
    subs,
    take_margin,
    value_margin,
    withdrawable,
)
from simulator.model.venues.perps.margin import value_account
from simulator.model.venues.perps.trading import paused
from simulator.types import RECENTER_INTERVAL, Floats


@inner
def _lately(w: Path) -> bool:
    """Whether one was paid for within the interval, in which idle assets alone allow no other."""
    vault, oracle = w.state.vault, w.now
    return oracle.clock - vault.recentred < RECENTER_INTERVAL


@inner
def _idle_value(w: Path, valuation: Valuation) -> float:
    """USD of the idle tokens."""
    vault = w.state.vault
    usdc = usd_of_usdc(w, valuation, vault.idle_usdc)
    return usdc + usd_of_base(w, valuation, vault.idle_base)


@inner
def _allowed(
    w: Path,
    position: Record,
    valuation: Valuation,
    tick: float,
    lately: bool,
) -> bool:
    """Whether the position may be moved at all."""
    table = w.tables.vault
    if position.liquidity == 0.0:
        return True
    if is_off_centre(w, tick):
        return True
    if lately:
        return False  # what is idle still could not be placed
    nav = max(valuation.nav, 0.0)
    reserve = 1.0 - table.lp_allocation - table.margin_allocation
    return _idle_value(w, valuation) > 2.0 * reserve * nav + 0.01 * nav


@inner
def _margin_weight(w: Path, betas: Floats, sub: int) -> float:
    """The account's part of the margin allocation: by the |β| of its hedges."""
    table = w.tables.vault
    if subs(w) == 1:
        return 1.0
    total = own = 0.0
    for market in range(w.tables.count.markets):
        total += abs(betas[market])
        if table.sub_of[market] == sub:
            own += abs(betas[market])
    if total == 0.0:
        return 1.0 / subs(w)
    return own / total


@inner
def _move_margin(w: Path, valuation: Valuation, adding: bool) -> int:
    """Steps 1 and 6: bring each account's value toward its allocation.

    Step 1 (``adding`` False) withdraws what is above, step 6 adds what is below. An account that is
    above is not touched by step 6, and its value does not change between the two: pledged
    liquidity, which comes and goes in between, is no part of it.
    """
    tables, state = w.tables, w.state
    table, vault = tables.vault, state.vault
    nav = max(valuation.nav, 0.0)
    for sub in range(subs(w)):
        valued = value_margin(w, sub)
        value = valued.value
        if table.pledged:
            value = (valued.cash + valued.profit) * valuation.usdc_price
        target = table.margin_allocation * nav * _margin_weight(w, vault.betas, sub)
        if adding:
            if insolvent(valued):
                continue
            raw = floor_of_usd(target - value, valuation.usdc_price, table.usdc_unit)
            raw = min(raw, spare_idle(w, valuation))
            if raw > 0.0:
                status = add_margin(w, sub, raw)
                if status != OK:
                    return status
            continue
        excess = (value - target) / valuation.usdc_price * table.usdc_unit
        if excess <= 0.0:
            continue
        fresh, free = withdrawable(w, sub)
        if not fresh:
            return STALE_ORACLE
        raw = min(floor_raw(excess), free)
        take_margin(w, sub, raw)
    return OK


@inner
def _balance_and_mint(w: Path, valuation: Valuation, pledged: float) -> tuple[int, float]:
    """Steps 4 and 5: swap to what a position in the range takes at the spot price, and mint it.

    ``pledged``: what was worth at most, raw USDC, and may not grow while the venue is paused.
    Returns (status, USD to invest).
    """
    tables, state = w.tables, w.state
    table, position, vault = tables.vault, state.position, state.vault
    root = valuation.sqrt_price
    budget = table.lp_allocation * max(valuation.nav, 0.0)
    if stays(w):
        budget = max(budget - lp_value(w, valuation), 0.0)
    idle = usd_of_base(w, valuation, vault.idle_base)
    idle += usd_of_usdc(w, valuation, spare_idle(w, valuation))
    invested = min(budget, idle)
    base, usdc = proportion(w)
    base_usd, usdc_usd = usd_of_base(w, valuation, base), usd_of_usdc(w, valuation, usdc)
    wanted = invested * base_usd / (base_usd + usdc_usd)
    wanted = np.floor(wanted / valuation.base_price * table.base_unit)
    if vault.idle_base < wanted:
        spent = usd_of_base(w, valuation, wanted - vault.idle_base)
        spent = floor_raw(spent / valuation.usdc_price * table.usdc_unit)
        spent = min(spent, vault.idle_usdc)
        limit = root * np.sqrt(1.0 + table.max_slippage)
        status = swap_exactly(w, False, spent, limit)
    else:
        limit = root * np.sqrt(1.0 - table.max_slippage)
        status = swap_exactly(w, True, vault.idle_base - wanted, limit)
    if status != OK:
        return status, 0.0
    rest = invested - usd_of_base(w, valuation, vault.idle_base)
    usdc = max(floor_raw(rest / valuation.usdc_price * table.usdc_unit), 0.0)
    usdc = min(usdc, spare_idle(w, valuation))
    liquidity, due_base, due_usdc = mint(w, vault.idle_base, usdc)
    if liquidity <= 0.0:
        return NO_IDLE_ASSETS, 0.0
    # The pool rounds up what L rounded down: for 18 decimals below float64's last digit.
    vault.idle_base -= min(due_base, vault.idle_base)
    vault.idle_usdc -= min(due_usdc, vault.idle_usdc)
    # What it is worth at most, at any price: all of it in USDC.
    most = np.ceil(liquidity * (position.sqrt_upper - position.sqrt_lower))
    if table.pledged and most > tables.clearing.lp_cap:
        return COLLATERAL_CAP, 0.0
    if table.pledged and paused(w) and most > pledged:
        return PAUSED, 0.0
    return OK, invested


@inner
def recenter(w: Path) -> tuple[int, float]:
    """``recenter``: (status, raw USDC protected); the caller restores the path when refused."""
    tables, state, oracle = w.tables, w.state, w.now
    table, position, vault = tables.vault, state.position, state.vault
    valuation = value_vault(w)
    if not valuation.fresh:
        return STALE_ORACLE, 0.0
    tick = tick_at_sqrt_price(valuation.sqrt_price)
    lately = _lately(w)
    # What a pledging vault places would be pledged for a debt of its cross account.
    owes = table.pledged and insolvent(value_margin(w, 0))
    if owes or not _allowed(w, position, valuation, tick, lately):
        return CENTRED, 0.0
    spot = state.pool.sqrt_price / valuation.sqrt_price
    if abs(spot - 1.0) > 0.5 * table.max_slippage:
        return SPOT_DEVIATES, 0.0
    status = _move_margin(w, valuation, False)
    if status != OK:
        return status, 0.0
    before = value_account(w, 0)
    pledged = np.ceil(position.liquidity * (position.sqrt_upper - position.sqrt_lower))
    if exists(position) and not stays(w):
        burn_to_idle(w, position.liquidity)
    place(w, tick)
    status, invested = _balance_and_mint(w, valuation, pledged)
    if status == OK and table.pledged:
        status = margin_kept(w, before)
    if status != OK:
        return status, 0.0
    status = _move_margin(w, valuation, True)
    if not lately:
        vault.recentred = oracle.clock
    protected = 0.0 if lately else invested / valuation.usdc_price * table.usdc_unit
    return status, protected
