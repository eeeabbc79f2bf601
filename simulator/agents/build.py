"""From a configuration to the agents that act, in block order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from simulator.agents.latency_arbitrageur import LatencyArbitrageur
from simulator.agents.scalar import ScalarAgent
from simulator.arguments import instance, money, texts, whole
from simulator.config.agents import BUILT_IN
from simulator.types import InputError
from simulator.world.protocol import MOST_LATENCY, MOST_POSITIONS

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.world.protocol import AgentSlot, Protocol


def kind_of(name: str) -> type[Agent]:
    """The class of a built-in agent: where its section lies, and as that is called."""
    section = BUILT_IN[name]
    module = import_module(f"simulator.agents.{section.__module__.rpartition('.')[2]}")
    kind: type[Agent] = getattr(module, section.__name__)
    return kind


def build_agents(config: Config, protocol: Protocol) -> list[Agent]:
    """The configured agents, one per slot of ``protocol.agents`` and in that order."""
    agents = [
        kind_of(slot.kind).configured(getattr(config.agents, slot.kind), config, slot.name)
        for slot in protocol.agents
    ]
    for index, agent in enumerate(agents):
        agent.index = index
    return agents


def add_agents(
    protocol: Protocol, agents: Sequence[Agent], newcomers: Sequence[Agent]
) -> tuple[Protocol, list[Agent]]:
    """Put a user's agents after the configured ones, each with the wallet its ``slot`` asks for.

    Raises:
        InputError: a newcomer has no slot or one that cannot be, its name is taken, or a metric is
            nothing it remembers.
    """
    slots = list(protocol.agents)
    for agent in newcomers:
        kind = type(agent).__name__
        if isinstance(agent, ScalarAgent) and not is_dataclass(agent):
            raise InputError(f"agents: {kind} must be a dataclass: @dataclass(eq=False)")
        if agent.slot is None:
            raise InputError(
                f"agents: {kind} has no slot; set `slot = AgentSlot(name, usdc, base, has_account)`"
            )
        if agent.slot.name in {slot.name for slot in slots}:
            raise InputError(f"agents: {kind} is named {agent.slot.name!r}, which is taken")
        _check_slot(kind, agent.slot, protocol)
        metrics = _metrics(agent)
        agent.index = len(slots)
        kind = "latency_arbitrageur" if isinstance(agent, LatencyArbitrageur) else ""
        slots.append(replace(agent.slot, kind=kind, metrics=metrics))
    return replace(protocol, agents=tuple(slots)), [*agents, *newcomers]


def _check_slot(kind: str, slot: AgentSlot, protocol: Protocol) -> None:
    """Refuse a wallet, a margin or a latency that cannot be."""
    whole(f"{kind}.slot.latency_blocks", slot.latency_blocks, 0, MOST_LATENCY)
    whole(f"{kind}.slot.positions", slot.positions, 0, MOST_POSITIONS)
    if slot.positions and protocol.stable is not None:
        raise InputError(
            f"{kind}.slot.positions = {slot.positions}: must be 0; the pool is a StableSwap "
            "(pool.kind), whose shares agents cannot hold here"
        )
    money(f"{kind}.slot.usdc", slot.usdc)
    money(f"{kind}.slot.base", slot.base)
    for name, listed in (
        ("margin", protocol.clearing.collaterals),
        ("hedge", protocol.leg_of),
    ):
        given = getattr(slot, name)
        instance(f"{kind}.slot.{name}", given, tuple, f"a tuple, as ({name} = (1000.0,))")
        if len(given) > len(listed):
            raise InputError(
                f"{kind}.slot.{name} = {given}: must have at most {len(listed)} amounts"
            )
        for place, amount in enumerate(given):
            money(f"{kind}.slot.{name}[{place}]", amount)
    if any(slot.margin) and not slot.has_account:
        raise InputError(f"{kind}.slot.margin = {slot.margin}: must be () without has_account")


def _metrics(agent: Agent) -> tuple[str, ...]:
    """Names of its metrics; of a scalar agent they are fields, and no others are kept."""
    kind, names = type(agent), texts(f"{type(agent).__name__}.metrics", type(agent).metrics)
    if isinstance(agent, ScalarAgent):
        known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        for name in names:
            if name not in known:
                raise InputError(
                    f"{kind.__name__}.metrics = {name}: no field of it; allowed: "
                    f"{', '.join(known) or 'none'}"
                )
    return tuple(names)
