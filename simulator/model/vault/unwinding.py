"""How the vault turns what it holds into USDC (contracts/SPEC.md §4.3–4.4, §4.7)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    OK,
    STALE_ORACLE,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.kernel.rounding import ceil_raw
from simulator.model.pools.held import burn_and_collect, swap_whole
from simulator.model.vault.valuation import (
    Valuation,
    lp_value,
    oracle_sqrt_price,
    value_vault,
)
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
from simulator.model.venues.perps.margin import Account, accrue_account, value_account
from simulator.types import KEPT_REWARDS

_WAD = 1e18


@inner
def swap_exactly(w: Path, sells_base: bool, amount: float, sqrt_limit: float) -> int:
    """Swap all of ``amount`` raw of the vault's idle tokens within ``sqrt_limit``, or refuse."""
    if amount <= 0.0:
        return OK
    vault = w.state.vault
    status, got = swap_whole(w, sells_base, amount, sqrt_limit)
    if status != OK:
        return status
    if sells_base:
        vault.idle_base -= amount
        vault.idle_usdc += got
    else:
        vault.idle_usdc -= amount
        vault.idle_base += got
    return OK


@inner
def fraction_up(numerator: float, denominator: float) -> float:
    """min(1, numerator/denominator), rounded up to a WAD; 1 if the denominator is ≤ 0."""
    if denominator <= 0.0 or numerator >= denominator:
        return 1.0
    return min(np.ceil(numerator / denominator * _WAD) / _WAD, 1.0)


@inner
def burn_to_idle(w: Path, liquidity: float) -> float:
    """Burn and collect to idle, fees included; returns the raw base tokens of the liquidity."""
    vault = w.state.vault
    base, usdc, fees_base, fees_usdc = burn_and_collect(w, liquidity)
    vault.idle_base += base + fees_base
    vault.idle_usdc += usdc + fees_usdc
    return base


@inner
def exists(position: Record) -> bool:
    """Whether there is a position, be it one of which a liquidator left the fees alone."""
    return position.liquidity > 0.0 or position.fees0 > 0.0 or position.fees1 > 0.0


@inner
def pledges(w: Path, position: Record) -> bool:
    """Whether the vault's position backs its cross account now."""
    table = w.tables.vault
    return table.pledged and position.liquidity > 0.0


@inner
def locked_in(w: Path) -> bool:
    """Whether the liquidity backs an account that owes: unwound, its fees would pay the debt."""
    state = w.state
    return pledges(w, state.position) and insolvent(value_margin(w, 0))


@inner
def margin_kept(w: Path, before: Account) -> int:
    """The check that ends a ``rearrange`` of the cross account, valued ``before`` it began.

    Either initial margin holds, or the margin ratio is no worse than it was; of an account that
    owed more than it had, the equity is no less.
    """
    table = w.tables.clearing
    after = value_account(w, 0)
    if not after.fresh:
        return STALE_ORACLE
    accrue_account(w, 0)
    if not after.has_position and after.cash >= 0.0:
        return OK
    if after.initial_equity >= table.initial_multiple * after.maintenance:
        return OK
    if before.equity < 0.0:  # a larger M would raise the ratio of a negative E
        kept = after.equity >= before.equity
    else:
        kept = after.equity * before.maintenance >= before.equity * after.maintenance
    return OK if after.has_position and kept else BELOW_INITIAL_MARGIN


@inner
def _close_hedges(w: Path, fraction: float) -> int:
    """Close ``fraction`` of every position, but for those of accounts that owed before."""
    tables = w.tables
    markets = tables.count.markets
    owing = 0
    for market in range(markets):
        if insolvent(value_margin(w, tables.vault.sub_of[market])):
            owing |= 1 << market
    for market in range(markets):
        size = hedge_size(w, market)
        if size != 0.0 and not owing >> market & 1:
            status = hedge(w, market, -fraction * size)
            if status != OK:
                return status
    return OK


