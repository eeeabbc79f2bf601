"""A chunk of paths through market, world, agents and observers, in one process."""

from __future__ import annotations

import pickle
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.results.store import Outcome
from simulator.runner import agent_code
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.agents.base import Agent
    from simulator.market.paths import MarketPaths
    from simulator.runner.plan import Plan
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol


class _Meter:
    """Observer that reports path-steps as they are done, a few times a second."""

    def __init__(self, report: Callable[[int], None], paths: int) -> None:
        self._report, self._paths = report, paths
        self._pending, self._last = 0, time.monotonic()

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Nothing to note."""

    def stepped(self, step: int, world: World) -> None:
        """Count the step; step 0 is the setting-up and counts for nothing."""
        self._pending += self._paths * (step > 0)
        now = time.monotonic()
        if now - self._last > 0.2 or step == world.market.steps:
            self._report(self._pending)
            self._pending, self._last = 0, now


def simulate_chunk(
    plan: Plan, first: int, count: int, record: int, report: Callable[[int], None] | None = None
) -> Outcome:
    """Draw paths ``first`` … ``first + count − 1`` and :func:`simulate_market`."""
    from simulator.market.draw import draw

    return simulate_market(plan, draw(plan.config.market, first, count), record, report)


def simulate_market(
    plan: Plan, market: MarketPaths, record: int, report: Callable[[int], None] | None = None
) -> Outcome:
    """Simulate the paths of a market, check the attribution, sum up.

    ``market`` may serve any number of plans, one after the other: nobody writes to it. ``record``:
    number of paths, counted from the first, whose series are kept.

    Raises:
        InputError: the market is not the plan's, or an agent left something behind for the next
            chunk.
    """
    _refuse_another_market(plan, market)
    from simulator.engine import simulate
    from simulator.market.weights import weights
    from simulator.results.attribution import Attribution
    from simulator.results.entries import FeesKept
    from simulator.results.latency import LatencyProfit
    from simulator.results.metrics import PathMetrics, SharePrice
    from simulator.results.records import Fan, Recorder
    from simulator.results.upkeep_watch import UpkeepWatch

    before = _begun(plan.agents)
    protocol, agents = plan.setting()
    world = _world(plan.world, protocol, market)
    try:
        attribution, price = Attribution(world), SharePrice(world)
        latency, fan = LatencyProfit(world), Fan(world, attribution, price)
        fees, keeper = FeesKept(world), plan.config.agents.keeper
        upkeep = UpkeepWatch(world, 0.0 if keeper is None else keeper.minimum_profit_usd)
        metrics = PathMetrics(world, attribution, price, upkeep, latency, fees)
        observers: list[Any] = [attribution, price, latency, fees, upkeep, metrics, fan]
        recorder = Recorder(world, attribution, price, record) if record > 0 else None
        if recorder is not None:
            observers.append(recorder)
        if report is not None:
            observers.append(_Meter(report, market.paths))
        simulate(world, agents, observers)
        _refuse_traces(plan.agents, before)
        attribution.check()
        fan.finish(metrics.mean_betas())
        if recorder is not None:
            recorder.finish(metrics.mean_betas())
        return Outcome(
            paths=metrics.frame(
                world.observe(), weights(plan.config.market, market.first_path, market.paths)
            ),
            fan=fan.values,
            series=None if recorder is None else recorder.series(),
            events=None if recorder is None else recorder.events(),
        )
    finally:
        world.close()


def _refuse_another_market(plan: Plan, market: MarketPaths) -> None:
    """Refuse paths that were drawn from other settings; those made by hand have no key."""
    if market.key not in ("", plan.config.market.digest()):
        raise InputError(
            f"market: these paths were drawn from other market settings than those of "
            f"{plan.config.name}; they are not the same paths"
        )


@dataclass(frozen=True)
class _Before:
    """What must be the same when a chunk is done."""

    digests: list[str]
    generators: bytes


def _begun(agents: Sequence[Agent]) -> _Before:
    """Look at the plan's agents; what their functions cached is forgotten, as another would."""
    readings = [agent_code.read(agent) for agent in agents]
    for reading in readings:
        for clear in reading.caches:
            clear()
    return _Before([reading.digest for reading in readings], _generators())


def _generators() -> bytes:
    """Where the generators of random numbers are that belong to everybody."""
    return pickle.dumps((random.getstate(), np.random.get_state()))  # noqa: NPY002 (whoever uses it)


def _refuse_traces(agents: Sequence[Agent], before: _Before) -> None:
    """Hold the plan's agents, which did not act themselves, against what they were ``before``."""
    for agent, digest in zip(agents, before.digests, strict=True):
        if agent_code.read(agent).digest != digest:
            raise InputError(
                f"agents: {type(agent).__name__} changes variables of its class or module, or what "
                "is shared there; other chunks of paths would see that: keep it in self"
            )
    if agents and _generators() != before.generators:
        names = ", ".join(type(agent).__name__ for agent in agents)
        raise InputError(
            f"agents: {names}: one draws from the generator of numpy.random or random, which every "
            "chunk of paths would find elsewhere; randomness an agent needs is in the market paths"
        )


def _world(kind: str, protocol: Protocol, market: MarketPaths) -> World:
    if kind == "model":
        from simulator.world.model.world import ModelWorld

        return ModelWorld(protocol, market)
    from simulator.world.chain.world import ChainWorld

    return ChainWorld(protocol, market)
