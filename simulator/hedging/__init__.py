"""Hedging mathematics: closed forms of a liquidity position and minimum-variance hedge ratios.

Names are imported when first used: estimating compiles with Numba, which nobody should pay for who
only prices a position.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hedging.lp import (
        amounts,
        delta,
        divergence_loss,
        gamma,
        impermanent_loss,
        in_range,
        lvr_rate,
        value,
    )
    from simulator.hedging.minimum_variance import covariance, effectiveness, hedge_ratios

_HOME = {
    "amounts": "lp",
    "delta": "lp",
    "divergence_loss": "lp",
    "gamma": "lp",
    "impermanent_loss": "lp",
    "in_range": "lp",
    "lvr_rate": "lp",
    "value": "lp",
    "covariance": "minimum_variance",
    "effectiveness": "minimum_variance",
    "hedge_ratios": "minimum_variance",
}

__all__ = [
    "amounts",
    "covariance",
    "delta",
    "divergence_loss",
    "effectiveness",
    "gamma",
    "hedge_ratios",
    "impermanent_loss",
    "in_range",
    "lvr_rate",
    "value",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
