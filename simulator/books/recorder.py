"""Records kept as an observer, of agents that act on all paths at once, from a world's books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.events import EventLog, buffers
from simulator.books.events import note_event as _note_event
from simulator.books.fan import QUANTITIES
from simulator.books.fan import fan_row as _fan_row
from simulator.books.series import row_names
from simulator.books.series import series_row as _series_row
from simulator.types import Floats
from simulator.world.model.batch import at
from simulator.world.model.jit import kernel
from simulator.world.model.record import Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.world.actions import Action, Fill
    from simulator.world.model.world import ModelWorld


@kernel
def _write_rows(paths: Paths, step: int, out: Floats) -> None:
    for i in range(out.shape[0]):
        _series_row(at(paths, i), out[i, step])


@kernel
def _sample(paths: Paths, point: int, out: NDArray[np.float32]) -> None:
    for i in range(out.shape[0]):
        _fan_row(at(paths, i), out[i, point])


@kernel
def _note(paths: Paths, logs: Any) -> None:
    for i in range(logs.size):
        if paths.orders[i].kind != 0:
            _note_event(at(paths, i), logs[i])


class Records:
    """Observer that keeps series and events of the first ``recorded`` paths, the fan of all.

    It comes after :class:`~simulator.books.keeper.Books`, whose figures it reads.

    Attributes:
        rows: ``[recorded, steps + 1, row]``, as :func:`~simulator.books.series.row_names` says.
        fan: ``[paths, points, quantities]`` float32, :data:`~simulator.books.fan.QUANTITIES` at
            ``points``, steps.
        log: the events.
    """

    def __init__(self, world: ModelWorld, recorded: int, points: NDArray[np.int64]) -> None:
        market, names = world.market, row_names(world.protocol)
        recorded = min(recorded, market.paths)
        self.rows = np.zeros((recorded, market.steps + 1, len(names)))
        self.fan = np.zeros((market.paths, points.size, len(QUANTITIES)), np.float32)
        self.log = EventLog(world.protocol, market)
        self._point = {int(step): point for point, step in enumerate(points)}
        self._buffers = buffers(recorded)

    def advanced(self, step: int, world: ModelWorld) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: ModelWorld, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: ModelWorld, agent: Agent, action: Action, fill: Fill) -> None:
        """Note what was tried."""
        _note(world.paths, self._buffers)

    def stepped(self, step: int, world: ModelWorld) -> None:
        """Keep a row of each recorded path, and a point of the fan."""
        _write_rows(world.paths, step, self.rows)
        if step in self._point:
            _sample(world.paths, self._point[step], self.fan)
        self.log.take(self._buffers)
