"""The vault's margin at all venues together, on one path."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.margin_accounts import margin_standing, subs


@inner
def margin(w: Path) -> float:
    """USD in the vault's margin accounts."""
    total = 0.0
    for sub in range(subs(w)):
        total += margin_standing(w, sub).value
    return total


@inner
def margin_ratio(w: Path) -> float:
    """Lowest equity over maintenance margin of the vault's accounts; NaN: no position."""
    lowest = np.inf
    for sub in range(subs(w)):
        standing = margin_standing(w, sub)
        if standing.has_position and standing.maintenance > 0.0:
            lowest = min(lowest, standing.equity / standing.maintenance)
    return lowest if lowest < np.inf else np.nan
