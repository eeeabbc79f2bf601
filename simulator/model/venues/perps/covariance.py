"""The covariance factor as the risk manager posts it: in steps, by a ramp (contracts/SPEC.md §3.5).

All of it in whole entries (1e-8), as on chain: below 2⁵³ float64 and int64 hold them exactly.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import OK, TOO_SOON
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.types import COVARIANCE_RAMP, LEAST_COVARIANCE_STEP, Floats
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE

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
def _reach(w: Path, row: int, factor: Floats) -> int:
    """Millionths of the way to ``factor`` that one row may go in one post."""
    clearing = w.state.clearing
    square = move = 0
    for column in range(FACTOR_COLUMNS):
        now = _entry(clearing.covariance[row, column])
        change = _entry(factor[row, column]) - now
        square += now * now
        move += change * change
    step = max(LEAST_COVARIANCE_STEP, _root_down(square) // _STEP)
    length = _root_down(move)
    if length * length < move:
        length += 1
    return min(_MILLION, step * _MILLION // max(length, 1))


@inner
def _is_flat(w: Path) -> bool:
    """Whether nobody holds a position."""
    clearing = w.state.clearing
    for account in range(w.tables.count.accounts):
        for market in range(w.tables.count.markets):
            if clearing.size[account, market] != 0.0:
                return False
    return True


@inner
def post(w: Path, factor: Floats, now: float) -> tuple[int, float]:
    """``post_covariance`` of ``factor`` ``[A, 8]``: status, part of the way it goes.

    The ramp of the last post is over when the next may come, so ``covariance`` is where it ended.
    """
    clearing = w.state.clearing
    flat = _is_flat(w)
    if not flat and now < clearing.covariance_time + COVARIANCE_RAMP:
        return TOO_SOON, 0.0
    rows = w.tables.count.rows
    way = _MILLION
    if not flat:
        for row in range(rows):
            way = min(way, _reach(w, row, factor))
    clearing.covariance_time = -float(COVARIANCE_RAMP) if flat else now
    if rows == 0:  # the gross rule, to which the factor is nothing
        return OK, 0.0
    for row in range(rows):
        for column in range(FACTOR_COLUMNS):
            before = clearing.covariance[row, column]
            after = _between(before, factor[row, column], way, _MILLION)
            clearing.covariance_before[row, column] = before
            clearing.covariance_after[row, column] = after
            if flat:
                clearing.covariance[row, column] = after
    return OK, way / _MILLION


@inner
def arrive(w: Path) -> None:
    """Bring the factor to where its ramp is now."""
    clearing = w.state.clearing
    rows = w.tables.count.rows
    if rows == 0 or clearing.covariance_time < 0.0:
        return
    elapsed = int(w.now.clock - clearing.covariance_time)
    for row in range(rows):
        for column in range(FACTOR_COLUMNS):
            clearing.covariance[row, column] = _between(
                clearing.covariance_before[row, column],
                clearing.covariance_after[row, column],
                elapsed,
                COVARIANCE_RAMP,
            )
