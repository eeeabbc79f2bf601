"""Inner loops of the observers: one pass over the paths instead of dozens of array operations.

Each path is computed alone and in a fixed order, so its figures do not depend on how many paths
stand beside it. ``kernel.py_func`` is the plain twin that tests hold the compiled one against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.types import Codes, Floats


@njit(cache=True, nogil=True)
def count_fill(
    status: Codes, units: float, gas: Floats, refused: NDArray[np.int64], done_code: int
) -> int:
    """Charge ``units`` of gas and count the refusal on every path where an action was tried.

    ``gas [P]``, ``refused [statuses, P]``; returns on how many paths it was done.
    """
    done = 0
    for i in range(status.size):
        code = status[i]
        if code != 0:
            gas[i] += units
            if code == done_code:
                done += 1
            else:
                refused[code, i] += 1
    return done


@njit(cache=True, nogil=True)
def add_turnover(
    before: Floats, after: Floats, price: Floats, asset: NDArray[np.int64], turnover: Floats
) -> None:
    """Add |Δsize| · price over accounts and markets ``[accounts, M, P]`` to ``turnover [P]``."""
    for account in range(before.shape[0]):
        for m in range(before.shape[1]):
            for i in range(turnover.size):
                change = abs(after[account, m, i] - before[account, m, i])
                turnover[i] += change * price[asset[m], i]
