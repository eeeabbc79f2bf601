"""Books kept as an observer: of agents that act on all paths at once, in either world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.books.hooks import BOOK, acted, acting, advanced, stepped
from simulator.world.model.batch import at
from simulator.world.model.jit import kernel
from simulator.world.model.orders import write
from simulator.world.model.record import Paths, View

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.model.world import ModelWorld

_advanced, _acting, _acted, _stepped = advanced, acting, acted, stepped


@kernel
def _on_advanced(paths: Paths) -> None:
    for i in range(paths.states.size):
        _advanced(at(paths, i))


@kernel
def _on_acting(paths: Paths) -> None:
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            _acting(at(paths, i))


@kernel
def _on_acted(paths: Paths) -> None:
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            _acted(at(paths, i))


@kernel
def _on_stepped(paths: Paths) -> None:
    for i in range(paths.states.size):
        _stepped(at(paths, i))


class Books:
    """Observer of a world whose paths have a :data:`~simulator.books.hooks.BOOK`.

    Attributes:
        view: the books' fields, each ``[…, paths]``.
    """

    def __init__(self, world: ModelWorld) -> None:
        self._paths = world.paths
        self.view = View(world.paths.books, BOOK, world.tables.counts)

    def advanced(self, step: int, world: World) -> None:
        """See :class:`simulator.engine.Observer`."""
        _on_advanced(self._paths)

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """See :class:`simulator.engine.Observer`."""
        write(self._paths.orders, action, world.protocol)
        _on_acting(self._paths)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """See :class:`simulator.engine.Observer`."""
        asked = self._paths.orders
        asked["status"], asked["amount_in"] = fill.status, fill.amount_in
        asked["amount_out"] = fill.amount_out
        _on_acted(self._paths)

    def stepped(self, step: int, world: World) -> None:
        """See :class:`simulator.engine.Observer`."""
        _on_stepped(self._paths)
