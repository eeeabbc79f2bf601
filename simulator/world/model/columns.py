"""One path of the state set aside before an operation, and put back when it is refused."""

from __future__ import annotations

from simulator.types import Floats
from simulator.world.model.jit import inner


@inner
def copy_column(buffer: Floats, i: int, saved: Floats) -> None:
    """Copy path ``i`` into ``saved``, one column of the buffer."""
    for row in range(saved.size):
        saved[row] = buffer[row, i]


@inner
def restore_column(buffer: Floats, i: int, saved: Floats) -> None:
    """Put path ``i`` back as ``saved`` has it."""
    for row in range(saved.size):
        buffer[row, i] = saved[row]
