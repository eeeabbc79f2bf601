"""What an agent is: it reads a view and yields actions; only a world changes state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from simulator.world.actions import Action, Fill

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol

Actions: TypeAlias = Generator[Action, Fill, None]


@dataclass(frozen=True, eq=False)
class View:
    """What an agent may read at one moment of one step: the market up to now and the protocol's state.

    ``state`` is current each time it is read: after a ``yield`` it shows what the action did.
    """

    step: int
    market: MarketPaths
    protocol: Protocol
    _world: object

    @property
    def state(self) -> Observation:
        """The protocol's state now."""
        return self._world.observe()  # type: ignore[attr-defined]

    @property
    def seconds(self) -> int:
        """Seconds since the start."""
        return self.step * self.market.step_seconds

    def index(self, asset: int) -> Floats:
        """Index price of an asset now, ``[paths]``, USD."""
        return self.market.index[asset, self.step]

    def oracle(self, asset: int) -> Floats:
        """Last oracle round of an asset, ``[paths]``, USD."""
        return self.market.oracle_price[asset, self.step]

    @property
    def gas_usd(self) -> Floats:
        """USD per unit of gas now, ``[paths]``."""
        return self.market.gas_usd[self.step]


class Agent(ABC):
    """One actor. Deterministic: whatever randomness it needs is in the market paths.

    ``index`` is its place among the protocol's agents, set when the run is put together.
    """

    index: int

    @abstractmethod
    def act(self, view: View) -> Actions:
        """Yield actions; each ``yield`` returns the :class:`Fill` of the action."""
