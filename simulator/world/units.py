"""Whole tokens ↔ raw integer units: the one conversion both worlds use at the agents' border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.types import Floats


def to_raw(whole: Floats | float, decimals: int) -> Floats:
    """Raw units of ``whole`` tokens, floored; float64 holding an integer.

    The product is taken in float64 (one rounding), so both worlds get the same integer: exact below
    2⁵³, and above it whatever integer the nearest float64 is.
    """
    return np.floor(np.asarray(whole, np.float64) * 10.0**decimals)


def from_raw(raw: Floats | float | int, decimals: int) -> Floats:
    """Whole tokens of ``raw`` units, float64."""
    return np.asarray(raw, np.float64) / 10.0**decimals
