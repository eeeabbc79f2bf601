"""From a configuration to the agents that act, in block order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.agents.amm_arbitrageur import AmmArbitrageur
from simulator.agents.depositor import Depositor
from simulator.agents.keeper import Keeper
from simulator.agents.liquidator import Liquidator
from simulator.agents.noise_trader import NoiseTrader
from simulator.agents.perp_arbitrageur import PerpArbitrageur
from simulator.agents.risk_manager import RiskManager
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.world.protocol import Protocol


def build_agents(config: Config, protocol: Protocol) -> list[Agent]:
    """The configured agents, one per slot of ``protocol.agents`` and in that order."""
    agents = [_BUILDERS[slot.name](config) for slot in protocol.agents]
    for index, agent in enumerate(agents):
        agent.index = index
    return agents


def add_agents(
    protocol: Protocol, agents: Sequence[Agent], newcomers: Sequence[Agent]
) -> tuple[Protocol, list[Agent]]:
    """Put a user's agents after the configured ones, each with the wallet its ``slot`` asks for.

    Raises :class:`InputError` when a newcomer has no slot or its name is taken.
    """
    slots = list(protocol.agents)
    for agent in newcomers:
        kind = type(agent).__name__
        if agent.slot is None:
            raise InputError(
                f"agents: {kind} has no slot; set `slot = AgentSlot(name, usdc, base)`"
            )
        if agent.slot.name in {slot.name for slot in slots}:
            raise InputError(f"agents: {kind} is named {agent.slot.name!r}, which is taken")
        agent.index = len(slots)
        slots.append(agent.slot)
    return replace(protocol, agents=tuple(slots)), [*agents, *newcomers]


def _depositor(config: Config) -> Agent:
    return Depositor(initial_deposit=config.agents.depositor.initial_deposit)


def _noise_trader(config: Config) -> Agent:
    return NoiseTrader(maximum_slippage=config.agents.noise_trader.maximum_slippage)


def _amm_arbitrageur(config: Config) -> Agent:
    return AmmArbitrageur(minimum_profit_usd=config.agents.amm_arbitrageur.minimum_profit_usd)


def _perp_arbitrageur(config: Config) -> Agent:
    section = config.agents.perp_arbitrageur
    return PerpArbitrageur(
        entry_basis=section.entry_basis, maximum_inventory_usd=section.maximum_inventory_usd
    )


def _risk_manager(config: Config) -> Agent:
    from simulator.config import initial_betas

    section = config.agents.risk_manager
    hour = 60 / config.step_minutes
    rolling = section.estimator == "rolling"
    return RiskManager(
        initial_betas=initial_betas(config),
        window_steps=max(2, round(section.window_hours * hour)) if rolling else 0,
        every_steps=max(1, round(section.every_hours * hour)),
    )


def _liquidator(config: Config) -> Agent:
    return Liquidator(minimum_profit_usd=config.agents.liquidator.minimum_profit_usd)


def _keeper(config: Config) -> Agent:
    return Keeper(minimum_profit_usd=config.agents.keeper.minimum_profit_usd)


_BUILDERS: dict[str, Callable[[Config], Agent]] = {
    "depositor": _depositor,
    "noise_trader": _noise_trader,
    "amm_arbitrageur": _amm_arbitrageur,
    "perp_arbitrageur": _perp_arbitrageur,
    "risk_manager": _risk_manager,
    "liquidator": _liquidator,
    "keeper": _keeper,
}
