"""``redeem_in_kind``: a share's part of everything, without a price (contracts/SPEC.md §4.3)."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import INSUFFICIENT_BALANCE, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.pools.held import burn_part
from simulator.model.vault.fees import VIRTUAL_SHARES, pay_management_fee
from simulator.model.vault.unwinding import exists, pledges
from simulator.model.venues.margin_accounts import give_slice, subs
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET

_WAD = 1e18


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
        more_base, more_usdc = burn_part(w, burnt, part)
        base += more_base
        usdc += more_usdc
    fraction = np.floor(part * _WAD) / _WAD
    if fraction > 0.0:
        for sub in range(subs(w)):
            status, released = give_slice(w, sub, agent, account, fraction)
            if status != OK:
                return status, 0.0
            usdc += released
    wallet.shares[agent] -= shares
    vault.shares -= shares
    wallet.token[agent, USDC_ASSET] += usdc
    wallet.token[agent, BASE_ASSET] += base
    return OK, part
