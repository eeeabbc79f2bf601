"""One row for each action that was tried: written where it happens, read out between steps.

A recorded path has a buffer of its own, a record: how many rows it holds, and the rows. Whoever
steps the path takes them out (:meth:`EventLog.take`) before they are too many; what had no room is
counted and not forgotten silently.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.model.kernel.codes import NONE
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.log import EVENT
from simulator.types import SimulatorError, Status
from simulator.world.actions import ACTIONS

if TYPE_CHECKING:
    import pandas as pd

    from simulator.market.paths import MarketPaths
    from simulator.world.protocol import Protocol


def _says(name: str) -> tuple[bool, ...]:
    """By kind of action, whether it has a field; an order keeps what the last one had."""
    return (False, *(name in {field.name for field in fields(kind)} for kind in ACTIONS))


_HAS_ACCOUNT, _HAS_MARKET = _says("account"), _says("market")


@inner
def note_event(w: Path) -> None:
    """Write what was tried on the path, and what came of it; an order left undone is no event."""
    order, buffer, place = w.order, w.log, w.log.count
    if order.status == NONE:
        return
    buffer.count = place + 1
    if place >= buffer.rows.size:
        return
    row = buffer.rows[place]
    row.step, row.agent, row.action = int(w.now.step), order.agent, order.kind - 1
    row.account = order.account if _HAS_ACCOUNT[order.kind] else -1
    row.market = order.market if _HAS_MARKET[order.kind] else -1
    row.status = order.status
    row.amount_in, row.amount_out = order.amount_in, order.amount_out


class EventLog:
    """Rows taken out of the buffers of a chunk's first paths; :meth:`frame` is all of them."""

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        self._agents = [slot.name for slot in protocol.agents]
        self._first, self._seconds = market.first_path, market.step_seconds
        self._paths: list[Any] = []
        self._rows: list[Any] = [np.empty(0, EVENT)]

    def take(self, buffers: Any) -> None:
        """Take out all rows of the buffers ``[paths]``, which are empty then.

        Raises:
            SimulatorError: more was tried on a path than its buffer holds.
        """
        for path in np.flatnonzero(buffers["count"]):
            found, rows = int(buffers["count"][path]), buffers["rows"][path]
            if found > rows.size:
                raise SimulatorError(
                    f"path {self._first + path}: {found} events since the last were taken, room "
                    f"for {rows.size}"
                )
            self._paths.append(np.full(found, self._first + path, np.int64))
            self._rows.append(rows[:found].copy())
        buffers["count"] = 0

    def frame(self) -> pd.DataFrame:
        """One row per path and action tried, in order of time on each path."""
        import pandas as pd

        rows = np.concatenate(self._rows)
        paths = np.concatenate([np.empty(0, np.int64), *self._paths])
        frame = pd.DataFrame({"path": paths, **{name: rows[name] for name in EVENT.names or ()}})
        names = {
            "agent": self._agents,
            "action": [kind.__name__ for kind in ACTIONS],
            "status": [status.name for status in Status],
        }
        for name, categories in names.items():
            codes: Any = frame[name].to_numpy()
            frame[name] = pd.Categorical.from_codes(codes, pd.Index(categories))
        frame.insert(2, "hours", frame["step"] * self._seconds / 3_600)
        return frame.sort_values("path", kind="stable", ignore_index=True)
