"""Average run lengths of control charts, and the thresholds that have a wanted one.

The run length of a chart is the number of observations up to its first alarm. Its mean under no
change, ARL₀, is what a threshold is chosen by: 1/ARL₀ is the rate of false alarms per observation.
Under a change the mean is the detection delay (zero-state: the change is there from the start).
"""

from __future__ import annotations

from functools import cache
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.types import Booleans, Floats

#: Mean overshoot of a normal random walk over a boundary (Siegmund 1985, chapter X).
OVERSHOOT = 0.5826
_STATES = 101
_LONGEST = 1e9


def cusum_arl(threshold: float, reference: float, shift: float = 0.0) -> float:
    """ARL of the two-sided CUSUM of unit normals with mean ``shift``, in observations.

    Siegmund (1985), equation 2.56: of one side (e^(−2Δb) + 2Δb − 1)/(2Δ²) with Δ = shift − k and
    b = h + 2 · 0.583; of both 1/ARL = 1/ARL⁺ + 1/ARL⁻ (Van Dobben de Bruyn 1968).
    """
    width = threshold + 2 * OVERSHOOT
    sides = []
    for drift in (shift - reference, -shift - reference):
        exponent = -2.0 * drift * width
        if abs(exponent) < 1e-6:
            sides.append(width**2)
        elif exponent > 700.0:
            sides.append(np.inf)
        else:
            sides.append((exp(exponent) - exponent - 1.0) / (2.0 * drift**2))
    return 1.0 / sum(1.0 / side for side in sides)


def cusum_threshold(arl: float, reference: float) -> float:
    """Threshold h, in standard deviations, of ARL₀ ``arl``; inverse of :func:`cusum_arl`."""
    return _solve(lambda h: cusum_arl(h, reference), arl, 0.0)


def ewma_arl(
    limit: float,
    weight: float,
    cdf: Callable[[Floats], Floats] | None = None,
    states: int = _STATES,
) -> float:
    """ARL of the EWMA chart z ← (1 − λ)z + λx with limits ±``limit``·√(λ/(2 − λ)).

    Brook and Evans (1972): the chart as a Markov chain over ``states`` intervals between its
    limits. ``cdf`` is that of the observations, of unit variance; None: normal.
    """
    from scipy.stats import norm

    law = norm.cdf if cdf is None else cdf
    edge = limit * sqrt(weight / (2.0 - weight))
    width = 2.0 * edge / states
    centres = -edge + width * (np.arange(states) + 0.5)
    edges = np.append(centres - width / 2, edge)
    reached = law((edges[None, :] - (1.0 - weight) * centres[:, None]) / weight)
    stay = np.diff(reached, axis=1)
    return float(np.linalg.solve(np.eye(states) - stay, np.ones(states))[states // 2])


@cache
def ewma_limit(arl: float, weight: float, cdf: Callable[[Floats], Floats] | None = None) -> float:
    """Limit L, in standard deviations of z, of ARL₀ ``arl``; inverse of :func:`ewma_arl`."""
    return _solve(lambda limit: ewma_arl(limit, weight, cdf), arl, 0.05)


def product_cdf(values: Floats) -> Floats:
    """Distribution function of the product of two independent standard normals.

    P(XY ≤ t) = ∫φ(x)Φ(t/|x|)dx, by the midpoint rule: the integrand is smooth and dies out.
    """
    from scipy.special import ndtr

    grid = (np.arange(400) + 0.5) * (8.0 / 400)
    mass = np.exp(-0.5 * grid**2)
    mass /= mass.sum()
    flat = np.asarray(values, np.float64).reshape(-1, 1)
    return np.asarray(ndtr(flat / grid) @ mass).reshape(np.shape(values))


def shewhart_limit(arl: float) -> float:
    """Limit c of |x| > c for unit normals: run lengths are geometric, ARL₀ = 1/(2Φ(−c)) exactly."""
    from scipy.stats import norm

    if not arl > 1.0:
        raise InputError(f"arl = {arl}: must be above 1 observation")
    return float(norm.isf(0.5 / arl))


def shewhart_arl(limit: float, shift: float = 0.0) -> float:
    """ARL of the Shewhart chart of unit normals with mean ``shift``, exactly."""
    from scipy.stats import norm

    return float(1.0 / (norm.sf(limit - shift) + norm.cdf(-limit - shift)))


def moving_arl(limit: float, window: int) -> float:
    """Mean time until a two-sided moving-window mean of unit normals leaves ±``limit`` deviations.

    Windows that overlap have autocorrelation 1 − |k|/w. Its level is left at the rate
    uφ(u)/w · ν(u√(2/w)) per observation and side, ν(x) ≈ e^(−0.583x) for discrete time (Siegmund
    1985; Pickands 1969 in continuous time). The first full window takes ``window`` observations.
    """
    density = exp(-0.5 * limit**2) / sqrt(2.0 * np.pi)
    rate = limit * density / window * exp(-OVERSHOOT * limit * sqrt(2.0 / window))
    return window + 1.0 / (2.0 * rate)


def moving_limit(arl: float, window: int) -> float:
    """Limit of ARL₀ ``arl`` for :func:`moving_arl`."""
    return _solve(lambda limit: moving_arl(limit, window), arl, 1.0)


def first_alarms(step: Callable[[], Booleans], paths: int, most: int) -> Floats:
    """Run lengths ``[P]`` of charts on ``paths`` paths, simulated; cut off at ``most`` steps.

    ``step`` draws an observation for every path and returns where the chart alarms, ``[P]``.
    """
    first = np.full(paths, float(most))
    running = np.ones(paths, np.bool_)
    for number in range(1, most + 1):
        rang = step() & running
        first[rang] = number
        running &= ~rang
        if not running.any():
            break
    return first


def _solve(arl_of: Callable[[float], float], arl: float, low: float) -> float:
    """Level of which ``arl_of``, which rises with it, is ``arl``."""
    from scipy.optimize import brentq

    least = arl_of(low)
    if not least < arl <= _LONGEST:
        raise InputError(f"arl = {arl}: must be from {least:.4g} to {_LONGEST:.0e} observations")
    high = low + 1.0
    while arl_of(high) < arl:  # step by step: far beyond, the Markov chain's matrix is singular
        high += 1.0
    return float(brentq(lambda level: np.log(arl_of(level) / arl), low, high, xtol=1e-10))
