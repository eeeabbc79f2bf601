"""How the vault turns what it holds into USDC (contracts/SPEC.md §4.3–4.4, §4.7)."""

from __future__ import annotations

import numpy as np

from simulator.types import KEPT_REWARDS
from simulator.world.model.codes import (
    BELOW_INITIAL_MARGIN,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
)
from simulator.world.model.jit import inner
from simulator.world.model.margin import Account, accrue_account, value_account
from simulator.world.model.parameters import ClearingTable, Tables, VaultTable
from simulator.world.model.pool import burn_and_collect, limit_passed, quote, settle
from simulator.world.model.rounding import ceil_raw
from simulator.world.model.state import (
    ClearingState,
    Oracle,
    PoolState,
    PositionState,
    State,
    VaultState,
)
from simulator.world.model.valuation import (
    Valuation,
    lp_value,
    oracle_sqrt_price,
    value_vault,
)
from simulator.world.model.venues import (
    add_margin,
    hedge,
    hedge_size,
    insolvent,
    sub_account,
    subs,
    take_margin,
    usdc_worth,
    value_margin,
    withdrawable,
)

_WAD = 1e18


@inner
def swap_exactly(
    tables: Tables, state: State, sells_base: bool, amount: float, sqrt_limit: float, i: int
) -> int:
    """Swap all of ``amount`` raw of the vault's idle tokens within ``sqrt_limit``, or refuse."""
    if amount <= 0.0:
        return OK
    pool, position, vault = state.pool, state.position, state.vault
    if limit_passed(pool.sqrt_price[i], sells_base, sqrt_limit):
        return SLIPPAGE
    swapped = quote(tables.pool, pool, position, i, sells_base, True, amount, sqrt_limit)
    if swapped.amount_in < amount:
        return SLIPPAGE
    settle(pool, position, i, sells_base, swapped)
    if sells_base:
        vault.idle_base[i] -= amount
        vault.idle_usdc[i] += swapped.amount_out
    else:
        vault.idle_usdc[i] -= amount
        vault.idle_base[i] += swapped.amount_out
    return OK


@inner
def fraction_up(numerator: float, denominator: float) -> float:
    """min(1, numerator/denominator), rounded up to a WAD; 1 if the denominator is ≤ 0."""
    if denominator <= 0.0 or numerator >= denominator:
        return 1.0
    return min(np.ceil(numerator / denominator * _WAD) / _WAD, 1.0)


@inner
def burn_to_idle(
    pool: PoolState, position: PositionState, vault: VaultState, liquidity: float, i: int
) -> float:
    """Burn and collect to idle, fees included; returns the raw base tokens of the liquidity."""
    base, usdc, fees_base, fees_usdc = burn_and_collect(pool, position, i, liquidity)
    vault.idle_base[i] += base + fees_base
    vault.idle_usdc[i] += usdc + fees_usdc
    return base


@inner
def exists(position: PositionState, i: int) -> bool:
    """Whether there is a position, be it one of which a liquidator left the fees alone."""
    return position.liquidity[i] > 0.0 or position.fees0[i] > 0.0 or position.fees1[i] > 0.0


@inner
def pledges(table: VaultTable, position: PositionState, i: int) -> bool:
    """Whether the vault's position backs its cross account now."""
    return table.pledged and position.liquidity[i] > 0.0


@inner
def locked_in(tables: Tables, state: State, oracle: Oracle, i: int) -> bool:
    """Whether the liquidity backs an account that owes: unwound, its fees would pay the debt."""
    return pledges(tables.vault, state.position, i) and insolvent(
        value_margin(tables, state, oracle, 0, i)
    )


@inner
def margin_kept(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, before: Account, i: int
) -> int:
    """The check that ends a ``rearrange`` of the cross account, valued ``before`` it began.

    Either initial margin holds, or the margin ratio is no worse than it was; of an account that
    owed more than it had, the equity is no less.
    """
    after = value_account(table, clearing, oracle, 0, i)
    if not after.fresh:
        return STALE_ORACLE
    accrue_account(table, clearing, oracle, 0, i)
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
def _close_hedges(tables: Tables, state: State, oracle: Oracle, fraction: float, i: int) -> int:
    """Close ``fraction`` of every position, but for those of accounts that owed before."""
    markets = tables.clearing.asset.size
    owing = 0
    for market in range(markets):
        account = tables.vault.account_of[market]
        if insolvent(value_margin(tables, state, oracle, account, i)):
            owing |= 1 << market
    for market in range(markets):
        size = hedge_size(tables, state, oracle, market, i)
        if size != 0.0 and not owing >> market & 1:
            status = hedge(tables, state, oracle, market, -fraction * size, i)
            if status != OK:
                return status
    return OK


