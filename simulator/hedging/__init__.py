"""Hedging mathematics: closed forms of a liquidity position, hedge ratios, covariance estimators.

Names are imported when first used: estimating compiles with Numba, which nobody should pay for who
only prices a position.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hedging.estimators.base import Estimator, betas
    from simulator.hedging.estimators.dcc import DccGarch
    from simulator.hedging.estimators.ewma import Ewma
    from simulator.hedging.estimators.kalman import Kalman
    from simulator.hedging.estimators.learned import Learned
    from simulator.hedging.estimators.ledoit_wolf import LedoitWolf
    from simulator.hedging.estimators.newey_west import NeweyWest
    from simulator.hedging.estimators.one_factor import OneFactor
    from simulator.hedging.estimators.regimes import Regimes
    from simulator.hedging.estimators.sample import Rolling, Sample
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
    from simulator.hedging.significance import confidence_set, diebold_mariano, shortfall_loss

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
    "Estimator": "estimators.base",
    "betas": "estimators.base",
    "DccGarch": "estimators.dcc",
    "Ewma": "estimators.ewma",
    "Kalman": "estimators.kalman",
    "Learned": "estimators.learned",
    "LedoitWolf": "estimators.ledoit_wolf",
    "NeweyWest": "estimators.newey_west",
    "OneFactor": "estimators.one_factor",
    "Regimes": "estimators.regimes",
    "Rolling": "estimators.sample",
    "Sample": "estimators.sample",
    "confidence_set": "significance",
    "diebold_mariano": "significance",
    "shortfall_loss": "significance",
}

__all__ = [
    "DccGarch",
    "Estimator",
    "Ewma",
    "Kalman",
    "Learned",
    "LedoitWolf",
    "NeweyWest",
    "OneFactor",
    "Regimes",
    "Rolling",
    "Sample",
    "amounts",
    "betas",
    "confidence_set",
    "covariance",
    "delta",
    "diebold_mariano",
    "divergence_loss",
    "effectiveness",
    "gamma",
    "hedge_ratios",
    "impermanent_loss",
    "in_range",
    "lvr_rate",
    "shortfall_loss",
    "value",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
