"""Who acts, with what money. A section left out or null: that agent is not there.

But for the risk manager beside a keeper: without hedge ratios nothing is hedged, so where it is
left out (not null) the first ones are posted, once.

What is written of a built-in agent is a module here, which is found by being here: the section is
called as the class of :mod:`simulator.agents` that it is for, in the module of the same name, and
says in ``named`` which keys of ``agents`` are its own.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model, model_validator

from simulator.config.agents.actor import Actor, MarginTrader
from simulator.config.agents.breakdown_monitor import BreakdownMonitor
from simulator.config.agents.custom import CustomAgent
from simulator.config.agents.risk_manager import RiskManager
from simulator.config.section import Section
from simulator.world.protocol import AGENT_KINDS

if TYPE_CHECKING:
    from simulator.config.agents.amm_arbitrageur import AmmArbitrageur
    from simulator.config.agents.borrower_liquidator import BorrowerLiquidator
    from simulator.config.agents.depositor import Depositor
    from simulator.config.agents.jit_lp import JitLp
    from simulator.config.agents.keeper import Keeper
    from simulator.config.agents.leg_arbitrageur import LegArbitrageur
    from simulator.config.agents.leveraged_trader import LeveragedTrader
    from simulator.config.agents.liquidator import Liquidator
    from simulator.config.agents.noise_trader import NoiseTrader
    from simulator.config.agents.passive_lp import PassiveLp
    from simulator.config.agents.perp_arbitrageur import PerpArbitrageur

__all__ = ["BUILT_IN", "Agents", "BreakdownMonitor", "CustomAgent", "RiskManager"]

AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


_WHAT_OTHERS_SHARE = (Actor, MarginTrader)


def _sections() -> dict[str, type[Actor]]:
    """Sections of the modules here by the agents' names, in block order.

    Raises:
        TypeError: a section has no name, or one that another has.
    """
    found: dict[str, type[Actor]] = {}
    for module in (import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)):
        for section in vars(module).values():
            own = isinstance(section, type) and section.__module__ == module.__name__
            if not own or not issubclass(section, Actor) or section in _WHAT_OTHERS_SHARE:
                continue
            names = vars(section).get("named")
            if not names:
                raise TypeError(f"{module.__name__}.{section.__name__}: it has no `named`")
            for name in names:
                if name in found:
                    raise TypeError(f"agents.{name}: both {found[name]} and {section}")
                found[name] = section
    order = (*AGENT_KINDS, *sorted(found.keys() - set(AGENT_KINDS)))
    return {name: found[name] for name in order}


#: The section of each built-in agent by its name, in block order.
BUILT_IN = _sections()


class _Agents(Section):
    @model_validator(mode="before")
    @classmethod
    def _ratios_to_keep(cls, agents: Any) -> Any:
        """A vault that is kept has hedge ratios, unless it is written that nobody posts any."""
        if not isinstance(agents, dict) or "risk_manager" in agents or agents.get("keeper") is None:
            return agents
        return {**agents, "risk_manager": RiskManager(estimator="fixed")}


if TYPE_CHECKING:
    # What code beyond its own asks by name, for type checkers.
    class Agents(_Agents):
        """The agents by name."""

        depositor: Depositor | None = None
        perp_arbitrageur: PerpArbitrageur | None = None
        jit_lp: JitLp | None = None
        noise_trader: NoiseTrader | None = None
        leveraged_long: LeveragedTrader | None = None
        leveraged_short: LeveragedTrader | None = None
        amm_arbitrageur: AmmArbitrageur | None = None
        leg_arbitrageur: LegArbitrageur | None = None
        risk_manager: RiskManager | None = None
        breakdown_monitor: BreakdownMonitor | None = None
        liquidator: Liquidator | None = None
        borrower_liquidator: BorrowerLiquidator | None = None
        passive_lp: PassiveLp | None = None
        keeper: Keeper | None = None
        custom: dict[AgentName, CustomAgent] = Field(default_factory=dict)

else:
    _FIELDS = {
        name: (section | None, Field(default=None, description=section.named[name]))
        for name, section in BUILT_IN.items()
    }
    Agents = create_model(
        "Agents",
        __base__=_Agents,
        __module__=__name__,
        __doc__="The agents; in which order they act: ``AGENT_KINDS``.",
        **_FIELDS,
        custom=(
            dict[AgentName, CustomAgent],
            Field(
                default_factory=dict,
                description="agents of one's own by name, after all others; their files are run, "
                "so only where that is allowed: --trust",
            ),
        ),
    )
