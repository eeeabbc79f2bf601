"""Recursions over time, path by path.

Every sum runs over assets or steps in a fixed order and no kernel mixes paths, so a path's numbers
do not depend on how many paths stand beside it (a BLAS product would not promise that).
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats


@njit(cache=True, nogil=True)
def diffuse(
    log_prices: Floats,
    normals: Floats,
    jumps: bool,
    regime: NDArray[np.int64],
    factors: Floats,
    drift: Floats,
    volatility: Floats,
) -> None:
    """Exact log-Euler steps of correlated geometric Brownian motions, added to jumps already there.

    ``log_prices`` ``[A, T + 1, P]`` holds 0 and, with ``jumps``, each step's jump on entry, and the
    log price relative to the start on return. ``normals`` ``[A, T + 1, P]``: those of a step at the
    point it leads to; without jumps they may be ``log_prices`` itself, which saves half the memory.
    ``regime`` ``[T]`` picks the Cholesky factor ``factors[R, A, A]``, and ``drift``, ``volatility``
    ``[R, A]`` per step.
    """
    assets, points, paths = log_prices.shape
    shock = np.empty(paths)
    for step in range(points - 1):
        r = regime[step]
        # From the last asset to the first, which needs no normals of those after it.
        for asset in range(assets - 1, -1, -1):
            mean, scale = drift[r, asset], volatility[r, asset]
            before, after = log_prices[asset, step], log_prices[asset, step + 1]
            shock[:] = 0.0
            # Paths innermost: every loop runs over neighbours in memory.
            for other in range(asset + 1):
                factor = factors[r, asset, other]
                if factor != 0.0:
                    for path in range(paths):
                        shock[path] += factor * normals[other, step + 1, path]
            if jumps:
                for path in range(paths):
                    after[path] += before[path] + mean + scale * shock[path]
            else:
                for path in range(paths):
                    after[path] = before[path] + mean + scale * shock[path]


@njit(cache=True, nogil=True)
def exponentiate(log_prices: Floats, prices: Floats, log_factors: Floats) -> None:
    """Turn log prices ``[A, T + 1, P]`` into prices in place: price · exp(log price + log factor).

    ``prices`` ``[A]`` at the start; ``log_factors`` ``[A, T + 1]`` of the shocks.
    """
    assets, points, paths = log_prices.shape
    for asset in range(assets):
        for point in range(points):
            for path in range(paths):
                log_prices[asset, point, path] = prices[asset] * exp(
                    log_prices[asset, point, path] + log_factors[asset, point]
                )


@njit(cache=True, nogil=True)
def bridge(
    prices: Floats, steps: NDArray[np.int64], anchors: Floats, normals: Floats, variance: Floats
) -> None:
    """Lead prices ``[T + 1, P]`` through ``anchors`` ``[K, P]`` at ``steps`` ``[K]``, in place.

    Between anchors the log price is a Brownian bridge of ``variance`` ``[K - 1]`` per step, drawn
    forward (Glasserman 2003, §3.1: conditional on now and on the next anchor); anchors are hit
    exactly. After the last one the process that was there goes on from its level. ``normals`` is
    ``[steps[-1] - steps[0], P]``.
    """
    points, paths = prices.shape
    first, last = steps[0], steps[-1]
    for path in range(paths):
        shift = anchors[-1, path] / prices[last, path]
        prices[first, path] = anchors[0, path]
        level = log(anchors[0, path])
        for leg in range(len(steps) - 1):
            target = log(anchors[leg + 1, path])
            for step in range(steps[leg] + 1, steps[leg + 1]):
                left = steps[leg + 1] - step + 1  # steps to the anchor from the step before
                mean = level + (target - level) / left
                deviation = sqrt(variance[leg] * (left - 1) / left)
                level = mean + deviation * normals[step - 1 - first, path]
                prices[step, path] = exp(level)
            level = target
            prices[steps[leg + 1], path] = anchors[leg + 1, path]
        for step in range(last + 1, points):
            prices[step, path] *= shift


@njit(cache=True, nogil=True)
def post_rounds(
    index: Floats,
    price: Floats,
    time: Floats,
    step_seconds: int,
    heartbeat: float,
    deviation: float,
    lag: int,
    special: Floats,
) -> None:
    """Rounds of one price feed: ``price`` and ``time`` ``[T + 1, P]`` of the last round posted.

    A round carries the index of ``lag`` steps ago. One is posted at the start, when the last is
    ``heartbeat`` seconds old, and when it is off by more than the fraction ``deviation``. What else
    is true of a step's round ``special`` ``[T + 1]`` says (:mod:`simulator.config.rounds`).
    """
    points, paths = index.shape
    price[0], time[0] = index[0], 0.0
    for point in range(1, points):
        now = float(point * step_seconds)
        observed = index[max(point - lag, 0)]
        if special[point] > 0.0:
            for path in range(paths):
                price[point, path], time[point, path] = observed[path] * special[point], now
            continue
        price[point], time[point] = price[point - 1], time[point - 1]
        if special[point] == 0.0:
            _post(observed, price[point], time[point], now, heartbeat, deviation)


def is_due(observed: float, last: float, age: float, heartbeat: float, deviation: float) -> bool:
    """Whether a round is posted: the last is ``age`` seconds old, or off by too much.

    Plain, for whoever compiles it: rounds are posted here, and again where prices are moved
    (:mod:`simulator.model.outside`).
    """
    # Not `or`, and no branch: it would often be guessed wrong.
    return (age >= heartbeat) | (abs(observed - last) > deviation * last)


_is_due = njit()(is_due)


@njit(cache=True, nogil=True)
def _post(
    observed: Floats, price: Floats, time: Floats, now: float, heartbeat: float, deviation: float
) -> None:
    """Where a round is due, put it in the place of the last one; all ``[P]``."""
    for path in range(len(observed)):
        last, posted = price[path], time[path]
        # Both outcomes are there and one is chosen: a branch would often be guessed wrong.
        due = _is_due(observed[path], last, now - posted, heartbeat, deviation)
        price[path] = observed[path] if due else last
        time[path] = now if due else posted


@njit(cache=True, nogil=True)
def revert(normals: Floats, memory: float, deviation: float) -> None:
    """Stationary Ornstein–Uhlenbeck process, in place of its normals ``[T + 1, P]``.

    x₀ = v·z₀, x_{t+1} = a·x_t + v·√(1 − a²)·z_{t+1} with a = ``memory``, v = ``deviation``.
    """
    points, paths = normals.shape
    scale = deviation * sqrt(1.0 - memory * memory)
    for path in range(paths):
        normals[0, path] *= deviation
    for point in range(1, points):
        for path in range(paths):
            normals[point, path] = memory * normals[point - 1, path] + scale * normals[point, path]


@njit(cache=True, nogil=True)
def exponentiate_gas(log_gas: Floats, mean: float, native_usd: Floats, factor: Floats) -> None:
    """Turn log gas prices ``[T + 1, P]`` into USD per unit of gas, in place."""
    points, paths = log_gas.shape
    for point in range(points):
        scale = mean * factor[point]
        for path in range(paths):
            log_gas[point, path] = scale * exp(log_gas[point, path]) * native_usd[point, path]


@njit(cache=True, nogil=True)
def order_flow(
    flow: Floats, uniforms: Floats, volume: float, dispersion: float, persistence: float
) -> None:
    """Signed order flow ``[T + 1, P]`` of log-normal size with mean ``volume``; none at step 0.

    A sign repeats the one before with probability (1 + ``persistence``)/2, which is then the
    autocorrelation of signs at lag one. In place of its normals ``flow[1:]``; ``uniforms``
    ``[T, P]``.
    """
    points, paths = flow.shape
    repeat = (1.0 + persistence) / 2.0
    flow[0] = 0.0
    for step in range(points - 1):
        for path in range(paths):
            uniform = uniforms[step, path]
            if step == 0:
                sign = 1.0 if uniform < 0.5 else -1.0
            else:
                before = 1.0 if flow[step, path] > 0.0 else -1.0
                sign = before if uniform < repeat else -before
            size = exp(dispersion * flow[step + 1, path] - 0.5 * dispersion * dispersion)
            flow[step + 1, path] = sign * volume * size


@njit(cache=True, nogil=True)
def deposit_flow(flow: Floats, uniforms: Floats, probability: float, deviation: float) -> None:
    """Deposits (positive) and redemptions (negative) ``[T + 1, P]``, as fractions.

    Of the first deposit, and of what is held. A flow comes with ``probability`` per step, with mean
    zero and standard deviation ``deviation``; none at step 0. In place of its normals ``flow[1:]``;
    ``uniforms`` ``[T, P]``.
    """
    points, paths = flow.shape
    flow[0] = 0.0
    for point in range(1, points):
        for path in range(paths):
            fraction = deviation * flow[point, path]
            flow[point, path] = 0.0
            if uniforms[point - 1, path] < probability:
                flow[point, path] = max(fraction, -1.0)
