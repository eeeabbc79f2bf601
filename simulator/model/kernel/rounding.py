"""Rounding to raw integer units as the contracts round, from float64.

A product that is an integer on chain can come out 1e-16 below it here, and a bare floor would then
lose a whole unit. Values that close to an integer are taken to be that integer.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner

_TOLERANCE = 1e-15
_UNCUT = 1e12  # a price of at most twelve decimals, times raw USDC, is a whole number of 10⁻¹⁸


@inner
def floor_raw(amount: float) -> float:
    """Raw units, rounded down."""
    nearest = np.rint(amount)
    if abs(amount - nearest) <= _TOLERANCE * abs(amount):
        return nearest
    return np.floor(amount)


@inner
def floor_of_usd(usd: float, price: float, unit: float) -> float:
    """Raw units that ``usd`` buy at ``price``, rounded down, where ``usd`` came from raw units.

    The contracts go from raw units to USD and back, truncating at 10⁻¹⁸: a whole number of units
    comes back whole only if the price has so few decimals that nothing was cut, else one short.
    """
    amount = usd / price * unit
    nearest = np.rint(amount)
    if abs(amount - nearest) > _TOLERANCE * abs(amount):
        return np.floor(amount)
    nothing_cut = np.rint(price * _UNCUT) == price * _UNCUT
    return nearest if nothing_cut else nearest - 1.0


@inner
def ceil_raw(amount: float) -> float:
    """Raw units, rounded up."""
    nearest = np.rint(amount)
    if abs(amount - nearest) <= _TOLERANCE * abs(amount):
        return nearest
    return np.ceil(amount)
