"""Exponentially weighted moments, zero mean (RiskMetrics Technical Document 1996, §5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.arguments import whole
from simulator.hedging import check
from simulator.hedging.estimators.base import as_returns, undefined
from simulator.hedging.estimators.moments import exponential_moments

if TYPE_CHECKING:
    from simulator.types import Floats

#: RiskMetrics' decay factor of daily data; a shorter bar takes the root that keeps the half-life.
DAILY_DECAY = 0.94


@dataclass(frozen=True)
class Ewma:
    """S ← λS + (1 − λ)rrᵀ.

    Attributes:
        decay: λ per row, in (0, 1).
        warmup: rows whose mean product begins the recursion.
    """

    decay: float
    warmup: int
    name: str = "ewma"

    def __post_init__(self) -> None:
        check.fraction("decay", self.decay)
        whole("warmup", self.warmup, 1)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        exponential_moments(returns, self.decay, self.warmup, result)
        return result
