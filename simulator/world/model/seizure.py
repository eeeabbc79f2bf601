"""Sale of what backs a failing account: collateral, pledges (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_COLLATERAL,
    NOT_LIQUIDATABLE,
    NOT_PLEDGED,
    NOT_REDUCING_RISK,
    OK,
    STALE_ORACLE,
)
from simulator.world.model.jit import inner
from simulator.world.model.liquidation import reduces_risk, restoring
from simulator.world.model.margin import (
    Account,
    accrue_account,
    has_position,
    initial_margin_met,
    stale,
    value_account,
)
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.pool import burn_part
from simulator.world.model.portfolio import BASE_ASSET, USDC_ASSET, has_pledge, risk_along
from simulator.world.model.state import ClearingState, Oracle, PoolState
from simulator.world.model.waterfall import write_off


@inner
def collateral_due(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, account: int, i: int
) -> int:
    """Status of the condition under which an indebted account's collateral is for sale."""
    if clearing.cash[account, i] >= 0.0:
        return NOT_LIQUIDATABLE
    if not has_position(clearing, account, i):
        return OK
    if stale(oracle, table.collateral_asset[0], i):
        return STALE_ORACLE
    valued = value_account(table, clearing, oracle, account, i)
    return NOT_LIQUIDATABLE if valued.equity >= valued.maintenance else OK


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
    """``ClearingHouse.liquidate_collateral``: (status, raw units taken, USDC paid).

    The caller restores the path when refused.
    """
    status = collateral_due(table, clearing, oracle, account, i)
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
    clearing.cash[account, i] += paid
    clearing.cash[liquidator, i] -= paid
    clearing.collateral[account, collateral, i] -= taken
    clearing.collateral[liquidator, collateral, i] += taken
    write_off(table, clearing, oracle, account, i)
    if paid > 0.0:
        status = _check_buyer(table, clearing, oracle, liquidator, i)
        if status != OK:
            return status, 0.0, 0.0
    return OK, taken, paid


@inner
def _check_buyer(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, liquidator: int, i: int
) -> int:
    """Whether who bought has its initial margin, when all else is done."""
    if not has_position(clearing, liquidator, i):
        return OK
    valued = value_account(table, clearing, oracle, liquidator, i)
    if not valued.fresh:
        return STALE_ORACLE
    if not initial_margin_met(table, valued):
        return BELOW_INITIAL_MARGIN
    accrue_account(table, clearing, oracle, liquidator, i)
    return OK


@inner
def _pledge_due(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    valued: Account,
    account: int,
    i: int,
) -> int:
    """Status of the condition under which pledged liquidity may be taken."""
    if not has_pledge(table, clearing, account, i):
        return NOT_PLEDGED
    if stale(oracle, BASE_ASSET, i) or stale(oracle, USDC_ASSET, i):
        return STALE_ORACLE
    if not valued.has_position:
        return NOT_LIQUIDATABLE if valued.cash >= 0.0 else OK
    return NOT_LIQUIDATABLE if valued.equity >= valued.maintenance else OK


@inner
def _pledge_fraction(
    table: ClearingTable,
    clearing: ClearingState,
    oracle: Oracle,
    valued: Account,
    account: int,
    i: int,
) -> float:
    """Part of the liquidity whose sale restores initial margin, or pays a flat account's debt.

    No more than leaves risk without effect on E/M.
    """
    base, usdc = valued.pledged_base, valued.pledged_usdc
    sold = base * (1.0 - table.liquidation_penalty)
    if not valued.has_position:
        price = oracle.price[table.collateral_asset[0], i]
        return min(-valued.cash * price / (usdc + sold), 1.0) if usdc + sold > 0.0 else 1.0
    if base + usdc == 0.0:
        return 1.0
    gain = (usdc + sold) * (1.0 - table.haircut[0]) - (base + usdc) * (1.0 - table.lp_haircut)
    gain = max(gain, 0.0)
    squared = along = length = 0.0
    if valued.risk > 0.0:
        squared, along, length = risk_along(
            table,
            clearing,
            oracle,
            account,
            valued.usdc_exposure,
            base,
            table.base_row,
            base,
            -sold,
            i,
        )
    return restoring(table, valued, gain, -gain, -gain, squared, along, length, 1.0)


@inner
def liquidate_pledge(
    table: ClearingTable,
    clearing: ClearingState,
    pool: PoolState,
    oracle: Oracle,
    account: int,
    liquidator: int,
    i: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate_pledge``: (status, fraction of the liquidity, USDC paid).

    The liquidator buys the base asset it frees; the USDC goes to the account. The caller restores
    the path when refused.
    """
    valued = value_account(table, clearing, oracle, account, i)
    status = _pledge_due(table, clearing, oracle, valued, account, i)
    if status != OK:
        return status, 0.0, 0.0
    fraction = _pledge_fraction(table, clearing, oracle, valued, account, i)
    if fraction <= 0.0:
        return NOT_REDUCING_RISK, 0.0, 0.0
    liquidity = clearing.pledge.liquidity[i]
    burnt = liquidity if fraction >= 1.0 else np.ceil(fraction * liquidity)
    base, usdc = burn_part(pool, clearing.pledge, i, burnt, 0.0)
    clearing.cash[account, i] += usdc / table.usdc_unit
    clearing.total_collateral[0, i] += usdc

    rate = oracle.price[BASE_ASSET, i] * (1.0 - table.liquidation_penalty)
    paid = base / table.base_unit * rate / oracle.price[USDC_ASSET, i]
    if clearing.cash[liquidator, i] < paid:
        return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    clearing.cash[liquidator, i] -= paid
    clearing.cash[account, i] += paid
    clearing.collateral[liquidator, table.base_collateral, i] += base
    clearing.total_collateral[table.base_collateral, i] += base
    if valued.has_position and valued.equity > 0.0:
        after = value_account(table, clearing, oracle, account, i)
        if not reduces_risk(table, valued, after):
            return NOT_REDUCING_RISK, 0.0, 0.0
    write_off(table, clearing, oracle, account, i)
    status = _check_buyer(table, clearing, oracle, liquidator, i)
    if status != OK:
        return status, 0.0, 0.0
    return OK, fraction, paid
