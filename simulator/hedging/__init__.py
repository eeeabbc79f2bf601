"""Hedging mathematics: closed forms of a liquidity position, hedge ratios, covariance estimators.

Names are imported when first used: estimating compiles with Numba, which nobody should pay for who
only prices a position.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hedging.arbitrage import arbitrage_share, trade_probability
    from simulator.hedging.bands import implied_risk_aversion, trade_to_edge, whalley_wilmott
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
    from simulator.hedging.exposure import LpExposure, lp_exposure
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
    from simulator.hedging.monitor.charts import Cusum, EwmaChart, RollingFisher, Shewhart
    from simulator.hedging.monitor.hedge import HedgeMonitor
    from simulator.hedging.monitor.history import FirstAlarm, alarms, first_alarm
    from simulator.hedging.outcomes import (
        bootstrap,
        hedge_effectiveness,
        max_drawdown,
        shortfall_reduction,
    )
    from simulator.hedging.quadratic import InfeasibleError, minimise, minimise_semidefinite
    from simulator.hedging.ratios import Hedge, Limits, Position, Trading, minimum_shortfall
    from simulator.hedging.risk import (
        Estimate,
        clopper_pearson,
        effective_sample_size,
        expected_shortfall,
        expected_shortfall_interval,
        probability,
        quantiles,
        tail_shares,
        value_at_risk,
        value_at_risk_interval,
        wilson,
    )
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
    "arbitrage_share": "arbitrage",
    "trade_probability": "arbitrage",
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
    "implied_risk_aversion": "bands",
    "trade_to_edge": "bands",
    "whalley_wilmott": "bands",
    "LpExposure": "exposure",
    "lp_exposure": "exposure",
    "Cusum": "monitor.charts",
    "EwmaChart": "monitor.charts",
    "RollingFisher": "monitor.charts",
    "Shewhart": "monitor.charts",
    "HedgeMonitor": "monitor.hedge",
    "FirstAlarm": "monitor.history",
    "alarms": "monitor.history",
    "first_alarm": "monitor.history",
    "InfeasibleError": "quadratic",
    "minimise": "quadratic",
    "minimise_semidefinite": "quadratic",
    "Hedge": "ratios",
    "Limits": "ratios",
    "Position": "ratios",
    "Trading": "ratios",
    "minimum_shortfall": "ratios",
    "Estimate": "risk",
    "bootstrap": "outcomes",
    "clopper_pearson": "risk",
    "effective_sample_size": "risk",
    "expected_shortfall": "risk",
    "expected_shortfall_interval": "risk",
    "hedge_effectiveness": "outcomes",
    "max_drawdown": "outcomes",
    "probability": "risk",
    "quantiles": "risk",
    "tail_shares": "risk",
    "shortfall_reduction": "outcomes",
    "value_at_risk": "risk",
    "value_at_risk_interval": "risk",
    "wilson": "risk",
}

__all__ = [
    "Cusum",
    "DccGarch",
    "Estimate",
    "Estimator",
    "Ewma",
    "EwmaChart",
    "FirstAlarm",
    "Hedge",
    "HedgeMonitor",
    "InfeasibleError",
    "Kalman",
    "Learned",
    "LedoitWolf",
    "Limits",
    "LpExposure",
    "NeweyWest",
    "OneFactor",
    "Position",
    "Regimes",
    "Rolling",
    "RollingFisher",
    "Sample",
    "Shewhart",
    "Trading",
    "alarms",
    "amounts",
    "arbitrage_share",
    "betas",
    "bootstrap",
    "clopper_pearson",
    "confidence_set",
    "covariance",
    "delta",
    "diebold_mariano",
    "divergence_loss",
    "effective_sample_size",
    "effectiveness",
    "expected_shortfall",
    "expected_shortfall_interval",
    "first_alarm",
    "gamma",
    "hedge_effectiveness",
    "hedge_ratios",
    "impermanent_loss",
    "implied_risk_aversion",
    "in_range",
    "lp_exposure",
    "lvr_rate",
    "max_drawdown",
    "minimise",
    "minimise_semidefinite",
    "minimum_shortfall",
    "probability",
    "quantiles",
    "shortfall_loss",
    "shortfall_reduction",
    "tail_shares",
    "trade_probability",
    "trade_to_edge",
    "value",
    "value_at_risk",
    "value_at_risk_interval",
    "whalley_wilmott",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
