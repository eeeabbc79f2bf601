"""ModelWorld: the protocol in float64 on all paths of a chunk at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model import orders
from simulator.model.batch import NO_BOOK, at, blank
from simulator.model.genesis import genesis
from simulator.model.kernel.jit import inner, kernel
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Layout, Path, Paths, Record
from simulator.model.moments import (
    Drawn,
    drawn_of,
    moved_of,
    put_back,
    read_market,
    schedule_of,
    to_be_moved,
)
from simulator.model.observe import ModelObservation
from simulator.model.outside import move
from simulator.model.parameters import tables_of
from simulator.model.pools.held import set_depth
from simulator.model.venues.perps.covariance import arrive
from simulator.model.venues.perps.depth import set_skew_scale
from simulator.model.verbs import attempt, submit
from simulator.types import InputError
from simulator.world.actions import Action, Fill
from simulator.world.base import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


@inner
def begin_step(w: Path) -> None:
    """What happens at a step before anybody acts: prices, depths, the ramp of the covariance."""
    if w.tables.outside.on:
        move(w)
    set_depth(w)
    set_skew_scale(w)
    arrive(w)


@kernel
def _advance(paths: Paths) -> None:
    for i in range(paths.states.size):
        begin_step(at(paths, i))


@kernel
def _execute(paths: Paths) -> None:
    """Carry out the orders of the paths that have one."""
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            submit(at(paths, i))


@kernel
def _quote(paths: Paths) -> None:
    """Try the orders of the paths that have one, and leave the paths as they were."""
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            attempt(at(paths, i))


class ModelWorld(World):
    """P paths of the protocol, float64; see contracts/SPEC.md for every number.

    Refusals restore the path bit for bit; paths never mix, so path *i* is the same whatever P.
    ``paths``: their records, beside each of which a ``book`` is kept, if one is asked for,
    and for the first ``recorded`` a log of what was tried. ``given``: the market as it was drawn;
    ``market``: as agents see it, where flows move prices a copy that is true up to now.
    """

    def __init__(
        self,
        protocol: Protocol,
        market: MarketPaths,
        book: Layout = NO_BOOK,
        recorded: int = 0,
    ) -> None:
        self.protocol = protocol
        self.given = market
        self.market = market if protocol.impact is None else to_be_moved(market)
        self._moved = moved_of(self.market)
        self._schedule = schedule_of(market, protocol)
        found, wanted = market.oracle_price.shape[0], len(protocol.assets)
        if found != wanted:
            raise InputError(
                f"market.oracle_price: {found} assets; allowed: {wanted}, those of the protocol"
            )
        self.tables = tables_of(protocol)
        self.paths = blank(self.tables, market.paths, book, recorded)
        read_market(self.paths, market, self._schedule, 0)
        self.state = genesis(protocol, self.tables, self.paths)
        self._observation: Observation | None = None

    def advance(self, step: int) -> None:
        """Oracle rounds, pool depth and venue depth of ``step``."""
        read_market(self.paths, self.given, self._schedule, step)
        _advance(self.paths)
        self.put_back(self.paths.moments[:, None], 0, 1, step)
        self._observation = None

    def drawn(self) -> Drawn:
        """What is drawn, as kernels read it."""
        return drawn_of(self.given, self._schedule)

    def put_back(self, feed: Record, begin: int, end: int, first: int) -> None:
        """Note what became of the market in moments ``[P, steps]`` at places from begin to end.

        ``first``: the step at place 0.
        """
        if self.market is not self.given:
            put_back(self._moved, feed, np.array([begin, end, first]))

    def execute(self, action: Action, each: Callable[[Paths], None] = _execute) -> Fill:
        """Carry out ``action``; raises :class:`InputError` on an action no world understands.

        ``each``: does so with the orders of all paths; the engine's door keeps books, too.
        """
        self._observation = None
        return self._carry_out(action, each)

    def quote(self, action: Action) -> Fill:
        """See :meth:`World.quote`; errors as :meth:`execute`."""
        return self._carry_out(action, _quote)

    def _carry_out(self, action: Action, each: Callable[[Paths], None]) -> Fill:
        if type(action) not in CODE:
            raise InputError(f"action: {type(action).__name__}; allowed: those of world.actions")
        if not 0 <= action.actor < len(self.protocol.agents):
            raise InputError(
                f"actor: {action.actor}; allowed: 0 to {len(self.protocol.agents) - 1}"
            )
        asked = self.paths.orders
        orders.write(asked, action, self.protocol)
        each(self.paths)
        return Fill(
            asked["status"].astype(np.int8), asked["amount_in"].copy(), asked["amount_out"].copy()
        )

    def observe(self) -> Observation:
        """The state now; fields are computed when first read."""
        if self._observation is None:
            self._observation = ModelObservation(self.tables, self.paths, self.state)
        return self._observation

    def look(self) -> Paths:
        """The records, which are what this world is."""
        return self.paths

    def changed(self) -> None:
        """Somebody else has changed the records: what was observed is no longer so."""
        self._observation = None

    def snapshot(self) -> Floats:
        """A copy of every state variable, ``[variables, paths]``."""
        return self.paths.states.view(np.float64).reshape(self.market.paths, -1).T.copy()

    def restore(self, snapshot: Floats) -> None:
        """Return to a :meth:`snapshot` taken at the same step."""
        self.paths.states.view(np.float64).reshape(self.market.paths, -1)[:] = snapshot.T
        self._observation = None
