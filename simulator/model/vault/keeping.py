"""The vault's permissionless maintenance and the betas it follows (contracts/SPEC.md §4.5, §4.7).

Every function returns a status and the raw USDC of value it protected; the caller restores the
path when the status is not OK. Rewards are paid by :func:`pay_reward` after the function is done.
"""

from __future__ import annotations

from simulator.model.kernel.codes import (
    ACCOUNT_INSOLVENT,
    BELOW_MARGIN_TARGET,
    BETA_OUT_OF_BOUNDS,
    BETA_TOO_FAST,
    MARGIN_SUFFICIENT,
    NO_IDLE_ASSETS,
    OK,
    STALE_ORACLE,
    WITHIN_BAND,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import ceil_raw, floor_raw
from simulator.model.vault.unwinding import fraction_up, locked_in, pledges, unwind
from simulator.model.vault.valuation import lp_value, spare_idle, usd_of_base, value_vault
from simulator.model.venues.margin_accounts import (
    add_margin,
    hedge,
    hedge_size,
    insolvent,
    subs,
    take_margin,
    usdc_worth,
    value_margin,
    withdrawable,
)
from simulator.model.venues.perps.margin import stale
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.types import Floats

# USD: an exposure below this is not hedged, or what rounding left would hold a position open.
_DUST = 1e-6


@inner
def pay_reward(
    w: Path,
    agent: int,
    protected: float,
) -> float:
    """Pay the keeper from idle USDC for what it ``protected`` (raw USDC); returns raw USDC."""
    table, vault, wallet = w.tables.vault, w.state.vault, w.state.wallet
    earned = floor_raw(table.keeper_share * floor_raw(protected))
    reward = min(table.keeper_reward, earned, vault.idle_usdc)
    vault.idle_usdc -= reward
    wallet.token[agent, USDC_ASSET] += reward
    return reward


@inner
def _below_ratio(w: Path, sub: int, ratio: float) -> bool:
    """Whether the account's margin ratio E/M is below ``ratio``; needs fresh prices."""
    valued = value_margin(w, sub)
    return valued.equity < ratio * valued.maintenance


@inner
def rebalance(w: Path) -> tuple[int, float]:
    """``rebalance``: trade every hedge market further from its target than the band."""
    tables, state, oracle = w.tables, w.state, w.now
    table = tables.vault
    valuation = value_vault(w)
    if not valuation.fresh:
        return STALE_ORACLE, 0.0
    exposure = usd_of_base(w, valuation, valuation.lp_base + state.vault.idle_base)
    if exposure < _DUST:
        exposure = 0.0
    band = table.hedge_band * max(valuation.nav, 0.0)
    grew = False
    touched = 0
    protected = 0.0
    for market in range(tables.count.markets):
        asset = tables.clearing.asset[market]
        if stale(w, asset):
            return STALE_ORACLE, 0.0
        price = oracle.price[asset]
        size = hedge_size(w, market)
        deviation = -state.vault.betas[market] * exposure / price - size
        if abs(deviation) * price <= band:
            continue
        status = hedge(w, market, deviation)
        if status != OK:
            return status, 0.0
        protected += abs(deviation) * price
        touched |= 1 << market
        if abs(size + deviation) > abs(size):
            grew = True
    if touched == 0:
        return WITHIN_BAND, 0.0
    if grew:
        for market in range(tables.count.markets):
            sub = table.sub_of[market]
            if touched >> market & 1 and _below_ratio(w, sub, table.deleverage_ratio):
                return BELOW_MARGIN_TARGET, 0.0
    return OK, protected / valuation.usdc_price * table.usdc_unit


@inner
def top_up(w: Path) -> tuple[int, float]:
    """``top_up``: bring accounts below the top-up ratio that owe nothing to the margin target."""
    tables, state = w.tables, w.state
    table, vault = tables.vault, state.vault
    valuation = value_vault(w)
    if not valuation.fresh:
        return STALE_ORACLE, 0.0
    had, spare = vault.idle_usdc, spare_idle(w, valuation)
    due = False
    for sub in range(subs(w)):
        valued = value_margin(w, sub)
        if insolvent(valued) or valued.equity >= table.top_up_ratio * valued.maintenance:
            continue
        due = True
        missing = table.margin_target * valued.maintenance - valued.equity
        usdc = missing / usdc_worth(w, sub, valued)
        raw = min(ceil_raw(usdc * table.usdc_unit), spare_idle(w, valuation))
        if raw > 0.0:
            status = add_margin(w, sub, raw)
            if status != OK:
                return status, 0.0
    if not due:
        return MARGIN_SUFFICIENT, 0.0
    return (OK if spare > 0.0 else NO_IDLE_ASSETS), had - vault.idle_usdc


@inner
def _worst_sub(w: Path) -> int:
    """Place among the vault's accounts of the lowest E/M, -1 when none holds a position.

    Those worth less than nothing are left to liquidation.
    """
    worst, lowest = -1, 0.0
    for sub in range(subs(w)):
        valued = value_margin(w, sub)
        if valued.maintenance <= 0.0 or insolvent(valued):
            continue
        ratio = valued.equity / valued.maintenance
        if worst < 0 or ratio < lowest:
            worst, lowest = sub, ratio
    return worst


@inner
def _take_back(w: Path, given: float) -> int:
    """What pledged liquidity left in the cross account, as far as its margin target allows."""
    fresh, free = withdrawable(w, 0)
    if not fresh:
        return STALE_ORACLE
    take_margin(w, 0, min(given, free))
    return OK


@inner
def deleverage(w: Path) -> tuple[int, float]:
    """``deleverage``: shrink hedge and liquidity alike for the account nearest to liquidation."""
    tables, state = w.tables, w.state
    table = tables.vault
    valuation = value_vault(w)
    if not valuation.fresh:
        return STALE_ORACLE, 0.0
    worst = _worst_sub(w)
    if worst < 0:
        return MARGIN_SUFFICIENT, 0.0
    valued = value_margin(w, worst)
    if valued.equity >= table.deleverage_ratio * valued.maintenance:
        return MARGIN_SUFFICIENT, 0.0
    if locked_in(w):
        return ACCOUNT_INSOLVENT, 0.0
    target = table.margin_target * valued.maintenance
    liquidity = lp_value(w, valuation)
    own = worst == 0 and pledges(w, state.position)
    # Of liquidity pledged to the account, turning it into USDC frees the haircut alone.
    freed = tables.clearing.lp_haircut * liquidity if own else liquidity
    fraction = fraction_up(target - valued.equity, target + freed)
    before = state.vault.idle_usdc
    status, given = unwind(w, fraction)
    if status == OK and not own and given > 0.0:
        status = _take_back(w, given)
    raised = state.vault.idle_usdc - before
    raised = min(raised, spare_idle(w, valuation))
    if status == OK and not own and raised > 0.0:
        status = add_margin(w, worst, raised)
    return status, fraction * liquidity / valuation.usdc_price * table.usdc_unit


@inner
def post_betas(
    w: Path,
    liquidity: float,
    now: float,
    betas: Floats,
) -> int:
    """``post_betas`` of ``betas`` ``[M]``; writes nothing when refused.

    ``liquidity``: the vault's position. The first betas of all may be any while there is none.
    """
    table, vault = w.tables.vault, w.state.vault
    markets = w.tables.count.markets
    posted = vault.betas_time >= 0.0
    limited = posted or vault.idle_base > 0.0 or liquidity > 0.0
    if posted and now - vault.betas_time < table.beta_interval:
        return BETA_TOO_FAST
    for market in range(markets):
        if abs(betas[market]) > table.beta_max:
            return BETA_OUT_OF_BOUNDS
        if betas[market] < 0.0 and table.short_only[market] != 0:
            return BETA_OUT_OF_BOUNDS  # what is borrowed and sold is short
        change = abs(betas[market] - vault.betas[market])
        if limited and change > table.beta_max_change:
            return BETA_TOO_FAST
    for market in range(markets):
        vault.betas[market] = betas[market]
    vault.betas_time = now
    return OK
