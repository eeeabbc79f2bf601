"""What an agent is: it reads a view and yields actions; only a world changes state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from simulator.market.past import Past
from simulator.world.actions import Action, Fill
from simulator.world.gas import GAS_UNITS

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.base import Observation, World
    from simulator.world.protocol import AgentSlot, Protocol

Actions: TypeAlias = Generator[Action, Fill, None]


@dataclass(frozen=True, eq=False)
class View:
    """What an agent may read at one moment: the market up to now and the protocol's state.

    ``state`` is current each time it is read: after a ``yield`` it shows what the action did.
    """

    step: int
    _drawn: MarketPaths  # all of it, what is to come too
    protocol: Protocol
    _world: World

    @cached_property
    def market(self) -> Past:
        """The market up to now: its arrays end at ``step``."""
        return Past(self._drawn, self.step)

    @property
    def state(self) -> Observation:
        """The protocol's state now."""
        return self._world.observe()

    @property
    def seconds(self) -> int:
        """Seconds since the start."""
        return self.step * self._drawn.step_seconds

    def index(self, asset: int) -> Floats:
        """Index price of an asset now, ``[paths]``, USD, read-only."""
        return self.market.index[asset, self.step]

    def oracle(self, asset: int) -> Floats:
        """Last oracle round of an asset, ``[paths]``, USD, read-only."""
        return self.market.oracle_price[asset, self.step]

    def gas_cost(self, action: type[Action]) -> Floats:
        """USD one action of this kind costs in gas now, ``[paths]``."""
        return GAS_UNITS[action] * self._drawn.gas_usd[self.step]

    @property
    def pool_price(self) -> Floats:
        """Spot price of the pool, USDC per whole base token, ``[paths]``."""
        return self.state.sqrt_price**2 * self._whole_over_raw

    def leg_price(self, leg: int) -> Floats:
        """Spot price of a leg's pool on Aave, USDC per whole token, ``[paths]``."""
        whole = 10.0 ** (self._leg_decimals(leg) - self.protocol.assets[0].decimals)
        return self.state.leg_sqrt_price[leg] ** 2 * whole

    def leg_liquidity(self, leg: int) -> float:
        """Its liquidity, the same over its one range: √(whole asset · whole USDC)."""
        assert self.protocol.aave is not None
        raw = self.protocol.aave.legs[leg].pool.background[0].liquidity
        decimals = self._leg_decimals(leg) + self.protocol.assets[0].decimals
        return float(raw * 10.0 ** (-decimals / 2))

    def _leg_decimals(self, leg: int) -> int:
        assert self.protocol.aave is not None
        return self.protocol.assets[self.protocol.aave.legs[leg].reserve.asset].decimals

    @property
    def pool_liquidity(self) -> Floats:
        """Active liquidity in whole units: √(whole base · whole USDC), ``[paths]``."""
        decimals = self.protocol.assets[1].decimals + self.protocol.assets[0].decimals
        return self.state.pool_liquidity * 10.0 ** (-decimals / 2)

    @property
    def oracle_pool_ratio(self) -> Floats:
        """Oracle price of the pair as the pool counts it: raw USDC per raw base, ``[paths]``."""
        return self.oracle(1) / self.oracle(0) / self._whole_over_raw

    @property
    def _whole_over_raw(self) -> float:
        return 10.0 ** (self.protocol.assets[1].decimals - self.protocol.assets[0].decimals)


class Agent(ABC):
    """One actor. Deterministic: whatever randomness it needs is in the market paths.

    ``index`` is its place among the protocol's agents, set when the run is put together. A user's
    agent states in ``slot`` the name, wallet and margin it starts with; built-in ones get theirs
    from the configuration.

    What it remembers belongs in ``self``. The instance given to a run never acts: every chunk of
    paths, and the worst path that is told again, begin with a deep copy of it as it was at the
    start (:func:`copy.deepcopy`; define ``__deepcopy__`` where that is not wanted). A chunk is some
    of the paths, and another number of workers cuts others: arrays ``[paths]`` are those of the
    chunk, and variables of the class, of its module or of modules it uses must not change. What
    functions keep by :mod:`functools` is forgotten before each chunk. What it does on a path must
    not depend on the other paths: a few are simulated again beside others, and must be the same.
    """

    index: int
    slot: AgentSlot | None = None
    #: Names of what it remembers (attributes; of a scalar agent fields) that are metrics of each
    #: path: columns ``<agent>_<name>`` of the frame of paths, as they are at the end. Of one that
    #: sees all paths at once ``[paths]``.
    metrics: ClassVar[tuple[str, ...]] = ()
    #: Name of the agent right before which its own turn is, and right after which its ``act_last``
    #: (:mod:`simulator.engine.turns`); "": both have their places among all.
    around: ClassVar[str] = ""

    @classmethod
    def configured(cls, section: Any, config: Config, name: str) -> Agent:
        """A built-in agent as its section of a configuration says, by the agent's name there.

        Each field it is made with is what the section has by that name; one that is made of
        anything else has a function of its own.
        """
        made_with = [field.name for field in fields(cls) if field.init]  # type: ignore[arg-type]
        return cls(**{field: getattr(section, field) for field in made_with})

    def due(self, step: int) -> bool:
        """Whether it acts at a step at all: steps on which nobody sees all paths are quicker.

        A pure function of the step and of what it was made with: it is asked before the step is
        there, more than once, and must not go by what it remembers.
        """
        return True

    @abstractmethod
    def act(self, view: View) -> Actions:
        """Yield actions; each ``yield`` returns the :class:`Fill` of the action."""
