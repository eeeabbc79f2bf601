"""From a configuration to the agents that act, in block order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from simulator.agents.amm_arbitrageur import AmmArbitrageur
from simulator.agents.breakdown_monitor import BreakdownMonitor
from simulator.agents.depositor import Depositor
from simulator.agents.keeper import Keeper
from simulator.agents.latency_arbitrageur import LatencyArbitrageur
from simulator.agents.leg_arbitrageur import LegArbitrageur
from simulator.agents.leveraged_trader import LeveragedTrader
from simulator.agents.liquidator import Liquidator
from simulator.agents.noise_trader import NoiseTrader
from simulator.agents.perp_arbitrageur import PerpArbitrageur
from simulator.agents.risk_manager import RiskManager
from simulator.agents.scalar import ScalarAgent
from simulator.arguments import texts, whole
from simulator.types import InputError
from simulator.world.protocol import MOST_LATENCY

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.config import agents as sections
    from simulator.world.protocol import Protocol


def build_agents(config: Config, protocol: Protocol) -> list[Agent]:
    """The configured agents, one per slot of ``protocol.agents`` and in that order."""
    agents = [
        _BUILDERS[slot.name](getattr(config.agents, slot.name), config) for slot in protocol.agents
    ]
    for index, agent in enumerate(agents):
        agent.index = index
    return agents


def add_agents(
    protocol: Protocol, agents: Sequence[Agent], newcomers: Sequence[Agent]
) -> tuple[Protocol, list[Agent]]:
    """Put a user's agents after the configured ones, each with the wallet its ``slot`` asks for.

    Raises:
        InputError: a newcomer has no slot, its name is taken, it waits too long, or a metric is
            nothing it remembers.
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
        whole(f"{kind}.slot.latency_blocks", agent.slot.latency_blocks, 0, MOST_LATENCY)
        metrics = _metrics(agent)
        agent.index = len(slots)
        kind = "latency_arbitrageur" if isinstance(agent, LatencyArbitrageur) else ""
        slots.append(replace(agent.slot, kind=kind, metrics=metrics))
    return replace(protocol, agents=tuple(slots)), [*agents, *newcomers]


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


def _depositor(section: sections.Depositor, _config: Config) -> Agent:
    return Depositor(section.initial_deposit, section.exit_in_kind)


def _noise_trader(section: sections.NoiseTrader, _config: Config) -> Agent:
    return NoiseTrader(section.maximum_slippage)


def _amm_arbitrageur(section: sections.AmmArbitrageur, _config: Config) -> Agent:
    return AmmArbitrageur(section.minimum_profit_usd)


def _leg_arbitrageur(section: sections.LegArbitrageur, _config: Config) -> Agent:
    return LegArbitrageur(section.minimum_profit_usd)


def _perp_arbitrageur(section: sections.PerpArbitrageur, _config: Config) -> Agent:
    return PerpArbitrageur(section.entry_basis, section.carry_hours, section.maximum_inventory_usd)


def _risk_manager(section: sections.RiskManager, config: Config) -> Agent:
    from simulator.config import initial_betas

    steps_per_hour = 60 / config.step_minutes
    rolling = section.estimator == "rolling"
    return RiskManager(
        initial_betas=initial_betas(config),
        window_steps=max(2, round(section.window_hours * steps_per_hour)) if rolling else 0,
        every_steps=max(1, round(section.every_hours * steps_per_hour)),
        posts_covariance=section.posts_covariance,
    )


def _breakdown_monitor(section: sections.BreakdownMonitor, config: Config) -> Agent:
    from simulator.config.monitor import monitor_settings, steps_of

    minutes = config.step_minutes
    return BreakdownMonitor(
        settings=monitor_settings(section, minutes),
        kinds=section.answers,
        hold_steps=steps_of(section.hold_hours, minutes),
        refit_steps=steps_of(section.refit_hours, minutes, 1 + len(config.markets)),
        every_steps=steps_of(section.every_hours, minutes),
        beta_multiple=section.beta_multiple,
        covariance_multiple=section.covariance_multiple,
    )


def _liquidator(section: sections.Liquidator, _config: Config) -> Agent:
    return Liquidator(section.minimum_profit_usd)


def _keeper(section: sections.Keeper, _config: Config) -> Agent:
    return Keeper(section.minimum_profit_usd, section.settlement_gas_usd)


def _latency_arbitrageur(section: sections.LatencyArbitrageur, _config: Config) -> Agent:
    return LatencyArbitrageur(section.minimum_gap)


def _leveraged(side: float) -> Callable[[sections.LeveragedTrader, Config], Agent]:
    def build(section: sections.LeveragedTrader, config: Config) -> Agent:
        market = 0 if section.market is None else config.markets.index(section.market)
        return LeveragedTrader(market, side, section.leverage, section.maximum_slippage)

    return build


_BUILDERS: dict[str, Callable[[Any, Config], Agent]] = {
    "depositor": _depositor,
    "noise_trader": _noise_trader,
    "amm_arbitrageur": _amm_arbitrageur,
    "leg_arbitrageur": _leg_arbitrageur,
    "perp_arbitrageur": _perp_arbitrageur,
    "risk_manager": _risk_manager,
    "breakdown_monitor": _breakdown_monitor,
    "liquidator": _liquidator,
    "keeper": _keeper,
    "latency_arbitrageur": _latency_arbitrageur,
    "leveraged_long": _leveraged(1.0),
    "leveraged_short": _leveraged(-1.0),
}
