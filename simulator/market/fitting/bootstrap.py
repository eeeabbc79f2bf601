"""Mean block length of the stationary bootstrap (Politis and White 2004, Patton et al. 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.market.fitting.base import Fitted, correlation_of, yearly

if TYPE_CHECKING:
    from simulator.types import Floats


def fit(returns: Floats, names: tuple[str, ...], step_minutes: int) -> Fitted:
    """See :func:`simulator.market.fitting.fit`; ``file`` and ``symbols`` are the caller's to add.

    The length is the longest that any asset's absolute returns ask for: what a block must keep is
    the clustering of volatility, returns themselves being nearly uncorrelated.
    """
    from arch.bootstrap import optimal_block_length

    length = float(np.max(optimal_block_length(np.abs(returns))["stationary"]))
    # No block is longer than the record; of a series whose sizes are all alike there is no length.
    length = float(np.clip(np.nan_to_num(length, nan=1.0), 1.0, len(returns)))
    hours = length * step_minutes / 60
    return Fitted(
        names=names,
        process={"kind": "bootstrap", "mean_block_hours": round(hours, 2)},
        volatility=yearly(returns.std(axis=0), step_minutes),
        correlation=correlation_of(returns.T @ returns),
        estimates={},
    )
