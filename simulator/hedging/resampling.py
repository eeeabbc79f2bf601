"""Which rows of a record a stationary bootstrap draws (Politis and Romano 1994)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats


@njit(cache=True, nogil=True)
def blocks(uniforms: Floats, restart: float, count: int) -> NDArray[np.int64]:
    """Rows of the record ``[T, P]``: a new block with probability ``restart``, else the next row.

    A uniform below ``restart``, divided by it, is uniform again and picks where the block begins.
    """
    steps, paths = uniforms.shape
    result = np.empty((steps, paths), np.int64)
    for step in range(steps):
        for path in range(paths):
            uniform = uniforms[step, path]
            if step == 0:
                row = int(uniform * count)
            elif uniform < restart:
                row = int(uniform / restart * count)
            else:
                row = result[step - 1, path] + 1
            result[step, path] = row if row < count else 0
    return result