@inner
def _sell_liquidity(w: Path, fraction: float) -> int:
    """Burn ``fraction`` of the liquidity and sell the base that yields; all idle base at 1."""
    tables, state = w.tables, w.state
    table, position, vault = tables.vault, state.position, state.vault
    liquidity = position.liquidity
    sold = 0.0
    if exists(position):
        burnt = liquidity if fraction >= 1.0 else np.floor(fraction * liquidity)
        sold = burn_to_idle(w, burnt)
    if fraction >= 1.0:
        sold = vault.idle_base
    limit = oracle_sqrt_price(w) * np.sqrt(1.0 - table.max_slippage)
    return swap_exactly(w, True, sold, limit)


@inner
def unwind(w: Path, fraction: float) -> tuple[int, float]:
    """``_unwind``: close ``fraction`` of hedge and liquidity, sell the base that yields.

    What pledged liquidity raises stays in the cross account, where a debt may need it: returns
    (status, raw USDC left there).
    """
    state = w.state
    status = _close_hedges(w, fraction)
    if status != OK:
        return status, 0.0
    if not pledges(w, state.position):
        return _sell_liquidity(w, fraction), 0.0
    vault = state.vault
    before = value_account(w, 0)
    idle = vault.idle_usdc
    status = _sell_liquidity(w, fraction)
    given = vault.idle_usdc - idle
    if status == OK and given > 0.0:
        status = add_margin(w, 0, given)
    if status == OK:
        status = margin_kept(w, before)
    return status, given


@inner
def draw_margin(w: Path, assets: float, everything: bool) -> int:
    """Withdraw excess margin to idle until it holds ``assets``, or all that can leave."""
    state = w.state
    for sub in range(subs(w)):
        need = assets - state.vault.idle_usdc
        if need <= 0.0 and not everything:
            break
        fresh, raw = withdrawable(w, sub)
        if not fresh:
            return STALE_ORACLE
        if not everything:
            raw = min(raw, need)
        take_margin(w, sub, raw)
    return OK


@inner
def _short_of_target(w: Path) -> float:
    """D: USDC that accounts below the margin target would keep for themselves."""
    tables = w.tables
    total = 0.0
    for sub in range(subs(w)):
        valued = value_margin(w, sub)
        missing = tables.vault.margin_target * valued.maintenance - valued.equity
        if missing > 0.0 and not insolvent(valued):
            total += missing / usdc_worth(w, sub, valued)
    return total


@inner
def _fraction_to_raise(w: Path, valuation: Valuation, wanted: float) -> float:
    """Part of both legs whose unwinding frees ``wanted`` USDC; an account that owes gives none."""
    tables = w.tables
    table = tables.vault
    available = valuation.accounts
    for sub in range(subs(w)):
        valued = value_margin(w, sub)
        if insolvent(valued):
            available -= valued.value
    if not table.pledged:
        available += lp_value(w, valuation)
    available /= valuation.usdc_price
    return fraction_up(wanted * (1.0 + table.max_slippage), available)


@inner
def raise_usdc(w: Path, assets: float, most: float) -> tuple[int, float]:
    """``_raise``: bring idle USDC toward ``assets`` raw: excess margin, then an unwinding.

    Of excess margin the pay of keepers stays idle too. Unwinds at most ``most`` of both legs.
    Returns (status, raw USDC that cost at the oracle's prices, without the part that brings
    accounts back to the margin target).
    """
    tables, state = w.tables, w.state
    vault = state.vault
    if vault.idle_usdc >= assets:
        return OK, 0.0
    kept = KEPT_REWARDS * tables.vault.keeper_reward
    status = draw_margin(w, assets + kept, False)
    if status != OK or vault.idle_usdc >= assets or most <= 0.0:
        return status, 0.0
    before = value_vault(w)
    if not before.fresh:
        return STALE_ORACLE, 0.0
    need = (assets - vault.idle_usdc) / tables.vault.usdc_unit
    wanted = need + _short_of_target(w)
    fraction = min(_fraction_to_raise(w, before, wanted), most)
    status, _ = unwind(w, fraction)
    if status != OK:
        return status, 0.0
    status = draw_margin(w, assets, fraction >= 1.0)
    lost = max(before.nav, 0.0) - max(value_vault(w).nav, 0.0)
    cost = ceil_raw(max(lost, 0.0) * need / wanted / before.usdc_price * tables.vault.usdc_unit)
    return status, cost
