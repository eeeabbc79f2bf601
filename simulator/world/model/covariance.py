"""The covariance factor as the risk manager posts it: in steps, by a ramp (contracts/SPEC.md §3.5).

All of it in whole entries (1e-8), as on chain: below 2⁵³ float64 and int64 hold them exactly.
"""

from __future__ import annotations

import numpy as np

from simulator.types import COVARIANCE_RAMP, LEAST_COVARIANCE_STEP, Floats
from simulator.world.model.codes import OK, TOO_SOON
from simulator.world.model.jit import inner, kernel
from simulator.world.model.state import ClearingState
from simulator.world.protocol import FACTOR_SCALE

_MILLION = 1_000_000
_STEP = 4  # a row moves by its norm divided by this at most


@inner
def _entry(value: float) -> int:
    return int(np.rint(value * FACTOR_SCALE))


@inner
def _root_down(square: int) -> int:
    root = int(np.sqrt(float(square)))
    while root * root > square:
        root -= 1
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root


@inner
def _between(before: float, after: float, part: int, whole: int) -> float:
    """``part``/``whole`` of the way from one entry to another, the move rounded toward zero."""
    if part >= whole:
        return after
    start = _entry(before)
    move = (_entry(after) - start) * part
    moved = abs(move) // whole
    return (start + moved if move > 0 else start - moved) / FACTOR_SCALE


@inner
def _reach(clearing: ClearingState, row: int, factor: Floats, i: int) -> int:
    """Millionths of the way to ``factor`` that one row may go in one post."""
    square = move = 0
    for column in range(factor.shape[1]):
        now = _entry(clearing.covariance[row, column, i])
        change = _entry(factor[row, column, i]) - now
        square += now * now
        move += change * change
    step = max(LEAST_COVARIANCE_STEP, _root_down(square) // _STEP)
    length = _root_down(move)
    if length * length < move:
        length += 1
    return min(_MILLION, step * _MILLION // max(length, 1))


@inner
def _is_flat(clearing: ClearingState, i: int) -> bool:
    """Whether nobody holds a position."""
    for account in range(clearing.size.shape[0]):
        for market in range(clearing.size.shape[1]):
            if clearing.size[account, market, i] != 0.0:
                return False
    return True


@inner
def post(clearing: ClearingState, factor: Floats, now: float, i: int) -> tuple[int, float]:
    """``post_covariance`` of ``factor`` ``[A, 8, P]``: status, part of the way it goes.

    The ramp of the last post is over when the next may come, so ``covariance`` is where it ended.
    """
    flat = _is_flat(clearing, i)
    if not flat and now < clearing.covariance_time[i] + COVARIANCE_RAMP:
        return TOO_SOON, 0.0
    rows, columns = clearing.covariance.shape[0], clearing.covariance.shape[1]
    way = _MILLION
    if not flat:
        for row in range(rows):
            way = min(way, _reach(clearing, row, factor, i))
    clearing.covariance_time[i] = -float(COVARIANCE_RAMP) if flat else now
    if rows == 0:  # the gross rule, to which the factor is nothing
        return OK, 0.0
    for row in range(rows):
        for column in range(columns):
            before = clearing.covariance[row, column, i]
            after = _between(before, factor[row, column, i], way, _MILLION)
            clearing.covariance_before[row, column, i] = before
            clearing.covariance_after[row, column, i] = after
            if flat:
                clearing.covariance[row, column, i] = after
    return OK, way / _MILLION


@kernel
def arrive(clearing: ClearingState, now: float) -> None:
    """Bring the factor of every path to where its ramp is at ``now``."""
    rows, columns, paths = clearing.covariance.shape
    for i in range(paths):
        if rows == 0 or clearing.covariance_time[i] < 0.0:
            continue
        elapsed = int(now - clearing.covariance_time[i])
        for row in range(rows):
            for column in range(columns):
                clearing.covariance[row, column, i] = _between(
                    clearing.covariance_before[row, column, i],
                    clearing.covariance_after[row, column, i],
                    elapsed,
                    COVARIANCE_RAMP,
                )
