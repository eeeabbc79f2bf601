"""From arrays of records to one path of them, and the arrays themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.model.kernel.jit import spliced
from simulator.model.kernel.record import Layout, Member, Path, Paths, Record, dtype_of
from simulator.model.log import ROOM, buffers
from simulator.model.orders import ORDER
from simulator.model.state import KNOWN, MOMENT, OUTSIDE, STATE

if TYPE_CHECKING:
    from simulator.model.parameters import Tables


@spliced
def path_of(paths: Paths, i: int, moment: Record) -> Path:
    """Path ``i`` at a moment."""
    return Path(
        paths.tables[0],
        paths.states[i],
        moment,
        paths.saved[0],
        paths.saved[1],
        paths.saved[2],
        paths.known[0],
        paths.orders[i],
        paths.books[i],
        paths.logs[min(i, paths.logs.size - 1)],
        paths.outside[i],
    )


@spliced
def at(paths: Paths, i: int) -> Path:
    """Path ``i`` at the step it is."""
    return path_of(paths, i, paths.moments[i])


#: Of paths beside which nothing is kept.
NO_BOOK: Layout = (Member("nothing"),)


def blank(tables: Tables, count: int, book: Layout = NO_BOOK, recorded: int = 0) -> Paths:
    """``count`` paths of the protocol's shape; all zero, no orders, empty books.

    ``recorded``: of how many, counted from the first, what is tried is logged.
    """
    room = tables.counts.room()

    def zeros(layout: Any, number: int) -> Any:
        return np.zeros(number, dtype_of(layout, room))

    logs = buffers(recorded + 1)
    logs["count"][-1] = ROOM
    return Paths(
        tables.record,
        zeros(STATE, count),
        zeros(MOMENT, count),
        zeros(STATE, 3),
        zeros(KNOWN, 1),
        zeros(ORDER, count),
        zeros(book, count),
        logs,
        zeros(OUTSIDE, count),
    )
