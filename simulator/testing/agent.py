"""What every Agent must do: laws of :class:`~simulator.agents.base.Agent`, whichever kind it is."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import fields, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from simulator.agents.build import add_agents, build_agents
from simulator.agents.scalar import ScalarAgent
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED
from simulator.model.world import ModelWorld
from simulator.testing.expect import same
from simulator.types import Status

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.market.paths import MarketPaths
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol

# Of the state at the end, of its largest value: compiled code adds products in one rounding.
_DIGITS = 1e-11
# What becomes of a market's fields in another one.
_OTHERWISE = {
    "oracle_time": lambda x: 0.5 * x,
    "index": lambda x: x * 0.8,
    "oracle_price": lambda x: x * 0.8,
    "gas_usd": lambda x: x * 3.0,
    "pool_depth": lambda x: x * 0.7,
    "perp_depth": lambda x: x * 0.7,
    "outside_depth": lambda x: x * 0.7,
    "noise_swap": lambda x: 10.0 - 2.0 * x,
    "noise_trade": lambda x: 10.0 - 2.0 * x,
    "deposit_flow": lambda x: 0.5 * np.abs(x),
}


class Decision(NamedTuple):
    """One action on one path: what was asked, by name and field, and what came of it."""

    step: int
    kind: str
    asked: tuple[tuple[float, ...], ...]
    status: str
    amount_in: float
    amount_out: float


#: Decisions of every agent on every path, in order: ``[agent][path]``.
Decisions: TypeAlias = list[list[list[Decision]]]


class _Watch:
    """Observer that keeps what each agent decided on each path."""

    def __init__(self, agents: int, paths: int) -> None:
        self.seen: Decisions = [[[] for _ in range(paths)] for _ in range(agents)]

    def advanced(self, step: int, world: World) -> None:
        pass

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        pass

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        for path in np.flatnonzero(fill.status != Status.NONE):
            asked = tuple(
                tuple(np.ravel(_of_path(getattr(action, field.name), path)).astype(float).tolist())
                for field in fields(action)
            )
            made = Decision(
                step,
                type(action).__name__,
                asked,
                Status(int(fill.status[path])).name,
                float(fill.amount_in[path]),
                float(fill.amount_out[path]),
            )
            self.seen[agent.index][path].append(made)

    def stepped(self, step: int, world: World) -> None:
        pass


def _of_path(value: Any, path: int) -> Any:
    """A field of an action on one path; those that are the same on all are themselves."""
    if value is None:
        return ()
    return value[..., path] if isinstance(value, np.ndarray) else value


class AgentSuite(ABC):
    """Subclass it, named ``Test…``, with ``make``; a built-in agent overrides ``crowd`` instead.

    The agent acts among those of a scenario, after them.

    Attributes:
        scenario: a built-in one, or a file.
        settings: overrides of it, ``name=value``.
        paths: how many are simulated.
        steps: of each.
    """

    scenario = "calm"
    settings: tuple[str, ...] = ()
    paths = 3
    steps = 48

    @abstractmethod
    def make(self) -> Agent:
        """The agent, as it is given to a run."""

    def crowd(self) -> tuple[Protocol, list[Agent], Agent]:
        """The protocol, all agents in block order, and which of them is tested."""
        config = load(self.scenario, list(self.settings))
        protocol, agent = resolve(config), self.make()
        protocol, agents = add_agents(protocol, build_agents(config, protocol), [agent])
        return protocol, agents, agent

    def market(self) -> MarketPaths:
        """Paths it is run on."""
        config = load(self.scenario, list(self.settings))
        return draw(config.market, 0, self.paths).first_steps(self.steps)

    def decisions(self, market: MarketPaths, world: type[ModelWorld] = ModelWorld) -> Decisions:
        """Run the crowd afresh: decisions of all."""
        protocol, agents, _ = self.crowd()
        watch = _Watch(len(agents), market.paths)
        simulate(world(protocol, market), copy.deepcopy(agents), [watch])
        return watch.seen

    def test_it_acts(self) -> None:
        """Laws about what an agent does say nothing of one that does nothing."""
        assert any(self._own(self.market())), (
            f"it never acts in {self.steps} steps of {self.scenario}: choose another scenario"
        )

    def test_the_same_market_brings_the_same_decisions(self) -> None:
        """Bit for bit, whatever ran before it in this process."""
        first = self._own(self.market())
        self.decisions(otherwise(self.market()))
        for path, again in enumerate(self._own(self.market())):
            _alike(again, first[path], f"decisions of path {path} in the same market again")

    def test_it_holds_no_future(self) -> None:
        """All that comes after a step is another market's when it decides there: it does the same.

        At each step the market is known up to it, and only then becomes what it is at the next.
        A view's market ends where it is, and an agent that asks it for more ends any run; this is
        for what it got hold of besides.
        """
        expected = self._own(self.market())
        for path, found in enumerate(self._own(self.market(), _Veiled)):
            _alike(found, expected[path], f"decisions of path {path}, the future being another")

    def test_it_does_not_go_by_other_paths(self) -> None:
        """A path alone, and some of them, are decided as among all."""
        market = self.market()
        expected = self._own(market)
        for first, count in ((self.paths - 1, 1), (0, max(1, self.paths - 1))):
            found = self._own(market.chunk(first, count))
            for place, decided in enumerate(found):
                what = f"decisions of path {first + place} among {count}"
                _alike(decided, expected[first + place], what)

    def test_it_leaves_nothing_behind(self) -> None:
        """The instance given, its class and module, everybody's generators are as they were."""
        from simulator.runner import agent_code

        protocol, agents, agent = self.crowd()
        before, generators = agent_code.read(agent).digest, _generators()
        simulate(ModelWorld(protocol, self.market()), copy.deepcopy(agents))
        same(agent_code.read(agent).digest, before, "digest of the agent, its class and module")
        same(_generators(), generators, "state of the generators of random and numpy.random")

    def test_amounts_are_finite(self) -> None:
        """Asked and received."""
        for path, decided in enumerate(self._own(self.market())):
            for made in decided:
                numbers = [made.amount_in, made.amount_out, *chain.from_iterable(made.asked)]
                assert np.isfinite(numbers).all(), f"path {path}: not finite: {made}"

    def test_compiled_and_in_plain_python_it_does_the_same(self) -> None:
        """Whatever was decided otherwise would show in state or books; scalar agents only."""
        from simulator.books.hooks import BOOK
        from simulator.books.keeper import Books
        from simulator.engine.compiled import Loop

        protocol, agents, agent = self.crowd()
        if not isinstance(agent, ScalarAgent):
            return
        market = self.market()
        plain, compiled = (ModelWorld(protocol, market, BOOK) for _ in range(2))
        simulate(plain, copy.deepcopy(agents), [Books(plain)])
        Loop(compiled, copy.deepcopy(agents), np.array([0, market.steps])).run()
        off = [
            f"{what}.{name}"
            for what in ("states", "books")
            for name in unlike(getattr(plain.paths, what), getattr(compiled.paths, what))
        ]
        assert not off, f"{', '.join(off)} differ at the end"

    def _own(
        self, market: MarketPaths, world: type[ModelWorld] = ModelWorld
    ) -> list[list[Decision]]:
        """What the tested agent decided, by path."""
        _, _, agent = self.crowd()
        return self.decisions(market, world)[agent.index]


