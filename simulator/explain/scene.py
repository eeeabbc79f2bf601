"""What is replayed: a market, a protocol and its agents, and what removing a friction is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.explain.evidence import Records
    from simulator.market.paths import MarketPaths
    from simulator.world.protocol import AgentSlot, Protocol


@dataclass(frozen=True, eq=False)
class Scene:
    """A run about to begin. ``agents`` have their places in the protocol, and are nobody else's.

    ``drawn``: the paths as they were drawn, nothing removed.
    """

    config: Config
    drawn: MarketPaths
    market: MarketPaths
    protocol: Protocol
    agents: tuple[Agent, ...]

    def vault(self, **changes: Any) -> Scene:
        """With other terms of the vault."""
        vault = replace(self.protocol.vault, **changes)
        return replace(self, protocol=replace(self.protocol, vault=vault))

    def clearing(self, **changes: Any) -> Scene:
        """With other terms of the venue."""
        clearing = replace(self.protocol.clearing, **changes)
        return replace(self, protocol=replace(self.protocol, clearing=clearing))

    def slots(self, change: Callable[[AgentSlot], AgentSlot]) -> Scene:
        """With other places for the agents, in the same order."""
        agents = tuple(map(change, self.protocol.agents))
        return replace(self, protocol=replace(self.protocol, agents=agents))


@dataclass(frozen=True, eq=False)
class Friction:
    """What stands between the vault and a hedge without loss, and how it is taken away.

    Attributes:
        name: how options and files call it.
        title: what tables and charts call it.
        cause: what a sentence calls it: "…% of it is <cause>".
        sentence: what it is.
        removal: how it is removed.
        residual: what of it is left nevertheless; "": nothing.
        absent: why a configuration has nothing of it; "": it has.
        evidence: what the records of a path show of it, a clause of a sentence.
        market: the paths without it; None: it is not in the paths.
        scene: the protocol and agents without it, on paths that are without it already.
        touched: of the outcome, on which paths it acted at all; None: that cannot be told. Where it
            did not act, a path is the same without it, to the bit.
    """

    name: str
    title: str
    cause: str
    sentence: str
    removal: str
    residual: str
    absent: Callable[[Config], str]
    evidence: Callable[[Records], str]
    market: Callable[[Config, MarketPaths], MarketPaths] | None = None
    scene: Callable[[Scene], Scene] | None = None
    touched: Callable[[Scene, Any], Any] | None = None
