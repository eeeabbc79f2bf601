"""What a compiled ``do`` shows of the vault."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulator.agents.axes import BETA, REWARD
from simulator.agents.do.kind import can, seen
from simulator.agents.do.within import a_kind, a_market
from simulator.model.vault.at_index import value_at_index as _value_at_index
from simulator.model.vault.protecting import due as _due
from simulator.model.vault.protecting import reward as _reward
from simulator.model.vault.shares import queued
from simulator.model.vault.valuation import value_now
from simulator.model.verbs import WHOLE_SHARE


class Vault(NamedTuple):
    """The vault valued at the oracle's prices."""

    nav: float  # USD, at least 0
    lp_base: float  # whole tokens
    lp_usdc: float
    fees_base: float  # uncollected
    fees_usdc: float


@can
def vault(do: Any) -> Any:
    """The vault valued at the oracle's prices."""
    table, found = do.w.tables.vault, value_now(do.w)
    return Vault(
        max(found.nav, 0.0),
        found.lp_base / table.base_unit,
        found.lp_usdc / table.usdc_unit,
        found.fees_base / table.base_unit,
        found.fees_usdc / table.usdc_unit,
    )


@seen
def shares(do: Any) -> Any:
    """Whole shares of the vault, all."""
    return do.w.state.vault.shares / WHOLE_SHARE


@seen
def queued_shares(do: Any) -> Any:
    """Whole shares waiting in the queue."""
    return queued(do.w) / WHOLE_SHARE


@seen
def waiting_shares(do: Any) -> Any:
    """Whole shares of its own waiting in the queue."""
    return do.w.state.vault.request[do.agent] / WHOLE_SHARE


@seen
def idle_usdc(do: Any) -> Any:
    """USDC."""
    return do.w.state.vault.idle_usdc / do.w.tables.vault.usdc_unit


@seen
def idle_base(do: Any) -> Any:
    """Whole base tokens."""
    return do.w.state.vault.idle_base / do.w.tables.vault.base_unit


@can
def beta(do: Any, market: int) -> Any:
    """USD short per USD of LP delta, as posted."""
    return do.w.state.vault.betas[a_market(do, BETA, market)]


@seen
def liquidity(do: Any) -> Any:
    """L of the vault's position, raw."""
    return do.w.state.position.liquidity


@can
def value_at_index(do: Any) -> Any:
    """What the vault holds at index prices, USD: its NAV, were the oracle never late."""
    return _value_at_index(do.w)


@can
def due(do: Any) -> Any:
    """USD of value that each of the vault's keeper functions would protect; 0: not due."""
    return _due(do.w)


@can
def reward(do: Any, kind: int, protected: float) -> Any:
    """USD that a call of it which protects so much is paid."""
    return _reward(do.w, a_kind(do, REWARD, kind), protected)
