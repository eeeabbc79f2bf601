"""Sale of what backs a failing account: collateral, pledges (contracts/SPEC.md §3.5)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_COLLATERAL,
    NOT_LIQUIDATABLE,
    NOT_PLEDGED,
    NOT_REDUCING_RISK,
    OK,
    STALE_ORACLE,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.pools.uniswap_v3.pool import burn_part
from simulator.model.venues.perps.liquidation import Unit, reduces_risk, restoring
from simulator.model.venues.perps.margin import (
    Account,
    accrue_account,
    has_position,
    initial_margin_met,
    stale,
    value_account,
)
from simulator.model.venues.perps.portfolio import (
    BASE_ASSET,
    USDC_ASSET,
    Along,
    Direction,
    has_pledge,
    risk_along,
)
from simulator.model.venues.perps.waterfall import write_off


@inner
def collateral_due(w: Path, account: int) -> int:
    """Status of the condition under which an indebted account's collateral is for sale."""
    table, clearing = w.tables.clearing, w.state.clearing
    if clearing.cash[account] >= 0.0:
        return NOT_LIQUIDATABLE
    if not has_position(w, account):
        return OK
    if stale(w, table.collateral_asset[0]):
        return STALE_ORACLE
    valued = value_account(w, account)
    return NOT_LIQUIDATABLE if valued.equity >= valued.maintenance else OK


@inner
def liquidate_collateral(
    w: Path,
    account: int,
    collateral: int,
    raw: float,
    liquidator: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate_collateral``: (status, raw units taken, USDC paid).

    The caller restores the path when refused.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    status = collateral_due(w, account)
    if status != OK:
        return status, 0.0, 0.0
    held = clearing.collateral[account, collateral]
    taken, paid = min(raw, held), 0.0
    if taken > 0.0:
        asset, usdc = table.collateral_asset[collateral], table.collateral_asset[0]
        if stale(w, asset) or stale(w, usdc):
            return STALE_ORACLE, 0.0, 0.0
        # USDC per raw unit, after the discount.
        rate = oracle.price[asset] * (1.0 - table.liquidation_penalty)
        rate /= oracle.price[usdc] * table.unit[collateral]
        paid = taken * rate
        debt = -clearing.cash[account]
        if paid > debt:
            paid = debt
            taken = min(np.floor(debt / rate), taken)
        if clearing.cash[liquidator] < paid:
            return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    clearing.cash[account] += paid
    clearing.cash[liquidator] -= paid
    clearing.collateral[account, collateral] -= taken
    clearing.collateral[liquidator, collateral] += taken
    write_off(w, account)
    if paid > 0.0:
        status = _check_buyer(w, liquidator)
        if status != OK:
            return status, 0.0, 0.0
    return OK, taken, paid


@inner
def _check_buyer(w: Path, liquidator: int) -> int:
    """Whether who bought has its initial margin, when all else is done."""
    if not has_position(w, liquidator):
        return OK
    valued = value_account(w, liquidator)
    if not valued.fresh:
        return STALE_ORACLE
    if not initial_margin_met(w, valued):
        return BELOW_INITIAL_MARGIN
    accrue_account(w, liquidator)
    return OK


@inner
def _pledge_due(
    w: Path,
    valued: Account,
    account: int,
) -> int:
    """Status of the condition under which pledged liquidity may be taken."""
    if not has_pledge(w, account):
        return NOT_PLEDGED
    if stale(w, BASE_ASSET) or stale(w, USDC_ASSET):
        return STALE_ORACLE
    if not valued.has_position:
        return NOT_LIQUIDATABLE if valued.cash >= 0.0 else OK
    return NOT_LIQUIDATABLE if valued.equity >= valued.maintenance else OK


@inner
def _pledge_fraction(
    w: Path,
    valued: Account,
    account: int,
) -> float:
    """Part of the liquidity whose sale restores initial margin, or pays a flat account's debt.

    No more than leaves risk without effect on E/M.
    """
    table, oracle = w.tables.clearing, w.now
    base, usdc = valued.pledged_base, valued.pledged_usdc
    sold = base * (1.0 - table.liquidation_penalty)
    if not valued.has_position:
        price = oracle.price[table.collateral_asset[0]]
        return min(-valued.cash * price / (usdc + sold), 1.0) if usdc + sold > 0.0 else 1.0
    if base + usdc == 0.0:
        return 1.0
    gain = (usdc + sold) * (1.0 - table.haircut[0]) - (base + usdc) * (1.0 - table.lp_haircut)
    gain = max(gain, 0.0)
    moved = Along(0.0, 0.0, 0.0)
    if valued.risk > 0.0:
        way = Direction(table.base_row, base, -sold)
        moved = risk_along(w, account, valued.usdc_exposure, base, way)
    return restoring(w, valued, Unit(gain, -gain, -gain), moved, 1.0)


@inner
def liquidate_pledge(
    w: Path,
    account: int,
    liquidator: int,
) -> tuple[int, float, float]:
    """``ClearingHouse.liquidate_pledge``: (status, fraction of the liquidity, USDC paid).

    The liquidator buys the base asset it frees; the USDC goes to the account. The caller restores
    the path when refused.
    """
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    valued = value_account(w, account)
    status = _pledge_due(w, valued, account)
    if status != OK:
        return status, 0.0, 0.0
    fraction = _pledge_fraction(w, valued, account)
    if fraction <= 0.0:
        return NOT_REDUCING_RISK, 0.0, 0.0
    liquidity = w.state.position.liquidity
    burnt = liquidity if fraction >= 1.0 else np.ceil(fraction * liquidity)
    base, usdc = burn_part(w.state.pool, w.state.position, burnt, 0.0)
    clearing.cash[account] += usdc / table.usdc_unit
    clearing.total_collateral[0] += usdc

    rate = oracle.price[BASE_ASSET] * (1.0 - table.liquidation_penalty)
    paid = base / table.base_unit * rate / oracle.price[USDC_ASSET]
    if clearing.cash[liquidator] < paid:
        return INSUFFICIENT_COLLATERAL, 0.0, 0.0
    clearing.cash[liquidator] -= paid
    clearing.cash[account] += paid
    clearing.collateral[liquidator, table.base_collateral] += base
    clearing.total_collateral[table.base_collateral] += base
    if valued.has_position and valued.equity > 0.0:
        after = value_account(w, account)
        if not reduces_risk(w, valued, after):
            return NOT_REDUCING_RISK, 0.0, 0.0
    write_off(w, account)
    status = _check_buyer(w, liquidator)
    if status != OK:
        return status, 0.0, 0.0
    return OK, fraction, paid
