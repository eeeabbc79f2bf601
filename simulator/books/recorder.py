"""What is kept of a run over time: all about some paths, a few quantities of all paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.books.events import EventLog
from simulator.books.fan import fan_names
from simulator.books.fan import fan_row as _fan_row
from simulator.books.series import row_names
from simulator.books.series import series_row as _series_row
from simulator.model.batch import at
from simulator.model.kernel.jit import inner, kernel, often
from simulator.model.kernel.record import Path, Paths
from simulator.types import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.books.keeper import Keepable
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World


class Kept(NamedTuple):
    """Where kernels write it. R recorded paths."""

    rows: Floats  # [R, T + 1, row], as books/series.py names them
    fan: Any  # [P, points, quantities] float32, as books/fan.py names them
    point_of: Any  # [T + 1] the point of the fan that a step is; -1: none


@inner
def keep(w: Path, kept: Kept, i: int) -> None:
    """Write what is kept of path ``i`` at the end of a step."""
    step = int(w.now.step)
    if i < kept.rows.shape[0]:
        _series_row(w, kept.rows[i, step])
    if kept.point_of[step] >= 0:
        _fan_row(w, kept.fan[i, kept.point_of[step]])


@often
@kernel
def _keep_all(paths: Paths, kept: Kept) -> None:
    for i in range(paths.states.size):
        keep(at(paths, i), kept, i)


class Records:
    """Series and events of the paths that a world logs, the fan of all.

    As an observer it comes after :class:`~simulator.books.keeper.Books`, whose figures it reads.

    Attributes:
        kept: rows and fan.
        log: the events.
    """

    def __init__(self, world: Keepable, points: NDArray[np.int64]) -> None:
        market, names = world.market, row_names(world.protocol)
        recorded = world.look().logs.size - 1
        point_of = np.full(market.steps + 1, -1)
        point_of[points] = np.arange(points.size)
        self.kept = Kept(
            np.zeros((recorded, market.steps + 1, len(names))),
            np.zeros((market.paths, points.size, len(fan_names(world.protocol))), np.float32),
            point_of,
        )
        self.log = EventLog(market)
        self._world = world

    def take(self) -> None:
        """Empty the logs of the paths."""
        self.log.take(self._world.look().logs[:-1])

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Nothing to note: the books do."""

    def stepped(self, step: int, world: World) -> None:
        """Keep a row of each recorded path, and a point of the fan."""
        _keep_all(self._world.look(), self.kept)
        self.take()
