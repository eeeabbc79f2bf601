"""Sample covariances: of all rows so far, and of a rolling window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.arguments import whole
from simulator.hedging.estimators.base import as_returns, undefined
from simulator.hedging.estimators.moments import expanding_covariance, rolling_covariance

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(frozen=True)
class Sample:
    """Covariance of every row so far; its beta is expanding least squares.

    Attributes:
        warmup: rows before the first forecast, two or more.
    """

    warmup: int
    name: str = "sample"

    def __post_init__(self) -> None:
        whole("warmup", self.warmup, 2)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        expanding_covariance(returns, self.warmup, result)
        return result


@dataclass(frozen=True)
class Rolling:
    """Covariance of the last ``window`` rows, two or more."""

    window: int
    name: str = "rolling"

    def __post_init__(self) -> None:
        whole("window", self.window, 2)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        rolling_covariance(returns, self.window, result)
        return result