def unlike(then: Any, now: Any, name: str = "") -> list[str]:
    """Fields in which arrays of records differ, NaN being like itself only."""
    if then.dtype.names:
        parts = [
            (then[below], now[below], f"{name}.{below}".strip(".")) for below in then.dtype.names
        ]
        return [found for part in parts for found in unlike(*part)]
    largest = np.nanmax(np.abs(then), initial=1.0) if then.dtype.kind == "f" else 0.0
    return [] if np.allclose(now, then, 0.0, _DIGITS * largest, equal_nan=True) else [name]


def otherwise(market: MarketPaths) -> MarketPaths:
    """Another market that begins as this one does; its arrays are its own."""
    changed: dict[str, Any] = {}
    for name in (*STACKED, *SINGLE):
        changed[name] = getattr(market, name).copy()
        later = changed[name][..., 1:, :]
        later[:] = _OTHERWISE[name](later)
    return replace(market, key="", **changed)


class _Veiled(ModelWorld):
    """A world whose market is known up to the step it is; after it stands another market."""

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        self._true = market
        super().__init__(protocol, otherwise(market))

    def advance(self, step: int) -> None:
        for market in (self.given, self.market):  # where flows move prices these are two
            for name in (*STACKED, *SINGLE):
                getattr(market, name)[..., step, :] = getattr(self._true, name)[..., step, :]
        super().advance(step)


def _alike(found: list[Decision], expected: list[Decision], what: str) -> None:
    """Demand the same decisions; the first that is not is shown."""
    for new, old in zip(found, expected, strict=False):
        same(new, old, what)
    same(len(found), len(expected), f"number of {what}")


def _generators() -> tuple[str, str]:
    import random

    return repr(random.getstate()), repr(np.random.get_state())  # noqa: NPY002 - whoever uses it
