"""The state at deployment: pool open, venue funded, wallets full, margin posted, vault empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths, View
from simulator.model.pools import held
from simulator.model.pools.uniswap_v3.pool import initialise
from simulator.model.state import STATE
from simulator.model.venues.aave.interest import set_rates
from simulator.protocol.state.table import SUBJECTS, kept
from simulator.types import USDC_DECIMALS
from simulator.world.protocol import FACTOR_SCALE
from simulator.world.units import from_raw, maker_shares, to_raw

if TYPE_CHECKING:
    from simulator.model.parameters import Tables
    from simulator.world.protocol import AaveParameters, LendingMarket, Protocol


_open = held.initialise


@kernel
def _open_pools(paths: Paths) -> None:
    """Pools at their first price, Aave's rates from what is lent."""
    for i in range(paths.states.size):
        w = at(paths, i)
        _open(w)
        for leg in range(w.tables.count.legs):
            initialise(w.tables.aave.pools[leg], w.state.aave.pools[leg], 1.0)
        aave, lending = w.state.aave, w.state.lending
        for reserve in range(w.tables.count.legs + (w.tables.count.legs > 0)):
            set_rates(w.tables.aave, aave, reserve, aave.available[reserve])
        for listing in range(w.tables.count.listings):
            set_rates(w.tables.lending, lending, listing, lending.available[listing])


def genesis(protocol: Protocol, tables: Tables, paths: Paths) -> View:
    """Make blank paths those before step 0, whose moments are given; returns their state."""
    state = View(paths.states, STATE, tables.counts)
    for record, subject in SUBJECTS.items():
        for name, row in kept(subject).items():
            if row.start:
                getattr(getattr(state, record), name)[:] = row.start
    _fund_clearing(protocol, tables, state)
    if protocol.aave is not None:
        _lend(protocol.aave, tables, state)
    if protocol.lending is not None:
        _borrow(protocol.lending, protocol, tables, state)
    for agent, slot in enumerate(protocol.agents):
        state.wallet.token[agent, 0] = to_raw(slot.usdc, USDC_DECIMALS)
        state.wallet.token[agent, 1] = to_raw(slot.base, protocol.assets[1].decimals)
        for leg, whole in zip(
            protocol.aave.legs if protocol.aave else (), slot.hedge, strict=False
        ):
            asset = leg.reserve.asset
            state.wallet.token[agent, asset] = to_raw(whole, protocol.assets[asset].decimals)
        others = protocol.lending.others if protocol.lending else ()
        for asset, whole in zip(others, slot.listed, strict=False):
            state.wallet.token[agent, asset] += to_raw(whole, protocol.assets[asset].decimals)
    _open_pools(paths)
    return state


def _fund_clearing(protocol: Protocol, tables: Tables, state: View) -> None:
    clearing, terms = state.clearing, protocol.clearing
    clearing.skew_scale[:] = tables.view.clearing.skew_scale[:, None]
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


def _lend(parameters: AaveParameters, tables: Tables, state: View) -> None:
    """What others have supplied and borrowed."""
    aave, unit = state.aave, tables.view.aave.unit
    reserves = (parameters.usdc, *(leg.reserve for leg in parameters.legs))
    for index, reserve in enumerate(reserves):
        lent = np.floor(reserve.borrowed * unit[index])
        aave.owed[index] = lent
        aave.available[index] = np.floor(reserve.supplied * unit[index]) - lent


def _borrow(market: LendingMarket, protocol: Protocol, tables: Tables, state: View) -> None:
    """What borrowers and all others have supplied and owe at the lending market."""
    lending, unit = state.lending, tables.view.lending.unit
    for index, listing in enumerate(market.listings):
        decimals = protocol.assets[listing.asset].decimals
        owed = np.floor(listing.borrowed * unit[index])
        supplied = np.floor(listing.supplied * unit[index])
        for number, borrower in enumerate(market.borrowers):
            collateral = to_raw(borrower.collateral[index], decimals)
            debt = to_raw(borrower.debt[index], decimals)
            lending.supplied[number, index], lending.debt[number, index] = collateral, debt
            lending.used[number, index] = float(collateral > 0.0)
            supplied, owed = supplied + collateral, owed + debt
        lending.owed[index], lending.available[index] = owed, supplied - owed
