"""The protocol as deployed: every number both worlds are built from.

Resolved once from a configuration (:func:`simulator.config.resolve`); nothing here reads YAML and
nothing below reads a configuration. Fractions are plain floats (0.05 = 5 %), prices USD per whole
token, durations seconds, ``raw`` = integer token units.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """An asset of the simulation; ``price`` is the index price at the start."""

    symbol: str
    decimals: int
    price: float


@dataclass(frozen=True)
class AgentSlot:
    """One actor: its wallet, and its margin account if it trades perps.

    ``usdc``, ``base``: whole tokens in the wallet at the start. ``margin``: whole tokens of each
    collateral (same order as ``Protocol.collaterals``) already posted at the start.
    """

    name: str
    usdc: float
    base: float
    has_account: bool
    margin: tuple[float, ...] = ()


@dataclass(frozen=True)
class BackgroundRange:
    """Passive liquidity between two initialised ticks; ``liquidity`` is raw L."""

    tick_lower: int
    tick_upper: int
    liquidity: int


@dataclass(frozen=True)
class PoolParameters:
    """A Uniswap v3 pool base/USDC: token0 = base, token1 = USDC."""

    fee_ppm: int
    tick_spacing: int
    sqrt_price_x96: int
    background: tuple[BackgroundRange, ...]


@dataclass(frozen=True)
class MarketParameters:
    """One perp market (contracts/SPEC.md §3.1). ``skew_scale``, ``max_skew`` in base units."""

    asset: int
    skew_scale: float
    half_spread: float
    taker_fee: float
    max_funding_velocity: float
    max_skew: float
    maintenance_rate: float


@dataclass(frozen=True)
class CollateralParameters:
    """One collateral of the basket; index 0 is USDC. ``cap`` in whole tokens."""

    asset: int
    haircut: float
    cap: float


@dataclass(frozen=True)
class ClearingParameters:
    """Parameters common to all markets, and the venue's own funds in whole USDC."""

    markets: tuple[MarketParameters, ...]
    collaterals: tuple[CollateralParameters, ...]
    initial_multiple: float
    liquidation_penalty: float
    liquidator_share: float
    profit_cap: float
    maker_funds: float
    insurance_funds: float


@dataclass(frozen=True)
class VaultParameters:
    """HedgeVault parameters (contracts/SPEC.md §4.1).

    Fees are fractions, ``management_fee`` per 365 days; ``keeper_share`` is a fraction of the value
    a keeper call protects; ``pledged``: the liquidity backs the vault's cross account.
    """

    range_half_width: int
    recenter_threshold: float
    lp_allocation: float
    margin_allocation: float
    hedge_band: float
    max_slippage: float
    margin_target: float
    top_up_ratio: float
    deleverage_ratio: float
    keeper_reward: float
    keeper_share: float
    entry_fee: float
    exit_fee: float
    management_fee: float
    performance_fee: float
    deposit_cap: float
    beta_max: float
    beta_max_change: float
    beta_interval: int
    isolated: bool
    pledged: bool


@dataclass(frozen=True)
class Protocol:
    """Everything a world needs to come into being.

    ``assets[0]`` is USDC, ``assets[1]`` the pool's base asset. Accounts are indexed: 0 = the
    vault's cross account, 1 … M = its isolated accounts, then one per agent slot with
    ``has_account`` in order.
    """

    assets: tuple[Token, ...]
    oracle_max_age: tuple[int, ...]
    pool: PoolParameters
    clearing: ClearingParameters
    vault: VaultParameters
    agents: tuple[AgentSlot, ...]

    @property
    def markets(self) -> int:
        """Number of perp markets M."""
        return len(self.clearing.markets)

    @property
    def accounts(self) -> int:
        """Number of margin accounts N."""
        return 1 + self.markets + sum(slot.has_account for slot in self.agents)

    def account_of(self, agent: int) -> int:
        """Account index of agent ``agent``; raises ValueError when it has none."""
        if not self.agents[agent].has_account:
            raise ValueError(f"agent {self.agents[agent].name!r} has no margin account")
        return 1 + self.markets + sum(slot.has_account for slot in self.agents[:agent])
