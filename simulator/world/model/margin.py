"""The margin engine: funding, equity, requirement (contracts/SPEC.md §3.2–3.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.world.model.jit import inlined, inner
from simulator.world.model.maker import accrued, unpaid
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.portfolio import (
    BASE_ASSET,
    has_pledge,
    is_isolated,
    pledge_value,
    risk_along,
    row_norm,
)
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import ClearingState, Oracle

_WEI = 1e-18


class Account(NamedTuple):
    """A margin account, valued now. ``fresh``: no price it depends on is stale."""

    fresh: bool
    has_position: bool
    cash: float  # USDC
    profit: float  # U: unrealised PnL less funding and socialised losses owed, USDC
    secured: float  # value of collateral other than USDC and of pledges after haircuts, USD
    value: float  # USD, without haircuts
    equity: float  # E, USD
    initial_equity: float  # E₀, USD
    maintenance: float  # M, USD
    gross: float  # G, USD
    notional: float  # Σ|s|·I, USD
    floor: float  # φ': M is at least φ'·G
    risk: float  # R, USD; zero under the gross rule
    usdc_exposure: float  # n_USDC, USD
    pledged_base: float  # base asset in the pledge, USD
    pledged_usdc: float  # USDC in the pledge, USD

    # B of the specification is cash + profit.


@inner
def stale(oracle: Oracle, asset: int, i: int) -> bool:
    """Whether ``oracle.price(asset)`` is refused."""
    return oracle.clock[0] - oracle.updated_at[asset, i] > oracle.max_age[asset]


@inner
def accrue(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> bool:
    """Write the accrual of one market; False, and nothing written, when its price is stale."""
    if oracle.clock[0] <= clearing.funding_time[market, i]:
        return True
    if stale(oracle, table.asset[market], i):
        return False
    rate, index = accrued(table, clearing, oracle, market, i)
    clearing.funding_rate[market, i] = rate
    clearing.funding_index[market, i] = index
    clearing.funding_time[market, i] = oracle.clock[0]
    clearing.opening_skew[market, i] = clearing.skew[market, i]
    clearing.liquidated[market, i] = 0.0
    return True


@inner
def accrue_account(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> None:
    """Write the accrual of every market the account holds; the caller has found it fresh."""
    for market in range(table.asset.size):
        if clearing.size[account, market, i] != 0.0:
            accrue(table, clearing, oracle, market, i)


@inner
def owed(clearing: ClearingState, index: float, account: int, market: int, i: int) -> float:
    """Funding up to ``index`` and socialised losses a position owes, USDC (> 0: it pays)."""
    size = clearing.size[account, market, i]
    loss = clearing.loss_long[market, i] if size > 0.0 else clearing.loss_short[market, i]
    funding = size * (index - clearing.funding_entry[account, market, i])
    return funding + abs(size) * (loss - clearing.loss_entry[account, market, i])


@inner
def equity_of(balance: float, secured: float, usdc_price: float, haircut: float) -> float:
    """E: a debt counts in full, a USDC balance after its haircut."""
    if balance >= 0.0:
        return balance * usdc_price * (1.0 - haircut) + secured
    return balance * usdc_price + secured


@inner
def has_position(clearing: ClearingState, account: int, i: int) -> bool:
    """Whether the account holds any perp position."""
    held = False
    for market in range(clearing.size.shape[1]):
        held = held or clearing.size[account, market, i] != 0.0
    return held


@inner
def unsettled(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, market: int, i: int
) -> float:
    """PnL of a position at the index less what it owes, USDC; without one nothing."""
    size = clearing.size[account, market, i]
    if size == 0.0:
        return 0.0
    _, index = accrued(table, clearing, oracle, market, i)
    profit = size * oracle.price[table.asset[market], i] - clearing.cost[account, market, i]
    profit -= owed(clearing, index, account, market, i)
    return profit - abs(size) * unpaid(table, clearing, oracle, market, size > 0.0, i)


@inner
def _positions(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> tuple[bool, bool, float, float, float]:
    """(fresh, whether there are any, U, G, Σ|s|·I) of an account's positions."""
    fresh, held = True, False
    profit = gross = notional = 0.0
    for market in range(table.asset.size):
        size = clearing.size[account, market, i]
        if size == 0.0:
            continue
        held = True
        asset = table.asset[market]
        if stale(oracle, asset, i):
            fresh = False
        profit += unsettled(table, clearing, oracle, account, market, i)
        worth = abs(size) * oracle.price[asset, i]
        notional += worth
        gross += worth * table.maintenance_rate[market]
    return fresh, held, profit, gross, notional


