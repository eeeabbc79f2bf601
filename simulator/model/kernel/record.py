"""A path is a record, made of the tables of variables and handed to kernels as a pointer.

Records have room for more of everything than most protocols use, and the counts are read at run
time: another number of markets, accounts or agents is the same record type, and what was compiled
for one protocol serves the next. Beyond a room the next larger one is made, a type of its own.
(A dtype made to measure would be a tenth quicker in the loop and compile anew for each.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from simulator.types import Status
from simulator.world.gas import GAS_UNITS
from simulator.world.parties import parties, venues
from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

#: Least room along each axis that does not follow from another; more: the next power of two. What
#: random scenarios have fits, so that tests of them compile nothing of their own.
_ROOM = {
    "markets": 4,
    "accounts": 16,
    "collaterals": 8,
    "agents": 16,
    "assets": 8,
    "rows": 8,
    "legs": 4,
    "ticks": 16,
    "lags": 4,
    "crowds": 16,
    "parties": 16,
    "venues": 4,
    "listings": 4,
    "borrowers": 4,
    "positions": 4,
    "providers": 4,
    "coins": 4,
}


#: A record, or one inside another; compiled code knows its fields, mypy does not.
Record: TypeAlias = Any


class Path(NamedTuple):
    """One path at one moment, as kernels are given it: records."""

    tables: Record  # parameters and counts, the same for all paths
    state: Record  # what the path is
    now: Record  # what the market is at this step
    saved: Record  # room to set the state aside in while an order is carried out
    spare: Record  # and while one is tried
    undone: Record  # and while a trade closes positions of others
    known: Record  # what has been worked out of it since something moved
    order: Record  # what is asked of it now, and what came of that
    book: Record  # what is counted and explained beside it
    log: Record  # what was tried, row by row
    outside: Record  # the market where arbitrageurs trade what they took here


class Paths(NamedTuple):
    """All of a chunk, as kernels are given them: arrays of records."""

    tables: Record  # [1]
    states: Record  # [P]
    moments: Record  # [P] of the step it is
    saved: Record  # [3]
    known: Record  # [1] of the path that a kernel is at
    orders: Record  # [P]
    books: Record  # [P]
    logs: Record  # [R + 1] of the first R paths; the last has no room and is all others'
    outside: Record  # [P]


class Member(NamedTuple):
    """A field of a record: a number, or records inside, along axes; its unit, what it is.

    An axis is what is counted along it (:class:`Counts`), or a length that every protocol has.
    """

    name: str
    kind: str | Layout = "f8"
    axes: tuple[str | int, ...] = ()
    unit: str = ""
    what: str = ""


Layout: TypeAlias = "tuple[Member, ...]"


def each(axes: str, *rows: tuple[str, str, str]) -> Layout:
    """Numbers along the same axes: (name, unit, what)."""
    return tuple(Member(name, "f8", tuple(axes.split()), unit, what) for name, unit, what in rows)


@dataclass(frozen=True)
class Counts:
    """How many of each there are along the axes."""

    markets: int
    accounts: int
    collaterals: int
    agents: int
    assets: int
    rows: int  # risk assets under portfolio margin, else 0
    legs: int
    ticks: int  # initialised background ticks of the pool with most of them
    lags: int  # steps of which the index outside is remembered, where flows move it
    crowds: int  # of leveraged positions elsewhere
    parties: int  # who can be forced to sell; 0: nobody is there to be leveraged
    venues: int  # where they are
    listings: int  # reserves of the lending market
    borrowers: int  # accounts there
    positions: int  # of agents in the pool, as many as they may hold
    providers: int  # agents that may hold any
    coins: int  # of the StableSwap, where the vault's pool is one

    def along(self, axis: str | int) -> int:
        """The length of an axis, those among them that follow from others."""
        if isinstance(axis, int):
            return axis
        following = {
            "reserves": (self.legs > 0) + self.legs,
            "sides": 2 * self.markets,
            "segments": self.ticks + 1,
            "ranges": self.ticks,
            "factors": FACTOR_COLUMNS,
            "subs": self.markets + 2,
            "own": self.markets + 1,  # the vault's accounts at the ClearingHouse
            "kinds": len(GAS_UNITS) + 1,  # of action; 0: none
            "statuses": len(Status),
            "places": self.markets + 1,  # where a limit can refuse the vault: pool, markets
        }
        return following[axis] if axis in following else int(getattr(self, axis))

    def room(self) -> Counts:
        """What a record is made for."""
        grown = {}
        for name, least in _ROOM.items():
            grown[name] = least
            while grown[name] < getattr(self, name):
                grown[name] *= 2
        return Counts(**grown)


def counts_of(protocol: Protocol) -> Counts:
    """The counts of a protocol."""
    legs = protocol.aave.legs if protocol.aave is not None else ()
    pools = [protocol.pool, *(leg.pool for leg in legs)]
    return Counts(
        markets=protocol.markets,
        accounts=protocol.accounts,
        collaterals=len(protocol.clearing.collaterals),
        agents=len(protocol.agents),
        assets=len(protocol.assets),
        rows=len(protocol.risk_assets) if protocol.clearing.risk_multiple > 0.0 else 0,
        legs=len(legs),
        ticks=max(len(pool.initialised_ticks) for pool in pools),
        lags=1 + max(protocol.impact.lag) if protocol.impact is not None else 1,
        crowds=len(protocol.impact.crowds) if protocol.impact is not None else 0,
        parties=len(parties(protocol)),
        venues=len(venues(protocol)),
        listings=len(protocol.lending.listings) if protocol.lending is not None else 0,
        borrowers=len(protocol.lending.borrowers) if protocol.lending is not None else 0,
        positions=sum(slot.positions for slot in protocol.agents),
        providers=len(protocol.providers),
        coins=len(protocol.stable.opening) if protocol.stable is not None else 0,
    )


def dtype_of(layout: Layout, room: Counts) -> np.dtype[Any]:
    """The record of a layout, as C would lay it out."""
    made = []
    for member in layout:
        inside = member.kind
        kind = inside if isinstance(inside, str) else dtype_of(inside, room)
        made.append((member.name, kind, tuple(room.along(axis) for axis in member.axes)))
    return np.dtype(made, align=True)


class View:
    """Fields of records as arrays with the path as last axis, cut to the counts; writes go through.

    ``view.clearing.size`` of records ``[P]`` is ``[accounts, markets, P]``, of a single record
    ``[accounts, markets]``.
    """

    def __init__(self, records: Any, layout: Layout, counts: Counts) -> None:
        for member in layout:
            found = records[member.name]
            before = records.ndim
            cut = (..., *(slice(counts.along(axis)) for axis in member.axes))
            order = (*range(before, before + len(member.axes)), *range(before)[::-1])
            made: Any
            if isinstance(member.kind, str):
                made = found[cut].transpose(order)
            else:
                made = View(found[cut], member.kind, counts)
            setattr(self, member.name, made)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A field, or the records inside one."""


def fill(record: Any, layout: Layout, values: dict[str, Any]) -> None:
    """Write values, each along its axes, into one record (an array without axes); the rest is 0."""
    for member in layout:
        value = values[member.name]
        if isinstance(member.kind, str):
            array = np.asarray(value)
            record[member.name][(..., *(slice(n) for n in array.shape))] = array
        elif member.axes:
            for place, inside in enumerate(value):
                fill(record[member.name][place, ...], member.kind, inside)
        else:
            fill(record[member.name], member.kind, value)
