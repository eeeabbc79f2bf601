"""Management and performance fee, paid in new shares (contracts/SPEC.md §4.3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.types import SECONDS_PER_YEAR

# Virtual shares and assets: the first depositor cannot inflate the price of a share.
VIRTUAL_SHARES = 1e12
VIRTUAL_ASSETS = 1.0
# From raw USDC per raw share to USDC per share.
_PER_SHARE = 1e12
_WAD = 1e18
# However long nobody came by: what the management fee takes at most, fraction.
_MOST = 0.5


class Fees(NamedTuple):
    """What is due to the fee receiver, and the high-water mark after it is paid."""

    shares: float  # raw
    high_water_mark: float  # USDC per share


@inner
def _management_shares(w: Path, now: float) -> float:
    """Shares that dilute everyone by the management fee of the time since the last accrual."""
    table, vault = w.tables.vault, w.state.vault
    part = table.management_fee * _WAD * (now - vault.fees_time) / SECONDS_PER_YEAR
    part = min(np.floor(part) / _WAD, _MOST)
    return np.floor(vault.shares * part / (1.0 - part))


@inner
def fees_due(w: Path, assets: float, now: float) -> Fees:
    """Fees due at ``now`` (seconds since the start) with total ``assets`` (raw USDC)."""
    table, vault = w.tables.vault, w.state.vault
    mark = vault.high_water_mark
    supply = vault.shares
    if supply <= 0.0:
        fresh = (assets + VIRTUAL_ASSETS) / (supply + VIRTUAL_SHARES) * _PER_SHARE
        return Fees(0.0, max(fresh, 1.0))
    shares = _management_shares(w, now)
    supply += shares
    price = (assets + VIRTUAL_ASSETS) / (supply + VIRTUAL_SHARES) * _PER_SHARE
    over = max(price - mark, 0.0)
    paid = floor_raw(table.performance_fee * over * supply / _PER_SHARE)
    left = assets + VIRTUAL_ASSETS - paid
    performance = np.floor(paid * (supply + VIRTUAL_SHARES) / left)
    supply += performance
    price = (assets + VIRTUAL_ASSETS) / (supply + VIRTUAL_SHARES) * _PER_SHARE
    return Fees(shares + performance, max(mark, price))


@inner
def pay_fees(w: Path, fees: Fees, now: float) -> None:
    """Give the fee receiver its shares."""
    vault = w.state.vault
    vault.shares += fees.shares
    vault.fee_shares += fees.shares
    vault.high_water_mark = fees.high_water_mark
    vault.fees_time = now


@inner
def pay_management_fee(w: Path, now: float) -> None:
    """The fee that needs no price, which is all ``redeem_in_kind`` takes."""
    vault = w.state.vault
    shares = _management_shares(w, now)
    vault.shares += shares
    vault.fee_shares += shares
    vault.fees_time = now
