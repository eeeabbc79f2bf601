"""A chunk of paths in either world, with its books: compiled in the model, plain on the chain."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.hooks import BOOK
from simulator.books.keeper import Books, KeptBooks
from simulator.books.metric import Ended
from simulator.books.recorder import Records
from simulator.market.paths import together
from simulator.model.kernel.record import Paths, View
from simulator.model.observe import ModelObservation
from simulator.model.state import STATE
from simulator.results.records import fan_steps
from simulator.results.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.agents.base import Agent
    from simulator.books.events import EventLog
    from simulator.market.paths import MarketPaths
    from simulator.model.parameters import Tables
    from simulator.results.rows import Rows
    from simulator.runner.plan import Plan
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol

    Report = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Ran:
    """What a run of P paths leaves, R of them recorded."""

    protocol: Protocol
    market: MarketPaths
    tables: Tables
    paths: Paths
    rows: Floats  # [R, steps + 1, row], as books/series.py says
    fan: Any  # [P, points, quantities] float32, as books/fan.py says
    logs: list[EventLog]
    counted: dict[str, Floats]  # [P] by column, by agents of one's own

    @property
    def books(self) -> KeptBooks:
        """Of all paths."""
        return KeptBooks(self.paths, self.tables, self.market.first_path)

    def ended(self, weights: Floats) -> Ended:
        """As metrics read it."""
        books = self.books
        state = View(self.paths.states, STATE, self.tables.counts)
        return Ended(
            books.view,
            ModelObservation(self.tables, self.paths, state),
            self.market,
            self.protocol,
            weights,
            self.counted,
        )

    def events(self) -> Rows:
        """What was tried on the recorded paths, in order of time on each; names by their codes."""
        return np.concatenate([rows_of(log.columns()) for log in self.logs])


def ran(plan: Plan, market: MarketPaths, record: int, report: Report | None) -> Ran:
    """Run a plan on the paths of a market, the first ``record`` of them, if any, in full."""
    run = _on_chain if plan.world != "model" else _in_plain_python if plan.plain else _in_model
    return run(plan, market, max(0, min(record, market.paths)), report)


def _minimum_profit(plan: Plan) -> float:
    keeper = plan.config.agents.keeper
    return 0.0 if keeper is None else keeper.minimum_profit_usd


def _in_model(plan: Plan, market: MarketPaths, record: int, report: Report | None) -> Ran:
    return modelled(*plan.setting(), market, record, _minimum_profit(plan), report)


def modelled(
    protocol: Protocol,
    agents: Sequence[Agent],
    market: MarketPaths,
    record: int = 0,
    least_profit: float = 0.0,
    report: Report | None = None,
) -> Ran:
    """Run agents, which have their places in the protocol, on the model.

    ``least_profit``: USD beyond gas for which a keeper is expected to call.
    """
    from simulator.engine.compiled import Loop
    from simulator.model.world import ModelWorld

    world = ModelWorld(protocol, market, BOOK, record)
    loop = Loop(world, agents, fan_steps(market.steps))
    loop.books.view.upkeep.least_profit[:] = least_profit
    loop.run(report)
    kept, logs, counted = loop.records.kept, [loop.records.log], loop.counted()
    return Ran(
        protocol, world.market, world.tables, world.paths, kept.rows, kept.fan, logs, counted
    )


def _in_plain_python(plan: Plan, market: MarketPaths, record: int, report: Report | None) -> Ran:
    """The model with agents in plain Python."""
    from simulator.engine.loop import simulate
    from simulator.model.world import ModelWorld

    protocol, agents = plan.setting()
    world = ModelWorld(protocol, market, BOOK, record)
    books, records = Books(world), Records(world, fan_steps(market.steps))
    books.view.upkeep.least_profit[:] = _minimum_profit(plan)
    meter = [] if report is None else [_Meter(report, market.paths)]
    counted = simulate(world, agents, [books, records, *meter])
    kept, logs = records.kept, [records.log]
    return Ran(
        protocol, world.market, world.tables, world.paths, kept.rows, kept.fan, logs, counted
    )


def _on_chain(plan: Plan, market: MarketPaths, record: int, report: Report | None) -> Ran:
    """Path by path: each is a chain of its own."""
    from simulator.chain.world import ChainWorld
    from simulator.engine.loop import simulate

    whole = ChainWorld(plan.setting()[0], market)
    records, counted = [], []
    try:
        worlds = whole.apart(BOOK, record)
        for world in worlds:
            _, agents = plan.setting()
            books, kept = Books(world), Records(world, fan_steps(market.steps))
            books.view.upkeep.least_profit[:] = _minimum_profit(plan)
            meter = [] if report is None else [_Meter(report)]
            counted.append(simulate(world, agents, [books, kept, *meter]))
            records.append(kept)
        paths = _together([world.look() for world in worlds])
        rows = np.concatenate([kept.kept.rows for kept in records])
        fan = np.concatenate([kept.kept.fan for kept in records])
        logs = [kept.log for kept in records]
        own = {name: np.concatenate([one[name] for one in counted]) for name in counted[0]}
        lived = together([world.market for world in worlds])
        return Ran(whole.protocol, lived, whole.tables, paths, rows, fan, logs, own)
    finally:
        whole.close()


def _together(each: Sequence[Paths]) -> Paths:
    """Single paths as one bundle."""
    joined = {
        name: np.concatenate([getattr(paths, name) for paths in each])
        for name in ("states", "moments", "orders", "books", "logs", "outside")
    }
    return each[0]._replace(**joined)


class _Meter:
    """Observer that reports the steps of paths as they are done, a few times a second."""

    def __init__(self, report: Report, paths: int = 1) -> None:
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
