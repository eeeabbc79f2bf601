"""Whole tokens as agents say them, in raw units."""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.world.units import SNAP


@inner
def raw_or_all(amount: float, held: float, unit: float) -> float:
    """Raw units of ``amount`` whole tokens, or exactly ``held`` raw where it means all of it."""
    everything = held / unit
    if abs(amount - everything) <= SNAP * abs(everything):
        return held
    return np.floor(amount * unit)
