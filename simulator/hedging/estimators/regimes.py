"""Two hidden states, each with a covariance of its own (Hamilton 1989, Econometrica 57).

The chance of each state for the next interval comes from Hamilton's filter; parameters by EM
(Hamilton 1990, J. Econometrics 45).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import rank
from simulator.hedging.estimators.base import as_returns, carry, refits, undefined
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

STEPS, TOLERANCE = (
    60,
    1e-6,
)  # of EM: most steps, and the gain in log likelihood per row that ends it
#: Where EM begins: a calm state and a wild one, as multiples of the sample covariance.
_SPREADS = (0.4, 2.5)
_STAY = (0.98, 0.95)
#: Least part of the sample covariance that a state keeps, lest one state close in on a few rows.
_FLOOR = 1e-4


@dataclass(frozen=True)
class RegimeModel:
    """A Markov chain over K states, returns normal with mean zero within each.

    ``transition[i, j]`` is the chance of going from i to j; ``covariances`` ``[K, N, N]``.
    """

    transition: Floats
    covariances: Floats

    def start(self) -> Floats:
        """Stationary distribution of the chain ``[K]``."""
        states = len(self.transition)
        system = np.vstack([self.transition.T - np.eye(states), np.ones(states)])
        return np.linalg.lstsq(system, np.append(np.zeros(states), 1.0), rcond=None)[0]

    def densities(self, returns: Floats) -> Floats:
        """Log densities ``[T, K]`` of returns ``[T, N]`` within each state."""
        assets = returns.shape[1]
        precisions = np.linalg.inv(self.covariances)
        logs = np.linalg.slogdet(self.covariances)[1]
        squares = np.einsum("ti,kij,tj->tk", returns, precisions, returns, optimize=False)
        return -0.5 * (squares + logs + assets * np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Regimes:
    """Σ_t = Σ_k P(state k | rows before t) Σ_k.

    Attributes:
        window: rows that a fit sees, all of them at first.
        warmup: rows before the first fit.
        refit_every: rows between two fits.
    """

    window: int
    warmup: int
    refit_every: int
    name: str = "regimes"

    def __post_init__(self) -> None:
        whole("window", self.window, 2)
        whole("warmup", self.warmup, 2)
        whole("refit_every", self.refit_every, 1)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        rows = len(returns)
        result = undefined(returns)
        for first, last in refits(rows, self.warmup, self.refit_every):
            begin = max(first - self.window, 0)
            scale = rank.floored(np.sqrt(np.mean(returns[begin:first] ** 2, axis=0)))
            model = fit(returns[begin:first] / scale)
            seen = returns[begin : min(last, rows)] / scale
            predicted, _, _ = follow(model.densities(seen), model.transition, model.start())
            there = predicted[first - begin : last - begin]
            mixed = np.einsum("tk,kij->tij", there, model.covariances, optimize=False)
            result[first:last] = mixed * np.outer(scale, scale)
            carry(result[first:last], returns[begin:first].T @ returns[begin:first])
        return result


def fit(returns: Floats) -> RegimeModel:
    """EM from a fixed start over returns ``[T, N]`` of about unit variance."""
    sample = returns.T @ returns / len(returns)
    floor = _FLOOR * (sample + np.eye(len(sample)))
    covariances = np.array([factor * sample + floor for factor in _SPREADS])
    calm, wild = _STAY
    model = RegimeModel(np.array([[calm, 1.0 - calm], [1.0 - wild, wild]]), covariances)
    before = -np.inf
    for _ in range(STEPS):
        densities = model.densities(returns)
        predicted, filtered, likelihood = follow(densities, model.transition, model.start())
        if likelihood - before < TOLERANCE * len(returns):
            break
        before = likelihood
        smoothed, moves = look_back(predicted, filtered, model.transition)
        weights = np.maximum(smoothed.sum(axis=0), 1e-300)
        products = np.einsum("tk,ti,tj->kij", smoothed, returns, returns, optimize=True)
        left = np.maximum(moves.sum(axis=1, keepdims=True), 1e-300)
        model = RegimeModel(moves / left, products / weights[:, None, None] + floor)
    return model


@njit(cache=True, nogil=True)
def follow(densities: Floats, transition: Floats, start: Floats) -> tuple[Floats, Floats, float]:
    """Hamilton's filter over log densities ``[T, K]``.

    Returns the chances of the states before each row is seen ``[T + 1, K]`` and after ``[T, K]``,
    and the log likelihood.
    """
    rows, states = densities.shape
    predicted, filtered = np.zeros((rows + 1, states)), np.zeros((rows, states))
    predicted[0] = start
    total = 0.0
    for row in range(rows):
        most = densities[row].max()
        mass = 0.0
        for k in range(states):
            filtered[row, k] = predicted[row, k] * np.exp(densities[row, k] - most)
            mass += filtered[row, k]
        if mass > 0.0:
            filtered[row] /= mass
            total += most + np.log(mass)
        else:  # a state that was given up is the only one that could have made this row
            filtered[row] = predicted[row]
            total += most - 745.0
        for k in range(states):
            for j in range(states):
                predicted[row + 1, k] += filtered[row, j] * transition[j, k]
    return predicted, filtered, total


@njit(cache=True, nogil=True)
def look_back(predicted: Floats, filtered: Floats, transition: Floats) -> tuple[Floats, Floats]:
    """Kim's smoother (1994): chances given every row ``[T, K]``, expected moves ``[K, K]``."""
    rows, states = filtered.shape
    smoothed, moves = filtered.copy(), np.zeros((states, states))
    for row in range(rows - 2, -1, -1):
        smoothed[row] = 0.0
        for i in range(states):
            for j in range(states):
                ahead = predicted[row + 1, j]
                if ahead > 0.0:
                    both = filtered[row, i] * transition[i, j] * smoothed[row + 1, j] / ahead
                    moves[i, j] += both
                    smoothed[row, i] += both
    return smoothed, moves
