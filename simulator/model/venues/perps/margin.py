"""The margin engine: funding, equity, requirement (contracts/SPEC.md §3.2–3.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.kernel.rounding import floor_raw
from simulator.model.venues.perps.maker import accrued
from simulator.model.venues.perps.owing import Owing, work_out
from simulator.model.venues.perps.owing import owing as known_owing
from simulator.model.venues.perps.portfolio import (
    BASE_ASSET,
    Direction,
    has_pledge,
    is_isolated,
    pledge_value,
    risk_along,
    row_norm,
)

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
def stale(w: Path, asset: int) -> bool:
    """Whether ``oracle.price(asset)`` is refused."""
    oracle = w.now
    return oracle.clock - oracle.updated_at[asset] > w.tables.oracle.max_age[asset]


@inner
def accrue(w: Path, market: int) -> bool:
    """Write the accrual of one market; False, and nothing written, when its price is stale."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    if oracle.clock <= clearing.funding_time[market]:
        return True
    if stale(w, table.asset[market]):
        return False
    rate, index = accrued(w, market)
    clearing.funding_rate[market] = rate
    clearing.funding_index[market] = index
    clearing.funding_time[market] = oracle.clock
    clearing.opening_skew[market] = clearing.skew[market]
    clearing.liquidated[market] = 0.0
    return True


@inner
def accrue_account(w: Path, account: int) -> None:
    """Write the accrual of every market the account holds; the caller has found it fresh."""
    clearing = w.state.clearing
    for market in range(w.tables.count.markets):
        if clearing.size[account, market] != 0.0:
            accrue(w, market)


@inner
def owed(w: Path, index: float, account: int, market: int) -> float:
    """Funding up to ``index`` and socialised losses a position owes, USDC (> 0: it pays)."""
    clearing = w.state.clearing
    size = clearing.size[account, market]
    loss = clearing.loss_long[market] if size > 0.0 else clearing.loss_short[market]
    funding = size * (index - clearing.funding_entry[account, market])
    return funding + abs(size) * (loss - clearing.loss_entry[account, market])


@inner
def equity_of(balance: float, secured: float, usdc_price: float, haircut: float) -> float:
    """E: a debt counts in full, a USDC balance after its haircut."""
    if balance >= 0.0:
        return balance * usdc_price * (1.0 - haircut) + secured
    return balance * usdc_price + secured


@inner
def has_position(w: Path, account: int) -> bool:
    """Whether the account holds any perp position."""
    clearing = w.state.clearing
    held = False
    for market in range(w.tables.count.markets):
        held = held or clearing.size[account, market] != 0.0
    return held


@inner
def unsettled(w: Path, account: int, market: int) -> float:
    """PnL of a position at the index less what it owes, USDC; without one nothing."""
    if w.state.clearing.size[account, market] == 0.0:
        return 0.0
    return profit_of(w, work_out(w, market), account, market)


@inner
def profit_of(w: Path, owing: Owing, account: int, market: int) -> float:
    """:func:`unsettled` of a position there is, with what those in its market owe."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    size = clearing.size[account, market]
    profit = size * oracle.price[table.asset[market]] - clearing.cost[account, market]
    profit -= owed(w, owing.funding, account, market)
    return profit - abs(size) * (owing.unpaid_long if size > 0.0 else owing.unpaid_short)


@inner
def _positions(w: Path, account: int, between: bool) -> tuple[bool, bool, float, float, float]:
    """(fresh, whether there are any, U, G, Σ|s|·I) of an account's positions.

    ``between``: two actions, where what is owed may be known.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    fresh, held = True, False
    profit = gross = notional = 0.0
    for market in range(w.tables.count.markets):
        size = clearing.size[account, market]
        if size == 0.0:
            continue
        held = True
        asset = table.asset[market]
        if stale(w, asset):
            fresh = False
        owing = known_owing(w, market) if between else work_out(w, market)
        profit += profit_of(w, owing, account, market)
        worth = abs(size) * oracle.price[asset]
        notional += worth
        gross += worth * table.maintenance_rate[market]
    return fresh, held, profit, gross, notional


