"""Books kept as an observer: of agents that act on all paths at once, in either world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simulator.books.events import note_event
from simulator.books.hooks import BOOK, acted, acting, advanced, stepped
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel, often
from simulator.model.kernel.record import Paths, View
from simulator.model.orders import write

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.market.paths import MarketPaths
    from simulator.model.parameters import Tables
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol as ProtocolParameters

_advanced, _acting, _acted, _stepped = advanced, acting, acted, stepped
_note_event = note_event


@often
@kernel
def _on_advanced(paths: Paths) -> None:
    for i in range(paths.states.size):
        _advanced(at(paths, i))


@often
@kernel
def _on_acting(paths: Paths) -> None:
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            _acting(at(paths, i))


@often
@kernel
def _on_acted(paths: Paths) -> None:
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            _acted(at(paths, i))
            _note_event(at(paths, i))


@often
@kernel
def _on_stepped(paths: Paths) -> None:
    for i in range(paths.states.size):
        _stepped(at(paths, i))


class Keepable(Protocol):
    """A world whose paths can be looked at as records, with a book beside each."""

    protocol: ProtocolParameters
    market: MarketPaths

    @property
    def tables(self) -> Tables:
        """Its parameters."""

    def look(self) -> Paths:
        """All of them as they are now."""


class KeptBooks:
    """The books of paths, as they are.

    Attributes:
        view: their fields, each ``[…, paths]``.
        first_path: the number of the first of them.
    """

    def __init__(self, paths: Paths, tables: Tables, first_path: int) -> None:
        self.view = View(paths.books, BOOK, tables.counts)
        self.first_path = first_path


class Books:
    """Observer of a world made with the :data:`~simulator.books.hooks.BOOK`.

    Attributes:
        view: the books' fields, each ``[…, paths]``.
        first_path: the number of the first of them.
    """

    def __init__(self, world: Keepable) -> None:
        self._world = world
        self.first_path = world.market.first_path
        self.view = View(world.look().books, BOOK, world.tables.counts)

    def advanced(self, step: int, world: World) -> None:
        """See :class:`simulator.engine.Observer`."""
        _on_advanced(self._world.look())

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """See :class:`simulator.engine.Observer`."""
        paths = self._world.look()
        write(paths.orders, action, self._world.protocol)
        _on_acting(paths)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """See :class:`simulator.engine.Observer`."""
        paths = self._world.look()
        paths.orders["status"], paths.orders["amount_in"] = fill.status, fill.amount_in
        paths.orders["amount_out"] = fill.amount_out
        _on_acted(paths)

    def stepped(self, step: int, world: World) -> None:
        """See :class:`simulator.engine.Observer`."""
        _on_stepped(self._world.look())
