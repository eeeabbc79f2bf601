"""``redeem_in_kind``: a share's part of everything, without a price (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.aave import exit_slice, owed_in_kind
from simulator.world.model.codes import BELOW_INITIAL_MARGIN, INSUFFICIENT_BALANCE, NO_CONSENT, OK
from simulator.world.model.fees import VIRTUAL_SHARES, pay_management_fee
from simulator.world.model.jit import inner
from simulator.world.model.lending import value
from simulator.world.model.margin import has_position
from simulator.world.model.parameters import AAVE, Tables
from simulator.world.model.pool import burn_part
from simulator.world.model.portfolio import BASE_ASSET, USDC_ASSET
from simulator.world.model.rounding import floor_raw
from simulator.world.model.slices import transfer_slice
from simulator.world.model.state import ClearingState, Oracle, State
from simulator.world.model.unwinding import exists, pledges
from simulator.world.model.venues import sub_account, subs
from simulator.world.model.waterfall import write_off

_WAD = 1e18
_RAW_USDC = 1e-6


@inner
def _holds(clearing: ClearingState, account: int, i: int) -> bool:
    """Whether there is a raw unit of USDC or a position in the account, pledges apart."""
    return abs(clearing.cash[account, i]) >= _RAW_USDC or has_position(clearing, account, i)


@inner
def _repay_part(
    tables: Tables, state: State, oracle: Oracle, agent: int, fraction: float, i: int
) -> tuple[int, float]:
    """The agent brings ``fraction`` of every debt on Aave: (status, raw USDC released for it)."""
    table, aave, wallet = tables.aave, state.aave, state.wallet
    for leg in range(table.fee_ppm.size):
        asset = table.asset[leg + 1]
        due = owed_in_kind(aave, oracle, leg, fraction, i)
        if wallet.token[agent, asset, i] < due:
            return INSUFFICIENT_BALANCE, 0.0
        wallet.token[agent, asset, i] -= due
    loan = value(table, aave, oracle, i)
    if fraction < 1.0 and loan.equity < loan.maintenance:
        return BELOW_INITIAL_MARGIN, 0.0
    return OK, exit_slice(table, aave, oracle, fraction, i)


@inner
def redeem_in_kind(
    tables: Tables, state: State, oracle: Oracle, agent: int, account: int, shares: float, i: int
) -> tuple[int, float]:
    """(status, fraction of the vault given); ``account`` -1: the agent has none to take a slice.

    The caller restores the path when refused.
    """
    table, vault, wallet, position = tables.vault, state.vault, state.wallet, state.position
    if wallet.shares[agent, i] < shares:
        return INSUFFICIENT_BALANCE, 0.0
    pay_management_fee(table, vault, oracle.clock[0], i)
    supply = vault.shares[i] + VIRTUAL_SHARES
    paid = floor_raw(shares * (1.0 - table.exit_fee))  # the exit fee stays
    part = paid / supply
    usdc = floor_raw(vault.idle_usdc[i] * paid / supply)
    base = floor_raw(vault.idle_base[i] * paid / supply)
    vault.idle_usdc[i] -= usdc
    vault.idle_base[i] -= base
    pledged = pledges(table, position, i)
    if exists(position, i) and not pledged:
        burnt = np.floor(position.liquidity[i] * paid / supply)
        more_base, more_usdc = burn_part(state.pool, position, i, burnt, part)
        base += more_base
        usdc += more_usdc
    fraction = np.floor(part * _WAD) / _WAD
    for sub in range(subs(table)):
        giver = sub_account(table, sub)
        if fraction == 0.0:
            break
        if giver == AAVE:
            status, released = _repay_part(tables, state, oracle, agent, fraction, i)
            if status != OK:
                return status, 0.0
            usdc += released
            continue
        if not (pledged or _holds(state.clearing, giver, i)):
            continue
        if account < 0:
            return NO_CONSENT, 0.0
        status = transfer_slice(
            tables.clearing, state.clearing, state.pool, giver, account, fraction, i
        )
        if status != OK:
            return status, 0.0
        write_off(tables.clearing, state.clearing, oracle, account, i)
    wallet.shares[agent, i] -= shares
    vault.shares[i] -= shares
    wallet.token[agent, USDC_ASSET, i] += usdc
    wallet.token[agent, BASE_ASSET, i] += base
    return OK, part
