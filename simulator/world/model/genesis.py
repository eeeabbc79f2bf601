"""The state at deployment: pool open, venue funded, wallets full, margin posted, vault empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import COVARIANCE_RAMP, RECENTER_INTERVAL, SCALE_INTERVAL, USDC_DECIMALS
from simulator.world.model.lending import set_all_rates
from simulator.world.model.parameters import pool_table
from simulator.world.model.pool import initialise
from simulator.world.model.state import PoolState, State, allocate
from simulator.world.protocol import FACTOR_SCALE
from simulator.world.units import from_raw, maker_shares, to_raw

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.model.parameters import AaveTable, Tables
    from simulator.world.model.state import AaveState
    from simulator.world.protocol import AaveParameters, Protocol


def empty(protocol: Protocol, tables: Tables, paths: int) -> State:
    """A zeroed state of the protocol's shape. The gross rule keeps no covariance."""
    portfolio = protocol.clearing.risk_multiple > 0.0
    return allocate(
        paths,
        segments=tables.pool.ticks.size + 1,
        markets=protocol.markets,
        collaterals=len(protocol.clearing.collaterals),
        accounts=protocol.accounts,
        agents=len(protocol.agents),
        assets=len(protocol.assets),
        risk_assets=len(protocol.risk_assets) if portfolio else 0,
        legs=len(protocol.aave.legs) if protocol.aave is not None else 0,
    )


def genesis(protocol: Protocol, tables: Tables, pool_depth: Floats) -> State:
    """State of every path before step 0; the pool's depth ``[P]`` is that of step 0."""
    state = empty(protocol, tables, pool_depth.shape[0])
    depth = np.array(pool_depth, np.float64)
    initialise(tables.pool, state.pool, protocol.pool.sqrt_price_x96 / 2**96, depth)
    state.vault.betas_time[:] = -1.0
    state.vault.high_water_mark[:] = 1.0
    state.vault.recentred[:] = -RECENTER_INTERVAL
    _fund_clearing(protocol, tables, state)
    if protocol.aave is not None:
        _open_aave(protocol.aave, tables.aave, state.aave)
    for agent, slot in enumerate(protocol.agents):
        state.wallet.token[agent, 0] = to_raw(slot.usdc, USDC_DECIMALS)
        state.wallet.token[agent, 1] = to_raw(slot.base, protocol.assets[1].decimals)
        for leg, whole in zip(
            protocol.aave.legs if protocol.aave else (), slot.hedge, strict=False
        ):
            asset = leg.reserve.asset
            state.wallet.token[agent, asset] = to_raw(whole, protocol.assets[asset].decimals)
    return state


def _fund_clearing(protocol: Protocol, tables: Tables, state: State) -> None:
    clearing, terms = state.clearing, protocol.clearing
    clearing.skew_scale[:] = tables.clearing.skew_scale[:, None]
    clearing.scaled_at[:] = -float(SCALE_INTERVAL)  # never: the first change may be made at once
    clearing.covariance_time[:] = -float(COVARIANCE_RAMP)
    if clearing.covariance.size and terms.covariance_factor:
        clearing.covariance[:] = np.array(terms.covariance_factor)[:, :, None] / FACTOR_SCALE
    shares = maker_shares(protocol)
    funds = [(clearing.maker_cash[m], share) for m, share in enumerate(shares)]
    funds.append((clearing.insurance_fund, int(to_raw(terms.insurance_funds, USDC_DECIMALS))))
    for fund, paid_in in funds:
        fund[:] = from_raw(paid_in, USDC_DECIMALS)
        clearing.total_collateral[0] += paid_in
    for agent, slot in enumerate(protocol.agents):
        for collateral, whole in enumerate(slot.margin):
            account = protocol.account_of(agent)
            asset = protocol.assets[terms.collaterals[collateral].asset]
            held = to_raw(whole, asset.decimals)
            clearing.total_collateral[collateral] += held
            if collateral == 0:
                clearing.cash[account] = from_raw(held, USDC_DECIMALS)
            else:
                clearing.collateral[account, collateral] = held


def _open_aave(parameters: AaveParameters, table: AaveTable, aave: AaveState) -> None:
    """What others have supplied and borrowed; the legs' pools at their first price."""
    aave.liquidity_index[:] = 1.0
    aave.borrow_index[:] = 1.0
    reserves = (parameters.usdc, *(leg.reserve for leg in parameters.legs))
    for index, reserve in enumerate(reserves):
        lent = np.floor(reserve.borrowed * table.unit[index])
        aave.owed[index] = lent
        aave.available[index] = np.floor(reserve.supplied * table.unit[index]) - lent
    set_all_rates(table, aave)
    depth = np.ones(aave.nothing.shape[1])
    for index, leg in enumerate(parameters.legs):
        pool = PoolState(*(getattr(aave, name)[index] for name in PoolState._fields))
        initialise(pool_table(leg.pool), pool, leg.pool.sqrt_price_x96 / 2**96, depth)
