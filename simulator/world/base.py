"""The border between agents and worlds: what a world is, and what agents see of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.protocol import Protocol


@dataclass(frozen=True, eq=False)
class Observation:
    """Every state variable of the protocol at one moment, at the last oracle price (stale or not).

    P paths, J agents, N accounts, M markets, C collaterals. Whole tokens, USD, fractions; funding
    rate per day. Names follow contracts/SPEC.md.

    Valid until the world's next ``advance`` or ``execute``; keep a copy of what must outlive it.
    The model world answers with a lazy subclass (fields are cached properties: stored state is a
    plain view of the buffer, derived groups such as account equity or NAV are computed when first
    read), because most agents read two or three fields, and a step of the whole loop takes a few
    microseconds per path.
    """

    # pool
    sqrt_price: Floats  # [P] sqrt(raw USDC / raw base)
    pool_liquidity: Floats  # [P] active L, raw
    # perp markets
    skew: Floats  # [M, P]
    skew_scale: Floats  # [M, P]
    funding_rate: Floats  # [M, P] accrued up to now
    funding_index: Floats  # [M, P] accrued up to now
    long_interest: Floats  # [M, P] Σ of the long sizes; the short ones are long_interest − skew
    # [M, P] socialised loss per unit of size, USDC, what the maker lacks now counted in
    loss_long: Floats
    loss_short: Floats  # [M, P]
    insurance_drawn: Floats  # [M, P] cumulative, USDC
    maker_drawn: Floats  # [M, P] cumulative, USDC
    premium_pool: Floats  # [M, P] USDC paid for the skew and not yet earned by taking it back
    maker_cash: Floats  # [M, P] USDC, what stands behind each market
    # [M, P] base units squared, of the skew's potential what liquidations could not pay for
    unpaid_premium: Floats
    # clearing accounts
    cash: Floats  # [N, P]
    collateral: Floats  # [N, C, P] whole tokens; collateral 0 is cash and stays zero here
    size: Floats  # [N, M, P]
    cost: Floats  # [N, M, P]
    funding_entry: Floats  # [N, M, P] funding index at the position's last settlement
    loss_entry: Floats  # [N, M, P] socialised loss index then
    account_value: Floats  # [N, P]
    equity: Floats  # [N, P]
    maintenance: Floats  # [N, P]
    insurance_fund: Floats  # [P]
    bad_debt: Floats  # [P] cumulative
    # vault
    nav: Floats  # [P] USD
    shares: Floats  # [P] total supply, whole shares, without the fees due since the last accrual
    fee_shares: Floats  # [P] of them the fee receiver's
    queued_shares: Floats  # [P] of them waiting in the queue
    high_water_mark: Floats  # [P] USDC per share
    idle_usdc: Floats  # [P]
    idle_base: Floats  # [P]
    liquidity: Floats  # [P] L of the vault's position, raw
    tick_lower: Floats  # [P]
    tick_upper: Floats  # [P]
    lp_base: Floats  # [P] amounts of the position at the oracle √P
    lp_usdc: Floats  # [P]
    fees_base: Floats  # [P] uncollected
    fees_usdc: Floats  # [P]
    betas: Floats  # [M, P]
    last_betas_time: Floats  # [P] seconds since the start; negative before the first post
    # wallets
    wallet_usdc: Floats  # [J, P]
    wallet_base: Floats  # [J, P]
    wallet_shares: Floats  # [J, P]
    # Aave, where the vault hedges there: U = 1 then, else 0; L hedge assets there, its legs
    aave_supplied: Floats  # [U, P] USDC of the vault's venue
    aave_equity: Floats  # [U, P] USD
    aave_maintenance: Floats  # [U, P] USD
    aave_debt: Floats  # [L, P] of the vault's venue, base units
    aave_available: Floats  # [L, P] not lent, whole tokens
    leg_sqrt_price: Floats  # [L, P] of the pool asset/USDC, raw
    wallet_leg: Floats  # [J, L, P] whole tokens


class World(ABC):
    """Holds the protocol's state on P paths; the only thing that changes it."""

    protocol: Protocol
    market: MarketPaths

    @abstractmethod
    def advance(self, step: int) -> None:
        """Move time to ``step``: post oracle rounds due, set venue depth. Called for 0 … steps."""

    @abstractmethod
    def execute(self, action: Action) -> Fill:
        """Carry out one action on every path that asks for it; refusals change nothing."""

    @abstractmethod
    def quote(self, action: Action) -> Fill:
        """What :meth:`execute` would give now; nothing is changed."""

    @abstractmethod
    def observe(self) -> Observation:
        """The state now; read-only, valid until the next ``advance`` or ``execute``."""

    def reported(self) -> Observation:
        """The state now with every figure as the protocol itself computes it, for comparison."""
        return self.observe()

    def close(self) -> None:  # noqa: B027 -- most worlds hold nothing
        """Release what the world holds (nodes, connections)."""