@inner
def _basket(w: Path, account: int) -> tuple[bool, float, float]:
    """(fresh, USD, USD after haircuts) of an account's collateral other than USDC."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    fresh = True
    worth = secured = 0.0
    for collateral in range(1, w.tables.count.collaterals):
        raw = clearing.collateral[account, collateral]
        if raw > 0.0:
            asset = table.collateral_asset[collateral]
            if stale(w, asset):
                fresh = False
            usd = raw / table.unit[collateral] * oracle.price[asset]
            worth += usd
            secured += usd * (1.0 - table.haircut[collateral])
    return fresh, worth, secured


@inner
def value_account(w: Path, account: int) -> Account:
    """Value an account at the last prices, funding accrued up to now but not written."""
    return _value(w, account, False)


class Standing(NamedTuple):
    """What decides about an account: see :class:`Account`."""

    fresh: bool
    has_position: bool
    value: float
    equity: float
    maintenance: float


@inner
def standing_of(valued: Account) -> Standing:
    """Of an account as it was valued."""
    return Standing(
        valued.fresh, valued.has_position, valued.value, valued.equity, valued.maintenance
    )


@inner
def note_standing(w: Path, row: Record, found: Standing) -> None:
    """Keep it for as long as it is true."""
    row.version, row.fresh, row.has_position = w.known.version, found.fresh, found.has_position
    row.value, row.equity, row.maintenance = found.value, found.equity, found.maintenance


@inner
def noted_standing(row: Record) -> Standing:
    """As it was kept."""
    return Standing(row.fresh, row.has_position, row.value, row.equity, row.maintenance)


@inner
def standing(w: Path, account: int) -> Standing:
    """How an account stands between two actions."""
    if not w.known.kept:
        return standing_of(_value(w, account, True))
    row = w.known.account[account]
    if row.version != w.known.version:
        note_standing(w, row, standing_of(_value(w, account, True)))
    return noted_standing(row)


@inner
def _value(w: Path, account: int, between: bool) -> Account:
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    fresh, held, profit, gross, notional = _positions(w, account, between)
    fresh_basket, worth, secured = _basket(w, account)
    fresh = fresh and fresh_basket and not stale(w, table.collateral_asset[0])
    base = usdc = 0.0
    if has_pledge(w, account):
        fresh = fresh and not stale(w, BASE_ASSET)
        base, usdc = pledge_value(w, w.state.position)
        worth += base + usdc
        secured += (base + usdc) * (1.0 - table.lp_haircut)
    cash = clearing.cash[account]
    usdc_price = oracle.price[table.collateral_asset[0]]
    counted = profit
    if profit > 0.0:
        counted = min(profit, table.profit_cap * max(cash, 0.0))
    exposure = (cash + profit) * usdc_price + usdc
    floor, risk, maintenance = 1.0, 0.0, gross
    if held and table.risk_multiple > 0.0 and not is_isolated(w, account):
        standing = Direction(0, 0.0, 0.0)
        squared = risk_along(w, account, exposure, base, standing).squared
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
def usdc_worth(w: Path, account: Account) -> float:
    """u: USD of equity per USDC of balance."""
    table, oracle = w.tables.clearing, w.now
    price = oracle.price[table.collateral_asset[0]]
    if account.cash + account.profit >= 0.0:
        return price * (1.0 - table.haircut[0])
    return price


@inner
def initial_margin_met(w: Path, valued: Account) -> bool:
    """Whether E₀ ≥ μ·M."""
    table = w.tables.clearing
    return valued.initial_equity >= table.initial_multiple * valued.maintenance


@inner
def gated(w: Path) -> bool:
    """Whether margin behind a position may not leave yet, after an insolvency."""
    clearing, oracle = w.state.clearing, w.now
    return oracle.clock < clearing.gate_until


@inner
def _least_balance(w: Path, usdc_price: float, missing: float) -> float:
    """Smallest B whose part of the equity is ``missing``."""
    table = w.tables.clearing
    if missing >= 0.0:
        return missing / (usdc_price * (1.0 - table.haircut[0]))
    return missing / usdc_price


@inner
def _kept_of_spare(w: Path, price: float, ratio: float) -> float:
    """Part of the spare USDC that may leave: what leaves adds at most its own risk to M."""
    table = w.tables.clearing
    unit = price * (1.0 - table.haircut[0])
    multiple = max(ratio, table.initial_multiple) * table.risk_multiple
    return unit / (unit + multiple * row_norm(w, 0) * price)


@inner
def withdrawable(
    w: Path,
    account: int,
    ratio: float,
) -> tuple[bool, float]:
    """``ClearingHouse.withdrawable``: (fresh, raw USDC) that leaves E₀ ≥ μM and E ≥ ratio·M."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    cash = clearing.cash[account]
    if cash <= 0.0:
        return True, 0.0
    if not has_position(w, account):
        return True, floor_raw(cash * table.unit[0])
    if gated(w):
        return True, 0.0
    valued = value_account(w, account)
    price = oracle.price[table.collateral_asset[0]]
    keep = _least_balance(w, price, ratio * valued.maintenance - valued.secured)
    needed = table.initial_multiple * valued.maintenance
    initial = _least_balance(w, price, needed - valued.secured)
    least = max(max(keep, initial) - valued.profit, 0.0)
    if valued.profit > 0.0:
        # The profit that counts falls with the cash that leaves.
        least = max(least, initial / (1.0 + table.profit_cap))
    spare = max(cash - least, 0.0)
    if table.risk_multiple > 0.0 and not is_isolated(w, account):
        spare *= _kept_of_spare(w, price, ratio)
    return valued.fresh, floor_raw(spare * table.unit[0])
