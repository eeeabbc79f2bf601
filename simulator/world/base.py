"""The border between agents and worlds: what a world is, and what agents see of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from simulator.protocol.state.borrowers import Borrowing
from simulator.protocol.state.clearing import Clearing
from simulator.protocol.state.lending import Lending
from simulator.protocol.state.pool import Pool, Position, Stable
from simulator.protocol.state.vault import Vault, Wallet

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.world.actions import Action, Fill
    from simulator.world.protocol import Protocol


class Observation(Pool, Stable, Position, Clearing, Vault, Wallet, Lending, Borrowing):
    """Every state variable of the protocol at one moment, at the last oracle price (stale or not).

    :mod:`simulator.protocol.state` declares them, with their axes and units: arrays of the axes,
    then ``[P]`` paths. Whole tokens, USD, fractions; funding rate per day. Names follow
    contracts/SPEC.md. AttributeError on any other, and on writing one.

    Valid until the world's next ``advance`` or ``execute``; keep a copy of what must outlive it.
    Fields are read when first looked at: stored state is a plain view of the model's buffer,
    derived groups such as account equity or NAV are computed, because most agents read two or
    three fields, and a step of the whole loop takes a few microseconds per path.
    """


class World(ABC):
    """Holds the protocol's state on P paths; the only thing that changes it."""

    protocol: Protocol
    market: MarketPaths

    @abstractmethod
    def advance(self, step: int) -> None:
        """Move time to ``step``: post oracle rounds due, set venue depth. Called for 0 … steps."""

    @abstractmethod
    def execute(self, action: Action) -> Fill:
        """Carry out one action on every path that asks for it; refusals change nothing."""

    @abstractmethod
    def quote(self, action: Action) -> Fill:
        """What :meth:`execute` would give now; nothing is changed."""

    @abstractmethod
    def observe(self) -> Observation:
        """The state now; read-only, valid until the next ``advance`` or ``execute``."""

    def reported(self) -> Observation:
        """The state now with every figure as the protocol itself computes it, for comparison."""
        return self.observe()

    def close(self) -> None:  # noqa: B027 -- most worlds hold nothing
        """Release what the world holds (nodes, connections)."""