@inner
def _basket(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> tuple[bool, float, float]:
    """(fresh, USD, USD after haircuts) of an account's collateral other than USDC."""
    fresh = True
    worth = secured = 0.0
    for collateral in range(1, table.collateral_asset.size):
        raw = clearing.collateral[account, collateral, i]
        if raw > 0.0:
            asset = table.collateral_asset[collateral]
            if stale(oracle, asset, i):
                fresh = False
            usd = raw / table.unit[collateral] * oracle.price[asset, i]
            worth += usd
            secured += usd * (1.0 - table.haircut[collateral])
    return fresh, worth, secured


@inlined
def value_account(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> Account:
    """Value an account at the last prices, funding accrued up to now but not written."""
    fresh, held, profit, gross, notional = _positions(table, clearing, oracle, account, i)
    fresh_basket, worth, secured = _basket(table, clearing, oracle, account, i)
    fresh = fresh and fresh_basket and not stale(oracle, table.collateral_asset[0], i)
    base = usdc = 0.0
    if has_pledge(table, clearing, account, i):
        fresh = fresh and not stale(oracle, BASE_ASSET, i)
        base, usdc = pledge_value(table, clearing.pledge, oracle, i)
        worth += base + usdc
        secured += (base + usdc) * (1.0 - table.lp_haircut)
    cash = clearing.cash[account, i]
    usdc_price = oracle.price[table.collateral_asset[0], i]
    counted = profit
    if profit > 0.0:
        counted = min(profit, table.profit_cap * max(cash, 0.0))
    exposure = (cash + profit) * usdc_price + usdc
    floor, risk, maintenance = 1.0, 0.0, gross
    if held and table.risk_multiple > 0.0 and not is_isolated(table, account):
        squared, _, _ = risk_along(table, clearing, oracle, account, exposure, base, 0, 0.0, 0.0, i)
        # Hedged to the last wei, an account is still under the rule: that is what zero would deny.
        floor, risk = table.gross_floor, max(np.sqrt(squared), _WEI)
        maintenance = max(floor * gross, table.risk_multiple * risk)
    return Account(
        fresh,
        held,
        cash,
        profit,
        secured,
        (cash + profit) * usdc_price + worth,
        equity_of(cash + profit, secured, usdc_price, table.haircut[0]),
        equity_of(cash + counted, secured, usdc_price, table.haircut[0]),
        maintenance,
        gross,
        notional,
        floor,
        risk,
        exposure,
        base,
        usdc,
    )


@inner
def usdc_worth(table: ClearingTable, oracle: Oracle, account: Account, i: int) -> float:
    """u: USD of equity per USDC of balance."""
    price = oracle.price[table.collateral_asset[0], i]
    if account.cash + account.profit >= 0.0:
        return price * (1.0 - table.haircut[0])
    return price


@inner
def initial_margin_met(table: ClearingTable, valued: Account) -> bool:
    """Whether E₀ ≥ μ·M."""
    return valued.initial_equity >= table.initial_multiple * valued.maintenance


@inner
def gated(clearing: ClearingState, oracle: Oracle, i: int) -> bool:
    """Whether margin behind a position may not leave yet, after an insolvency."""
    return oracle.clock[0] < clearing.gate_until[i]


@inner
def _least_balance(table: ClearingTable, usdc_price: float, missing: float) -> float:
    """Smallest B whose part of the equity is ``missing``."""
    if missing >= 0.0:
        return missing / (usdc_price * (1.0 - table.haircut[0]))
    return missing / usdc_price


@inner
def _kept_of_spare(
    table: ClearingTable, clearing: ClearingState, price: float, ratio: float, i: int
) -> float:
    """Part of the spare USDC that may leave: what leaves adds at most its own risk to M."""
    unit = price * (1.0 - table.haircut[0])
    multiple = max(ratio, table.initial_multiple) * table.risk_multiple
    return unit / (unit + multiple * row_norm(clearing, 0, i) * price)


@inner
def withdrawable(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    ratio: float,
    i: int,
) -> tuple[bool, float]:
    """``ClearingHouse.withdrawable``: (fresh, raw USDC) that leaves E₀ ≥ μM and E ≥ ratio·M."""
    cash = clearing.cash[account, i]
    if cash <= 0.0:
        return True, 0.0
    if not has_position(clearing, account, i):
        return True, floor_raw(cash * table.unit[0])
    if gated(clearing, oracle, i):
        return True, 0.0
    valued = value_account(table, clearing, oracle, account, i)
    price = oracle.price[table.collateral_asset[0], i]
    keep = _least_balance(table, price, ratio * valued.maintenance - valued.secured)
    needed = table.initial_multiple * valued.maintenance
    initial = _least_balance(table, price, needed - valued.secured)
    least = max(max(keep, initial) - valued.profit, 0.0)
    if valued.profit > 0.0:
        # The profit that counts falls with the cash that leaves.
        least = max(least, initial / (1.0 + table.profit_cap))
    spare = max(cash - least, 0.0)
    if table.risk_multiple > 0.0 and not is_isolated(table, account):
        spare *= _kept_of_spare(table, clearing, price, ratio, i)
    return valued.fresh, floor_raw(spare * table.unit[0])
