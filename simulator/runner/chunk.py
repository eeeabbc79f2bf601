"""A chunk of paths through market, world, agents and observers, in one process."""

from __future__ import annotations

import pickle
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.results.store import Outcome
from simulator.runner import agent_code
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.agents.base import Agent
    from simulator.market.paths import MarketPaths
    from simulator.runner.plan import Plan


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
    from simulator.books.events import event_names
    from simulator.books.hedge import mean_betas
    from simulator.market.weights import weights
    from simulator.results.attribution import Attribution
    from simulator.results.records import fan_values, series_rows
    from simulator.results.registry import path_rows
    from simulator.runner.worlds import ran

    before = begun(plan.agents)
    run = ran(plan, market, record, report)
    refuse_traces(plan.agents, before)
    Attribution(run.books).check()
    ended = run.ended(weights(plan.config.market, market.first_path, market.paths))
    betas = ended.once(mean_betas)
    rows = {"paths": path_rows(ended)}
    if record > 0:
        rows |= {"series": series_rows(ended, run.rows, betas), "events": run.events()}
    return Outcome(rows, fan_values(ended, run.fan, betas), event_names(run.protocol))


def _refuse_another_market(plan: Plan, market: MarketPaths) -> None:
    """Refuse paths that were drawn from other settings; those made by hand have no key."""
    if market.key not in ("", plan.config.market.digest()):
        raise InputError(
            f"market: these paths were drawn from other market settings than those of "
            f"{plan.config.name}; they are not the same paths"
        )


@dataclass(frozen=True)
class Before:
    """What must be the same when a chunk is done."""

    digests: list[str]
    generators: bytes


def begun(agents: Sequence[Agent]) -> Before:
    """Look at the plan's agents; what their functions cached is forgotten, as another would."""
    readings = [agent_code.read(agent) for agent in agents]
    for reading in readings:
        for clear in reading.caches:
            clear()
    return Before([reading.digest for reading in readings], _generators())


def _generators() -> bytes:
    """Where the generators of random numbers are that belong to everybody."""
    return pickle.dumps((random.getstate(), np.random.get_state()))  # noqa: NPY002 (whoever uses it)


def refuse_traces(agents: Sequence[Agent], before: Before) -> None:
    """Hold the plan's agents, which did not act themselves, against what they were ``before``.

    Raises:
        InputError: one left something behind for the next chunk.
    """
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
