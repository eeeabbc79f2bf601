"""The ClearingHouse as a hedge venue of the vault (contracts/SPEC.md §4.7).

What :class:`~simulator.model.venues.interface.HedgeVenue` says of each function is not said again.
"""

from __future__ import annotations

from simulator.model.kernel.codes import NO_CONSENT, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.kernel.rounding import floor_raw
from simulator.model.venues.perps.clearing import deposit, release
from simulator.model.venues.perps.margin import (
    Account,
    has_position,
    value_account,
)
from simulator.model.venues.perps.margin import usdc_worth as _usdc_worth
from simulator.model.venues.perps.margin import withdrawable as _withdrawable
from simulator.model.venues.perps.portfolio import has_pledge
from simulator.model.venues.perps.slices import transfer_slice
from simulator.model.venues.perps.trading import trade
from simulator.model.venues.perps.waterfall import write_off

_RAW_USDC = 1e-6

value_margin = value_account


@inner
def usdc_worth(w: Path, account: int, valued: Account) -> float:
    """The specification's u."""
    return _usdc_worth(w, valued)


@inner
def settled(w: Path, account: int) -> float:
    """A debt counts as such."""
    return floor_raw(w.state.clearing.cash[account] * w.tables.vault.usdc_unit)


@inner
def hedge_size(w: Path, account: int, market: int) -> float:
    """Of the perp."""
    return w.state.clearing.size[account, market]


@inner
def hedge(w: Path, account: int, market: int, delta: float, limit: float) -> int:
    """A market order."""
    status, _, _ = trade(w, account, market, delta, limit)
    return status


@inner
def withdrawable(w: Path, account: int) -> tuple[bool, float]:
    """Initial margin holds as well."""
    return _withdrawable(w, account, w.tables.vault.margin_target)


@inner
def add_margin(w: Path, account: int, raw: float) -> int:
    """USDC is collateral 0."""
    status = deposit(w, account, 0, raw)
    if status == OK:
        w.state.vault.idle_usdc -= raw
    return status


@inner
def take_margin(w: Path, account: int, raw: float) -> None:
    """Nothing is asked again that ``withdrawable`` has found."""
    release(w, account, raw)
    w.state.vault.idle_usdc += raw


@inner
def give_slice(
    w: Path, account: int, agent: int, receiver: int, fraction: float
) -> tuple[int, float]:
    """A part of positions and collateral goes to the receiver's account, which must be empty."""
    clearing = w.state.clearing
    held = abs(clearing.cash[account]) >= _RAW_USDC or has_position(w, account)
    if not (held or has_pledge(w, account)):
        return OK, 0.0
    if receiver < 0:
        return NO_CONSENT, 0.0
    status = transfer_slice(w, account, receiver, fraction)
    if status == OK:
        write_off(w, receiver)
    return status, 0.0
