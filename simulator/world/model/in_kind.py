"""``redeem_in_kind``: a share's part of everything, without a price (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.world.model.aave import exit_slice, owed_in_kind
from simulator.world.model.codes import BELOW_INITIAL_MARGIN, INSUFFICIENT_BALANCE, NO_CONSENT, OK
from simulator.world.model.fees import VIRTUAL_SHARES, pay_management_fee
from simulator.world.model.jit import inner
from simulator.world.model.lending import legs, value
from simulator.world.model.margin import has_position
from simulator.world.model.parameters import AAVE
from simulator.world.model.pool import burn_part
from simulator.world.model.portfolio import BASE_ASSET, USDC_ASSET
from simulator.world.model.record import Path
from simulator.world.model.rounding import floor_raw
from simulator.world.model.slices import transfer_slice
from simulator.world.model.unwinding import exists, pledges
from simulator.world.model.venues import sub_account, subs
from simulator.world.model.waterfall import write_off

_WAD = 1e18
_RAW_USDC = 1e-6


@inner
def _holds(w: Path, account: int) -> bool:
    """Whether there is a raw unit of USDC or a position in the account, pledges apart."""
    clearing = w.state.clearing
    return abs(clearing.cash[account]) >= _RAW_USDC or has_position(w, account)


@inner
def _repay_part(w: Path, agent: int, fraction: float) -> tuple[int, float]:
    """The agent brings ``fraction`` of every debt on Aave: (status, raw USDC released for it)."""
    tables, state = w.tables, w.state
    table, wallet = tables.aave, state.wallet
    for leg in range(legs(w)):
        asset = table.asset[leg + 1]
        due = owed_in_kind(w, leg, fraction)
        if wallet.token[agent, asset] < due:
            return INSUFFICIENT_BALANCE, 0.0
        wallet.token[agent, asset] -= due
    loan = value(w)
    if fraction < 1.0 and loan.equity < loan.maintenance:
        return BELOW_INITIAL_MARGIN, 0.0
    return OK, exit_slice(w, fraction)


@inner
def redeem_in_kind(w: Path, agent: int, account: int, shares: float) -> tuple[int, float]:
    """(status, fraction of the vault given); ``account`` -1: the agent has none to take a slice.

    The caller restores the path when refused.
    """
    tables, state, oracle = w.tables, w.state, w.now
    table, vault, wallet, position = tables.vault, state.vault, state.wallet, state.position
    if wallet.shares[agent] < shares:
        return INSUFFICIENT_BALANCE, 0.0
    pay_management_fee(w, oracle.clock)
    supply = vault.shares + VIRTUAL_SHARES
    paid = floor_raw(shares * (1.0 - table.exit_fee))  # the exit fee stays
    part = paid / supply
    usdc = floor_raw(vault.idle_usdc * paid / supply)
    base = floor_raw(vault.idle_base * paid / supply)
    vault.idle_usdc -= usdc
    vault.idle_base -= base
    pledged = pledges(w, position)
    if exists(position) and not pledged:
        burnt = np.floor(position.liquidity * paid / supply)
        more_base, more_usdc = burn_part(state.pool, position, burnt, part)
        base += more_base
        usdc += more_usdc
    fraction = np.floor(part * _WAD) / _WAD
    for sub in range(subs(w)):
        giver = sub_account(w, sub)
        if fraction == 0.0:
            break
        if giver == AAVE:
            status, released = _repay_part(w, agent, fraction)
            if status != OK:
                return status, 0.0
            usdc += released
            continue
        if not (pledged or _holds(w, giver)):
            continue
        if account < 0:
            return NO_CONSENT, 0.0
        status = transfer_slice(w, giver, account, fraction)
        if status != OK:
            return status, 0.0
        write_off(w, account)
    wallet.shares[agent] -= shares
    vault.shares -= shares
    wallet.token[agent, USDC_ASSET] += usdc
    wallet.token[agent, BASE_ASSET] += base
    return OK, part
