"""The vault's hedges and margin at both venues together, on one path."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.perps.margin import has_position, value_account


@inner
def held(w: Path, account: int, market: int) -> float:
    """The vault's position, base units; a debt on Aave is short, in account 0."""
    size = w.state.clearing.size[account, market]
    if account == 0 and w.tables.aave.leg_of[market] >= 0:
        size += size_of(w, w.tables.aave.leg_of[market])
    return size


@inner
def margin(w: Path) -> float:
    """USD in the vault's margin accounts."""
    total = 0.0
    for account in range(w.tables.count.markets + 1):
        total += value_account(w, account).value
    if w.tables.count.legs > 0:
        total += value_loan(w).equity
    return total


@inner
def margin_ratio(w: Path) -> float:
    """Lowest equity over maintenance margin of the vault's accounts; NaN: no position."""
    lowest = np.inf
    for account in range(w.tables.count.markets + 1):
        if has_position(w, account):
            valued = value_account(w, account)
            if valued.maintenance > 0.0:
                lowest = min(lowest, valued.equity / valued.maintenance)
    if w.tables.count.legs > 0:
        loan = value_loan(w)
        if loan.maintenance > 0.0:
            lowest = min(lowest, loan.equity / loan.maintenance)
    return lowest if lowest < np.inf else np.nan
