"""Which recorded coins can be studied: those that move, and are not their own hedges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import rank
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.types import Floats


def usable(
    returns: Floats, target: str, hedges: Sequence[str], training: int
) -> tuple[list[int], list[str]]:
    """Columns of ``returns`` ``[T, 1 + H]`` to study, and why the others are left out.

    A coin must move before the first score and after it. This looks at all rows: it says what can
    be studied, never how.

    Raises:
        InputError: the target does not move, no hedge does, or the hedges are the target.
    """
    parts = (returns[:training], returns[training:])
    shares = np.array([rank.moving(part) for part in parts])
    rare = shares.min(axis=0) < rank.LEAST_MOVING
    if rare[0]:
        raise InputError(f"{target}: {_why(shares[:, 0])}; nothing to hedge")
    columns, left_out = [0], []
    for column, hedge in enumerate(hedges, start=1):
        if rare[column]:
            left_out.append(f"{hedge} as a hedge of {target}: {_why(shares[:, column])}")
        else:
            columns.append(column)
    if len(columns) == 1:
        raise InputError("; ".join(left_out))
    order = [*columns[1:], 0]
    kept = rank.independent(np.cov(returns[:, order], rowvar=False))
    if len(order) - 1 not in kept:
        names = ", ".join(hedges[column - 1] for column in columns[1:])
        raise InputError(f"{target}: moves as {names} does; nothing is left to hedge")
    return columns, left_out


def _why(shares: Floats) -> str:
    """Of the share of rows in which a coin moved, before the first score and after it."""
    if not shares.any():
        return "never moves"
    part = ("of the training window", "after the training window")[int(np.argmin(shares))]
    return f"moves in {shares.min():.1%} of the rows {part}, must in {rank.LEAST_MOVING:.0%}"
