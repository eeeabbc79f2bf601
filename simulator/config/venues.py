"""The protocol's parameters in friendly units: pool, clearing house, vault.

The bounds are those the contracts hold their owner to (contracts/modules/venue.vy and
vault_parameters.vy): what is accepted here can be deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from simulator.config.declared import section_of
from simulator.config.section import Section, Symbol
from simulator.protocol.clearing import (
    ClearingParameters,
    CollateralParameters,
    MarketParameters,
)
from simulator.protocol.lending import LendingTerms, ReserveParameters
from simulator.protocol.pool import PoolTerms, StableTerms, Tier
from simulator.protocol.vault import VaultTerms
from simulator.world.protocol import skew_bound

# TickMath.MAX_TICK of Uniswap v3: the price range is 1.0001^±887272.
MAX_TICK = 887_272


class BackgroundLiquidity(Section):
    """Passive liquidity around the initial price; neither width given: over the full range.

    With ``lowest_price`` and ``highest_price`` it follows the price: there is as much of it (the
    same L) around every price between the two as around the initial one.
    """

    value_usd: float = Field(gt=0, le=1e12, description="value at the initial price, USD")
    half_width_percent: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="upper end of the range above the initial price, percent; rounded out to ticks",
    )
    half_width_ticks: int | None = Field(
        default=None,
        gt=0,
        le=MAX_TICK,
        description="half width of the range, ticks, a multiple of the tick spacing",
    )
    lowest_price: float | None = Field(
        default=None,
        gt=0,
        le=1e15,
        description="lowest price it follows to, USDC per base token; null: it stays",
    )
    highest_price: float | None = Field(
        default=None,
        gt=0,
        le=1e15,
        description="highest price it follows to, USDC per base token; null: it stays",
    )


class _Base(Section):
    base: Symbol = Field(description="asset of the LP leg, token0 of the pool")


class _Margin(Section):
    margin: Literal["isolated", "gross", "portfolio"] = Field(
        default="gross",
        description=(
            "margin mode: one account per market; one account, margins added; one account, "
            "margin on its risk"
        ),
    )


class _Range(Section):
    range_half_width_percent: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="upper end of the range above its centre, percent; rounded to the tick spacing",
    )
    range_half_width_ticks: int | None = Field(
        default=None,
        gt=0,
        le=400_000,
        description="half width of the range, ticks, a multiple of the tick spacing",
    )


# What simulator/protocol declares. Its lines here are what a type checker lets code read of it.
if TYPE_CHECKING:
    _DECLARED: Any = None

    class _PoolTerms(_Base):
        fee_ppm: int = _DECLARED
        tick_spacing: int | None = _DECLARED

    class _StableTerms(Section):
        amplification: int = _DECLARED
        fee: float = _DECLARED
        off_peg_multiplier: float = _DECLARED

    class _CollateralTerms(Section):
        haircut: float = _DECLARED
        cap: float = _DECLARED

    class _MarketTerms(Section):
        skew_scale_usd: float = _DECLARED
        half_spread: float = _DECLARED
        taker_fee: float = _DECLARED
        max_funding_velocity: float = _DECLARED
        max_skew_usd: float = _DECLARED
        maintenance_rate: float = _DECLARED
        max_open_interest_usd: float = _DECLARED
        insurance_cap: float = _DECLARED
        maker_loss_cap: float = _DECLARED

    class _ClearingTerms(_Margin):
        initial_multiple: float = _DECLARED
        liquidation_penalty: float = _DECLARED
        liquidator_share: float = _DECLARED
        profit_cap: float = _DECLARED
        gross_floor: float = _DECLARED
        risk_multiple: float = _DECLARED
        withdrawal_gate_hours: float = _DECLARED
        deleveraging: str = _DECLARED
        lp_haircut: float = _DECLARED
        lp_cap_usd: float = _DECLARED
        maker_funds: float = _DECLARED
        insurance_funds: float = _DECLARED

    class _ReserveTerms(Section):
        supplied: float = _DECLARED
        borrowed: float = _DECLARED
        optimal_usage: float = _DECLARED
        base_rate: float = _DECLARED
        slope1: float = _DECLARED
        slope2: float = _DECLARED
        factor: float = _DECLARED

    class _LendingTerms(Section):
        ltv: float = _DECLARED
        liquidation_threshold: float = _DECLARED
        liquidation_bonus: float = _DECLARED

    class _VaultTerms(_Range):
        recenter_threshold: float = _DECLARED
        lp_allocation: float = _DECLARED
        margin_allocation: float = _DECLARED
        hedge_band: float = _DECLARED
        max_slippage: float = _DECLARED
        margin_target: float = _DECLARED
        top_up_ratio: float = _DECLARED
        deleverage_ratio: float = _DECLARED
        keeper_reward: float = _DECLARED
        keeper_share: float = _DECLARED
        entry_fee: float = _DECLARED
        exit_fee: float = _DECLARED
        management_fee: float = _DECLARED
        performance_fee: float = _DECLARED
        deposit_cap: float = _DECLARED
        beta_max: float = _DECLARED
        beta_max_change: float = _DECLARED
        beta_interval_hours: float = _DECLARED

else:
    _PoolTerms = section_of(PoolTerms, _Base)
    _StableTerms = section_of(StableTerms)
    _CollateralTerms = section_of(CollateralParameters)
    _MarketTerms = section_of(MarketParameters)
    _ClearingTerms = section_of(ClearingParameters, _Margin)
    _ReserveTerms = section_of(ReserveParameters)
    _LendingTerms = section_of(LendingTerms)
    _VaultTerms = section_of(VaultTerms, _Range)


class StablePool(_StableTerms):
    """A StableSwap of the base asset and USDC (contracts/SPEC.md §9)."""

    value_usd: float = Field(
        default=1e8, gt=0, le=1e12, description="what others have in it at the initial prices, USD"
    )


class Pool(_PoolTerms):
    """The pool of the base asset against USDC: Uniswap v3's, or a StableSwap."""

    kind: Literal["uniswap_v3", "stableswap"] = Field(
        default="uniswap_v3",
        description="whose pool it is, and what the vault holds in it: a range, or shares of all",
    )
    stableswap: StablePool | None = Field(
        default=None, description="its terms where it is a StableSwap; null: the usual ones"
    )

    background: tuple[BackgroundLiquidity, ...] = Field(
        # Deep enough for a vault of the default deposit to buy its base in one swap.
        default=(
            BackgroundLiquidity(value_usd=4e7, half_width_percent=25),
            BackgroundLiquidity(value_usd=2e7),
        ),
        min_length=1,
        description="everybody else's liquidity",
    )

    @property
    def stable(self) -> StablePool | None:
        """The StableSwap, where it is one."""
        if self.kind != "stableswap":
            return None
        return self.stableswap or StablePool()


