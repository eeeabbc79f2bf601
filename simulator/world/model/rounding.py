"""Rounding to raw integer units as the contracts round, from float64.

A product that is an integer on chain can come out 1e-16 below it here, and a bare floor would then
lose a whole unit. Values that close to an integer are taken to be that integer.
"""

from __future__ import annotations

import numpy as np

from simulator.world.model.jit import inner

_TOLERANCE = 1e-15


@inner
def floor_raw(amount: float) -> float:
    """Raw units, rounded down."""
    nearest = np.rint(amount)
    if abs(amount - nearest) <= _TOLERANCE * abs(amount):
        return nearest
    return np.floor(amount)


@inner
def ceil_raw(amount: float) -> float:
    """Raw units, rounded up."""
    nearest = np.rint(amount)
    if abs(amount - nearest) <= _TOLERANCE * abs(amount):
        return nearest
    return np.ceil(amount)
