"""A scenario through both worlds, its paths dealt to processes."""

from __future__ import annotations

from concurrent.futures import as_completed
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.arguments import instance, whole
from simulator.config import Config
from simulator.runner.pool import processes
from simulator.verify import prober
from simulator.verify.comparison import Comparison, compare
from simulator.verify.compiled import Beside
from simulator.verify.prober import PROBED
from simulator.verify.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.agents.base import Agent
    from simulator.arguments import Trust
    from simulator.world.protocol import Protocol


def verify_paths(
    config: Config,
    first_path: int,
    paths: int,
    steps: int,
    probed: float = PROBED,
    trust: Trust = False,
) -> Comparison:
    """Run ``paths`` paths through both worlds, and compiled through the model, in this process.

    ``probed``: part of the steps at which the prober tries a call; 0: it does not take part.
    ``trust``: as :func:`simulator.run` has it.
    """
    from simulator.agents.build import add_agents, build_agents
    from simulator.agents.custom import custom_agents
    from simulator.chain.world import ChainWorld
    from simulator.config import resolve
    from simulator.engine import simulate
    from simulator.market.draw import draw

    market = draw(config.market, first_path, paths).first_steps(steps)

    def cast() -> tuple[Protocol, list[Agent]]:
        """The protocol, and its agents between the turns of the prober."""
        protocol = resolve(config)
        own = custom_agents(config, trust)
        protocol, agents = add_agents(protocol, build_agents(config, protocol), own)
        if probed == 0.0:
            return protocol, agents
        wallet = prober.slot(protocol)
        known = replace(protocol, agents=(*protocol.agents, wallet))
        lines = prober.script(known, config.seed, first_path, paths, steps, probed)
        before, after = (prober.Prober(lines, turn, wallet) for turn in prober.TURNS)
        protocol, agents = add_agents(protocol, agents, [after])
        before.index = after.index
        return protocol, [before, *agents]

    protocol, agents = cast()
    beside, model, chain = Beside(protocol, market), Transcript(), Transcript()
    counted = simulate(beside.world, agents, [model, *beside.observers])
    protocol, agents = cast()
    contracts = ChainWorld(protocol, market)
    simulate(contracts, agents, [chain])
    contracts.close()
    return compare(model, chain, first_path, beside.compiled(cast()[1], counted))


def verify(
    config: Config,
    paths: int,
    steps: int | None = None,
    *,
    workers: int = 2,
    progress: Callable[[int], None] | None = None,
    trust: Trust = False,
) -> Comparison:
    """Compare the worlds on paths 0 … ``paths`` − 1 over the first ``steps`` steps (default: all).

    Paths are dealt to ``workers`` processes; ``progress`` is told how many more are done.
    Raises :class:`InputError` when the scenario has fewer steps, or names files of agents that may
    not run (``trust``, as :func:`simulator.run` has it).
    """
    instance("config", config, Config, "a Config, as load_config gives it")
    paths, workers = whole("paths", paths, 1), whole("workers", workers, 1)
    available = config.steps  # the horizon of this scenario
    steps = available if steps is None else whole("steps", steps, 1, available)
    size = -(-paths // (2 * workers)) if paths > 2 else 1
    jobs = [(first, min(size, paths - first)) for first in range(0, paths, size)]
    if workers == 1 or len(jobs) == 1:
        parts = []
        for first, count in jobs:
            parts.append(verify_paths(config, first, count, steps, trust=trust))
            if progress is not None:
                progress(count)
        return Comparison.merge(parts)
    with processes(workers) as pool:
        futures = {
            pool.submit(verify_paths, config, first, count, steps, trust=trust): count
            for first, count in jobs
        }
        for future in as_completed(futures):
            future.result()
            if progress is not None:
                progress(futures[future])
        return Comparison.merge(future.result() for future in futures)
