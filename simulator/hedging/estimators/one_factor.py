"""The single-index model (Sharpe 1963, Management Science 9): assets move together by one index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging.estimators.base import as_returns, undefined
from simulator.hedging.estimators.moments import rolling_covariance

if TYPE_CHECKING:
    from simulator.types import Floats


@dataclass(frozen=True)
class OneFactor:
    """Σ = b bᵀσ_f² + D over the last ``window`` rows; f is the hedges' mean, each in its own σ.

    Loadings b are least-squares slopes on f, D what is left of each variance. Fewer numbers to
    estimate than correlations, at the price of a bias where hedges share more than one factor.
    With a single hedge the index is that hedge, and Σ the sample covariance.
    """

    window: int
    name: str = "one-factor"

    def __post_init__(self) -> None:
        whole("window", self.window, 2)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        result = undefined(returns)
        rolling_covariance(returns, self.window, result)
        known = result[self.window :]
        variances = np.einsum("tii->ti", known).copy()
        weights = np.zeros_like(variances)
        scales = np.sqrt(variances[:, 1:])
        # A hedge that stood still all along is no part of the index.
        np.divide(1.0, scales, out=weights[:, 1:], where=scales > 0.0)
        with_index = np.einsum("tij,tj->ti", known, weights)
        index = np.einsum("ti,ti->t", with_index, weights)[:, None, None]
        shared = with_index[:, :, None] * with_index[:, None, :]
        np.divide(shared, index, out=known, where=index > 0.0)
        np.einsum("tii->ti", known)[:] = variances
        return result
