"""Liquidation and the waterfall behind it (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.clearing import apply_fill, fill_price
from simulator.world.model.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_COLLATERAL,
    NO_POSITION,
    NOT_LIQUIDATABLE,
    OK,
    STALE_ORACLE,
)
from simulator.world.model.jit import inner
from simulator.world.model.margin import (
    Account,
    accrue_account,
    has_position,
    stale,
    usdc_worth,
    value_account,
)
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.state import ClearingState, Oracle


@inner
def closing_size(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    valued: Account,
    account: int,
    market: int,
    i: int,
) -> float:
    """Smallest close that restores initial margin, at most the whole position."""
    held = abs(clearing.size[account, market, i])
    price = oracle.price[table.asset[market], i]
    multiple = table.initial_multiple
    cost = table.half_spread[market] + table.liquidation_penalty
    freed = multiple * table.maintenance_rate[market]
    freed -= usdc_worth(table, oracle, valued, i) * cost
    if freed <= 0.0:
        return held
    missing = multiple * valued.maintenance - valued.equity
    return min(held, missing / (price * freed))


@inner
def liquidate(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    market: int,
    liquidator: int,
    i: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate``: (status, size closed, penalty USDC)."""
    size = clearing.size[account, market, i]
    if size == 0.0:
        return NO_POSITION, 0.0, 0.0
    valued = value_account(table, clearing, oracle, account, i)
    if not valued.fresh:
        return STALE_ORACLE, 0.0, 0.0
    if valued.equity >= valued.maintenance:
        return NOT_LIQUIDATABLE, 0.0, 0.0
    accrue_account(table, clearing, oracle, account, i)
    closed = closing_size(table, clearing, oracle, valued, account, market, i)
    delta = -closed if size > 0.0 else closed
    fill = max(fill_price(table, clearing, oracle, market, delta, i), 0.0)
    apply_fill(clearing, account, market, delta, fill, i)

    after = value_account(table, clearing, oracle, account, i)
    keep = max(valued.equity, 0.0) * after.maintenance / valued.maintenance
    spare = max(after.equity - keep, 0.0) / oracle.price[table.collateral_asset[0], i]
    notional = closed * oracle.price[table.asset[market], i]
    penalty = min(notional * table.liquidation_penalty, spare)
    share = penalty * table.liquidator_share
    clearing.cash[account, i] -= penalty
    clearing.cash[liquidator, i] += share
    clearing.insurance_fund[i] += penalty - share
    write_off(clearing, account, i)
    return OK, closed, penalty


@inner
def write_off(clearing: ClearingState, account: int, i: int) -> None:
    """Cover the debt of an account with nothing left: insurance fund first, then the maker."""
    debt = -clearing.cash[account, i]
    if debt <= 0.0 or has_position(clearing, account, i):
        return
    for collateral in range(1, clearing.collateral.shape[1]):
        if clearing.collateral[account, collateral, i] > 0.0:
            return
    insured = min(debt, clearing.insurance_fund[i])
    clearing.insurance_fund[i] -= insured
    clearing.maker_cash[i] -= debt - insured
    clearing.bad_debt[i] += debt
    clearing.cash[account, i] = 0.0


@inner
def _collateral_due(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> int:
    """Status of the condition under which an indebted account's collateral is for sale."""
    if clearing.cash[account, i] >= 0.0:
        return NOT_LIQUIDATABLE
    if not has_position(clearing, account, i):
        return OK
    valued = value_account(table, clearing, oracle, account, i)
    if not valued.fresh:
        return STALE_ORACLE
    if valued.equity >= valued.maintenance:
        return NOT_LIQUIDATABLE
    return OK


@inner
def liquidate_collateral(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    account: int,
    collateral: int,
    raw: float,
    liquidator: int,
    i: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate_collateral``: (status, raw units taken, USDC paid)."""
    status = _collateral_due(table, clearing, oracle, account, i)
    if status != OK:
        return status, 0.0, 0.0
    held = clearing.collateral[account, collateral, i]
    taken, paid = min(raw, held), 0.0
    if taken > 0.0:
        asset, usdc = table.collateral_asset[collateral], table.collateral_asset[0]
        if stale(oracle, asset, i) or stale(oracle, usdc, i):
            return STALE_ORACLE, 0.0, 0.0
        # USDC per raw unit, after the discount.
        rate = oracle.price[asset, i] * (1.0 - table.liquidation_penalty)
        rate /= oracle.price[usdc, i] * table.unit[collateral]
        paid = taken * rate
        debt = -clearing.cash[account, i]
        if paid > debt:
            paid = debt
            taken = min(np.floor(debt / rate), taken)
        if clearing.cash[liquidator, i] < paid:
            return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    debtor_cash, own_cash = clearing.cash[account, i], clearing.cash[liquidator, i]
    own = clearing.collateral[liquidator, collateral, i]
    clearing.cash[account, i] = debtor_cash + paid
    clearing.cash[liquidator, i] -= paid
    clearing.collateral[account, collateral, i] -= taken
    clearing.collateral[liquidator, collateral, i] += taken
    if paid > 0.0 and has_position(clearing, liquidator, i):
        valued = value_account(table, clearing, oracle, liquidator, i)
        if not valued.fresh or valued.initial_equity < table.initial_multiple * valued.maintenance:
            clearing.cash[account, i] = debtor_cash
            clearing.cash[liquidator, i] = own_cash
            clearing.collateral[account, collateral, i] = held
            clearing.collateral[liquidator, collateral, i] = own
            return (BELOW_INITIAL_MARGIN if valued.fresh else STALE_ORACLE), 0.0, 0.0
        accrue_account(table, clearing, oracle, liquidator, i)
    accrue_account(table, clearing, oracle, account, i)
    write_off(clearing, account, i)
    return OK, taken, paid
