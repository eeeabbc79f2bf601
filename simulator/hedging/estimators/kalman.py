"""A beta that walks at random, followed by the Kalman filter; its variances by maximum likelihood.

Observation r₀ = βᵀr_h + ε with variance R, transition β ← β + η with variances qᵢR (Hamilton 1994,
§13.8). R is concentrated out of the likelihood (Harvey 1989, §4.2), so only the q are searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import check, rank
from simulator.hedging.estimators.base import as_returns, refits, undefined
from simulator.hedging.estimators.moments import exponential_moments
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

#: Prior variance of a beta, over R times the inverse variance of its hedge: hardly a prior at all.
PRIOR = 1e4
#: Searched range of log q (each hedge scaled to unit variance), from a fixed beta to a wild one.
LOG_RATIO = (-25.0, 0.0)


@dataclass(frozen=True)
class Kalman:
    """Random-walk betas; the hedges' own covariance is exponentially weighted.

    Σ_hh is that of :class:`~simulator.hedging.estimators.ewma.Ewma`, σ_ht = Σ_hh β and
    σ_tt = βᵀΣ_hhβ + R + tr(PΣ_hh): what the filter expects of the next observation.

    Attributes:
        warmup: rows before the first fit.
        refit_every: rows between two fits, each on all rows before it.
        decay: of the hedges' covariance, per row.
    """

    warmup: int
    refit_every: int
    decay: float
    name: str = "kalman"

    def __post_init__(self) -> None:
        whole("warmup", self.warmup, 2)
        whole("refit_every", self.refit_every, 1)
        check.fraction("decay", self.decay)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        rows, assets = returns.shape
        result = undefined(returns)
        hedges = undefined(returns[:, 1:])
        exponential_moments(returns[:, 1:].copy(), self.decay, self.warmup, hedges)
        for first, last in refits(rows, self.warmup, self.refit_every):
            scale = rank.floored(np.sqrt(np.mean(returns[:first] ** 2, axis=0)))
            scaled = returns[: min(last, rows)] / scale
            ratios = fit_ratios(scaled[:first])
            betas, spread, _, noise = follow(scaled, ratios, first)
            here = hedges[first:last] / np.outer(scale[1:], scale[1:])
            beta, uncertain = betas[first:last], noise * spread[first:last]
            cross = np.einsum("tij,tj->ti", here, beta)
            block = np.empty((last - first, assets, assets))
            block[:, 1:, 1:] = here
            block[:, 0, 1:] = block[:, 1:, 0] = cross
            doubt = np.einsum("tij,tij->t", here, uncertain)
            block[:, 0, 0] = np.einsum("ti,ti->t", beta, cross) + noise + doubt
            result[first:last] = block * np.outer(scale, scale)
        return result


def fit_ratios(returns: Floats) -> Floats:
    """Maximum-likelihood q ``[N - 1]`` of returns ``[T, N]`` of about unit variance."""
    from scipy.optimize import minimize

    def loss(logs: Floats) -> float:
        outside = np.sum(
            np.maximum(logs - LOG_RATIO[1], 0.0) + np.maximum(LOG_RATIO[0] - logs, 0.0)
        )
        within = np.exp(np.clip(logs, *LOG_RATIO))
        return -follow(returns, within, len(returns))[2] / len(returns) + outside

    start = np.full(returns.shape[1] - 1, np.log(1e-5))
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 0.05, "fatol": 1e-7})
    return np.exp(np.clip(found.x, *LOG_RATIO))


@njit(cache=True, nogil=True)
def follow(returns: Floats, ratios: Floats, fitted: int) -> tuple[Floats, Floats, float, float]:
    """Run the filter over returns ``[T, N]``.

    Returns predicted betas ``[T + 1, N - 1]``, their covariance over R ``[T + 1, N - 1, N - 1]``,
    and, of the rows before ``fitted``, the concentrated log likelihood and R.
    """
    rows, hedges = returns.shape[0], returns.shape[1] - 1
    betas, spreads = np.zeros((rows + 1, hedges)), np.zeros((rows + 1, hedges, hedges))
    beta, spread, gain = np.zeros(hedges), np.eye(hedges) * PRIOR, np.zeros(hedges)
    squares, logs = 0.0, 0.0
    for row in range(rows + 1):
        for i in range(hedges):
            spread[i, i] += ratios[i]
        betas[row], spreads[row] = beta, spread
        if row == rows:
            break
        surprise, variance = returns[row, 0], 1.0
        for i in range(hedges):
            surprise -= beta[i] * returns[row, i + 1]
            gain[i] = 0.0
            for j in range(hedges):
                gain[i] += spread[i, j] * returns[row, j + 1]
            variance += gain[i] * returns[row, i + 1]
        if row < fitted:
            squares += surprise * surprise / variance
            logs += np.log(variance)
        for i in range(hedges):
            beta[i] += gain[i] * surprise / variance
            for j in range(hedges):
                spread[i, j] -= gain[i] * gain[j] / variance
    noise = max(squares / fitted, 1e-300)
    likelihood = -0.5 * (fitted * (np.log(2.0 * np.pi * noise) + 1.0) + logs)
    return betas, spreads, likelihood, noise