class Collateral(_CollateralTerms):
    """One token of the collateral basket."""


class Market(_MarketTerms):
    """One perp market, skew priced (Synthetix SIP-279)."""


class Clearing(_ClearingTerms):
    """The clearing house, its markets and its own funds."""

    collaterals: dict[Symbol, Collateral] = Field(
        default_factory=lambda: {"USDC": Collateral()},
        max_length=8,
        description="collateral basket by asset; USDC is required, and all that the vault itself "
        "posts: other collateral is for other traders, and the base asset for pledged liquidity",
    )
    markets: dict[Symbol, Market] = Field(
        min_length=1, max_length=8, description="perp markets by asset, in order"
    )

    @property
    def floor(self) -> float:
        """φ in force: gross and isolated margin are φ = 1 (contracts/SPEC.md §3.4)."""
        return self.gross_floor if self.margin == "portfolio" else 1.0

    def skew_bound_usd(self, symbol: str) -> float:
        """B of a market, USD; its inventory limit S is this or ``max_skew_usd``, the lesser."""
        market = self.markets[symbol]
        return skew_bound(market.skew_scale_usd, self.floor, market.maintenance_rate)


class Reserve(_ReserveTerms):
    """A reserve of Aave v3: what others supply and owe, and its interest."""


class AaveAsset(Reserve):
    """A hedge asset to borrow, and the pool against USDC in which it is sold."""

    pool_usd: float = Field(
        default=5e7, gt=0, le=1e12, description="value of that pool, over the full range, USD"
    )
    pool_fee_ppm: Tier = Field(default=500, description="its swap fee, millionths of the amount in")


class Aave(_LendingTerms):
    """Aave v3, the second hedge venue (contracts/SPEC.md §4.8)."""

    usdc: Reserve = Field(
        default_factory=lambda: Reserve(
            supplied=1e8, borrowed=5e7, optimal_usage=0.9, slope1=0.04, slope2=0.6, factor=0.1
        ),
        description="the USDC reserve",
    )
    assets: dict[Symbol, AaveAsset] = Field(
        min_length=1, max_length=8, description="hedge assets to borrow"
    )


class Vault(_VaultTerms):
    """HedgeVault (contracts/SPEC.md §4.1)."""

    pledged: bool | None = Field(
        default=None,
        description=(
            "whether the liquidity backs the hedge's margin account; null: with portfolio margin"
        ),
    )
    venues: dict[Symbol, Literal["clearing", "aave"]] = Field(
        default_factory=dict,
        description="where each market's asset is hedged; left out: at the clearing house",
    )
    betas: dict[Symbol, float] | None = Field(
        default=None,
        description="first hedge ratios by market, USD short per USD of LP delta (null: optimal); "
        "posted by agents.risk_manager",
    )
    assumed_correlation: dict[str, float] | None = Field(
        default=None,
        description='correlations the designer assumed, by pair "SOL/BTC"; the rest: as drawn',
    )