@inner
def _sell_liquidity(tables: Tables, state: State, oracle: Oracle, fraction: float, i: int) -> int:
    """Burn ``fraction`` of the liquidity and sell the base that yields; all idle base at 1."""
    table, position, vault = tables.vault, state.position, state.vault
    liquidity = position.liquidity[i]
    sold = 0.0
    if exists(position, i):
        burnt = liquidity if fraction >= 1.0 else np.floor(fraction * liquidity)
        sold = burn_to_idle(state.pool, position, vault, burnt, i)
    if fraction >= 1.0:
        sold = vault.idle_base[i]
    limit = oracle_sqrt_price(table, oracle, i) * np.sqrt(1.0 - table.max_slippage)
    return swap_exactly(tables, state, True, sold, limit, i)


@inner
def unwind(
    tables: Tables, state: State, oracle: Oracle, fraction: float, i: int
) -> tuple[int, float]:
    """``_unwind``: close ``fraction`` of hedge and liquidity, sell the base that yields.

    What pledged liquidity raises stays in the cross account, where a debt may need it: returns
    (status, raw USDC left there).
    """
    status = _close_hedges(tables, state, oracle, fraction, i)
    if status != OK:
        return status, 0.0
    if not pledges(tables.vault, state.position, i):
        return _sell_liquidity(tables, state, oracle, fraction, i), 0.0
    table, clearing, vault = tables.clearing, state.clearing, state.vault
    before = value_account(table, clearing, oracle, 0, i)
    idle = vault.idle_usdc[i]
    status = _sell_liquidity(tables, state, oracle, fraction, i)
    given = vault.idle_usdc[i] - idle
    if status == OK and given > 0.0:
        status = add_margin(tables, state, oracle, 0, given, i)
    if status == OK:
        status = margin_kept(table, clearing, oracle, before, i)
    return status, given


@inner
def draw_margin(
    tables: Tables, state: State, oracle: Oracle, assets: float, everything: bool, i: int
) -> int:
    """Withdraw excess margin to idle until it holds ``assets``, or all that can leave."""
    for sub in range(subs(tables.vault)):
        need = assets - state.vault.idle_usdc[i]
        if need <= 0.0 and not everything:
            break
        account = sub_account(tables.vault, sub)
        fresh, raw = withdrawable(tables, state, oracle, account, i)
        if not fresh:
            return STALE_ORACLE
        if not everything:
            raw = min(raw, need)
        take_margin(tables, state, oracle, account, raw, i)
    return OK


@inner
def _short_of_target(tables: Tables, state: State, oracle: Oracle, i: int) -> float:
    """D: USDC that accounts below the margin target would keep for themselves."""
    total = 0.0
    for sub in range(subs(tables.vault)):
        account = sub_account(tables.vault, sub)
        valued = value_margin(tables, state, oracle, account, i)
        missing = tables.vault.margin_target * valued.maintenance - valued.equity
        if missing > 0.0 and not insolvent(valued):
            total += missing / usdc_worth(tables, oracle, account, valued, i)
    return total


@inner
def _fraction_to_raise(
    tables: Tables, state: State, oracle: Oracle, valuation: Valuation, wanted: float, i: int
) -> float:
    """Part of both legs whose unwinding frees ``wanted`` USDC; an account that owes gives none."""
    table = tables.vault
    available = valuation.accounts
    for sub in range(subs(table)):
        valued = value_margin(tables, state, oracle, sub_account(table, sub), i)
        if insolvent(valued):
            available -= valued.value
    if not table.pledged:
        available += lp_value(table, valuation)
    available /= valuation.usdc_price
    return fraction_up(wanted * (1.0 + table.max_slippage), available)


@inner
def raise_usdc(
    tables: Tables, state: State, oracle: Oracle, assets: float, most: float, i: int
) -> tuple[int, float]:
    """``_raise``: bring idle USDC toward ``assets`` raw: excess margin, then an unwinding.

    Of excess margin the pay of keepers stays idle too. Unwinds at most ``most`` of both legs.
    Returns (status, raw USDC that cost at the oracle's prices, without the part that brings
    accounts back to the margin target).
    """
    vault = state.vault
    if vault.idle_usdc[i] >= assets:
        return OK, 0.0
    kept = KEPT_REWARDS * tables.vault.keeper_reward
    status = draw_margin(tables, state, oracle, assets + kept, False, i)
    if status != OK or vault.idle_usdc[i] >= assets or most <= 0.0:
        return status, 0.0
    before = value_vault(tables, state, oracle, i)
    if not before.fresh:
        return STALE_ORACLE, 0.0
    need = (assets - vault.idle_usdc[i]) / tables.vault.usdc_unit
    wanted = need + _short_of_target(tables, state, oracle, i)
    fraction = min(_fraction_to_raise(tables, state, oracle, before, wanted, i), most)
    status, _ = unwind(tables, state, oracle, fraction, i)
    if status != OK:
        return status, 0.0
    status = draw_margin(tables, state, oracle, assets, fraction >= 1.0, i)
    lost = max(before.nav, 0.0) - max(value_vault(tables, state, oracle, i).nav, 0.0)
    cost = ceil_raw(max(lost, 0.0) * need / wanted / before.usdc_price * tables.vault.usdc_unit)
    return status, cost
