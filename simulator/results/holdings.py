"""The vault's hedges and margin at both venues together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


def vault_sizes(state: Observation, protocol: Protocol) -> Floats:
    """``[1 + M, M, P]`` positions by account and market; a debt on Aave is short, in row 0."""
    sizes = state.size[: 1 + protocol.markets]
    if protocol.aave is None:
        return sizes
    sizes = np.array(sizes)
    for market, leg in protocol.leg_of.items():
        sizes[0, market] -= state.aave_debt[leg]
    return sizes


def vault_margin(state: Observation, accounts: range) -> Floats:
    """``[P]`` USD in the vault's margin accounts."""
    values = state.account_value[accounts.start : accounts.stop]
    return sum([*values[1:], *state.aave_equity], start=values[0])


def margin_ratio(state: Observation, accounts: range) -> Floats:
    """Lowest equity over maintenance of the vault's accounts, ``[P]``; NaN: no position."""
    low = np.full(state.maintenance.shape[1], np.nan)
    pairs = [(state.equity[account], state.maintenance[account]) for account in accounts]
    pairs += zip(state.aave_equity, state.aave_maintenance, strict=True)
    for equity, needed in pairs:
        ratio = np.full(needed.shape, np.nan)
        np.divide(equity, needed, out=ratio, where=needed > 0.0)
        np.fmin(low, ratio, out=low)
    return low
