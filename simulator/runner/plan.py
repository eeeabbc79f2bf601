"""What is to be simulated, and how it is cut into chunks."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.arguments import instance, whole
from simulator.results.store import Key
from simulator.runner import fingerprint
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.arguments import Trust
    from simulator.config import Config
    from simulator.world.protocol import Protocol

#: Paths simulated together: enough to amortise the loop, few enough to stay in cache and memory.
CHUNK_PATHS = 400
#: Longer runs take fewer at a time, so that memory does not grow with the horizon for ever.
CHUNK_PATH_STEPS = 600_000
#: A chain world holds one EVM per path.
CHAIN_CHUNK_PATHS = 10
#: Fewer paths than this are not worth another process.
WORTH_A_WORKER = 250

WORLDS = ("model", "chain")


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be simulated; the same for every chunk, and sent to every worker.

    ``agents``: those the user added, in files that the configuration names and then by hand, as
    they were at the start; none of them acts, copies do. ``plain``: whether agents act in plain
    Python on the model. ``feedback``: whether what liquidations sell moves the market.
    """

    config: Config
    world: str
    agents: tuple[Agent, ...]
    record: int
    plain: bool = False
    feedback: bool = True

    def setting(self) -> tuple[Protocol, list[Agent]]:
        """The protocol, and fresh agents with their places in it, a user's copied from the plan.

        Raises:
            InputError: a user's agent cannot be copied, has no slot, or its name is taken.
        """
        from simulator.agents.build import add_agents, build_agents
        from simulator.config import resolve

        protocol = resolve(self.config)
        if protocol.impact is not None:
            impact = replace(protocol.impact, feedback=self.feedback)
            protocol = replace(protocol, impact=impact)
        return add_agents(protocol, build_agents(self.config, protocol), _fresh(self.agents))

    def key(self) -> Key:
        """Identifies all the outcome depends on: chunks may be reused by a run with the same key.

        What is configured, what the files it names hold, the agents added, and the code. Not how
        the run was cut into chunks: a run that is resumed keeps its layout, see
        :class:`~simulator.results.store.Chunks`.

        Raises:
            InputError: a file cannot be read.
        """
        return Key(
            market=fingerprint.of_market(self.config),
            protocol=fingerprint.of_protocol(
                self.config,
                self._how(),
                self.agents,
                self.record,
            ),
            code=fingerprint.of_code(self.world),
        )

    def _how(self) -> str:
        """The world, and in which way it is run."""
        plain = " plain" if self.plain else ""
        return f"{self.world}{plain}{'' if self.feedback else ' without feedback'}"

    def chunks(self, workers: int) -> list[tuple[int, int]]:
        """First path and number of paths of every chunk, sizes as equal as they can be.

        For a run that begins. It goes by ``workers`` because a chunk costs something however few
        paths it has: cut for many workers, small runs would be slow with few.
        """
        paths = self.config.paths
        largest = CHAIN_CHUNK_PATHS
        if self.world == "model":
            largest = max(1, min(CHUNK_PATHS, CHUNK_PATH_STEPS // (self.config.steps + 1)))
        worth = WORTH_A_WORKER if self.world == "model" else 1
        count = max(-(-paths // largest), min(workers, paths // worth))
        if count > 1:  # the same number for every worker, so that none waits for another
            count = min(-(-count // workers) * workers, paths)
        edges = np.linspace(0, paths, count + 1).round().astype(int)
        return [(int(a), int(b - a)) for a, b in pairwise(edges)]


def _fresh(agents: Sequence[Agent]) -> list[Agent]:
    """Copies, so that what an agent remembers of one chunk does not reach the next."""
    from simulator.agents.base import Agent

    copies = []
    for agent in agents:
        if isinstance(agent, type):
            raise InputError(f"agents: {agent.__name__} is a class; allowed: an agent made of it")
        instance("agents", agent, Agent, "a list of agents, each made of a subclass of Agent")
        try:
            copies.append(copy.deepcopy(agent))
        except Exception as error:  # copying runs the user's code, which may raise anything
            raise InputError(
                f"agents: {type(agent).__name__} cannot be copied ({error}); every chunk begins "
                "with a fresh one"
            ) from error
    return copies


def plan_of(
    config: Config | Mapping[str, Any] | str | Path,
    paths: int | None,
    seed: int | None,
    world: str,
    agents: Sequence[Agent],
    record: int | None,
    trust: Trust = False,
    *,
    plain: bool = False,
) -> Plan:
    """The plan of a run; arguments and errors as :func:`simulator.run` says."""
    instance("agents", agents, Sequence, "a list of agents")
    agents = _fresh(agents)  # as they are now, whatever becomes of the caller's
    from simulator.agents.custom import custom_agents
    from simulator.config import Config, from_mapping, load
    from simulator.results.records import recorded_paths

    if world not in WORLDS:
        raise InputError(f"world: {world!r}; allowed: {', '.join(WORLDS)}")
    if plain and world != "model":
        raise InputError(f"plain = True: world {world} runs agents so anyway; allowed: world model")
    record = None if record is None else whole("record", record, 1)
    if isinstance(config, str | Path):
        config = load(config)
    kinds = "a name, the path of a YAML file, plain data or a Config"
    instance("config", config, (Config, Mapping), kinds)
    given = {"paths": paths, "seed": seed}
    changes = {name: value for name, value in given.items() if value is not None}
    if isinstance(config, Config) and changes:
        config = config.model_dump()
    if not isinstance(config, Config):
        config = from_mapping({**config, **changes})
    record = recorded_paths(config.steps) if record is None else record
    return Plan(config, world, (*custom_agents(config, trust), *agents), record, plain)
