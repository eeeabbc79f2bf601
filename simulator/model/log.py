"""Rows of what was tried on a path, where somebody records it."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A row: the order, as far as it says who asked for what, and what came of it (whole units).
EVENT = np.dtype(
    [
        ("step", np.int32),
        ("agent", np.int16),
        ("action", np.int8),
        ("account", np.int16),
        ("market", np.int16),
        ("status", np.int8),
        ("amount_in", np.float64),
        ("amount_out", np.float64),
    ],
    align=True,
)
#: Rows a buffer has room for unless more are asked for.
ROOM = 4_096


def buffers(paths: int, room: int = ROOM) -> Any:
    """Empty buffers, a record for each path: ``count``, and ``rows`` ``[room]``."""
    return np.zeros(paths, np.dtype([("count", np.int64), ("rows", EVENT, (room,))], align=True))
