"""The protocol's parameters in friendly units: pool, clearing house, vault.

The bounds are those the contracts hold their owner to (contracts/modules/venue.vy and
vault_parameters.vy): what is accepted here can be deployed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.config.section import Section, Symbol
from simulator.world.protocol import skew_bound

# Fee tiers of UniswapV3Factory and their tick spacing; governance enabled 100 ppm in 2021.
TICK_SPACING = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
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


class Pool(Section):
    """The Uniswap v3 pool of the base asset against USDC."""

    base: Symbol = Field(description="asset of the LP leg, token0 of the pool")
    fee_ppm: Literal[100, 500, 3_000, 10_000] = Field(
        default=500, description="swap fee, millionths of the amount in"
    )
    tick_spacing: int | None = Field(
        default=None,
        gt=0,
        le=16_384,
        description="ticks between initialisable ticks; null: the fee tier's own",
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


class Collateral(Section):
    """One token of the collateral basket."""

    haircut: float = Field(
        default=0.0, ge=0, le=1, description="fraction of its value that does not count as margin"
    )
    cap: float = Field(default=1e9, gt=0, le=1e15, description="most the venue takes, whole tokens")


class Market(Section):
    """One perp market, skew priced (Synthetix SIP-279)."""

    skew_scale_usd: float = Field(
        gt=0, le=1e13, description="skew that moves the mark by 100 %, USD at the initial price"
    )
    half_spread: float = Field(
        default=0.0002,
        ge=0,
        le=0.1,
        description="half the bid–ask spread, fraction of the index; charged is no less than "
        "about half the feed's deviation less the fee (contracts/SPEC.md §3.3)",
    )
    taker_fee: float = Field(
        default=0.0005, ge=0, le=0.1, description="fee, fraction of the notional"
    )
    max_funding_velocity: float = Field(
        default=0.1,
        ge=0,
        le=1_000,
        description="change of the daily funding rate per day at full skew (1/day²)",
    )
    max_skew_usd: float = Field(
        gt=0,
        le=1e13,
        description="inventory limit of the maker account, USD at the initial price; never more "
        "than skew_scale_usd · gross_floor · maintenance_rate / 2",
    )
    max_open_interest_usd: float = Field(
        default=1e9,
        gt=0,
        le=1e13,
        description="most all longs and shorts together may hold, USD at the initial price; each "
        "side never more than four times the inventory limit (max_skew_usd)",
    )
    maintenance_rate: float = Field(
        default=0.05, gt=0, lt=1, description="maintenance margin, fraction of the notional"
    )
    insurance_cap: float = Field(
        default=1e9,
        ge=0,
        le=1e13,
        description="what this market's losses may ever take from the insurance fund, USDC",
    )
    maker_loss_cap: float = Field(
        default=1e9,
        ge=0,
        le=1e13,
        description="what this market's losses may ever take from the maker, USDC",
    )


class Clearing(Section):
    """The clearing house, its markets and its own funds."""

    margin: Literal["isolated", "gross", "portfolio"] = Field(
        default="gross",
        description=(
            "margin mode: one account per market; one account, margins added; one account, "
            "margin on its risk"
        ),
    )
    initial_multiple: float = Field(
        default=2.0, ge=1, le=10, description="initial over maintenance margin (pure number)"
    )
    liquidation_penalty: float = Field(
        default=0.01, ge=0, le=0.25, description="penalty, fraction of the notional closed"
    )
    liquidator_share: float = Field(
        default=0.5, ge=0, le=1, description="fraction of the penalty the liquidator gets"
    )
    profit_cap: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="unrealised profit counted as initial margin at most, multiple of cash",
    )
    gross_floor: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="portfolio margin: least requirement, fraction of that of the gross rule",
    )
    risk_multiple: float = Field(
        default=2.5,
        gt=0,
        le=100,
        description="portfolio margin: requirement, standard deviations of a day's result",
    )
    withdrawal_gate_hours: float = Field(
        default=4.0,
        ge=0,
        le=168,
        description="time after an insolvency no margin leaves an account with a position, hours",
    )
    lp_haircut: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="fraction of pledged liquidity's value that does not count as margin",
    )
    lp_cap_usd: float = Field(
        default=1e9,
        gt=0,
        le=1e12,
        description="most the pledged liquidity may be worth in USDC at any price: above a range "
        "of ±20 % 1.05 times what it is worth in its middle",
    )
    maker_funds: float = Field(
        default=50e6,
        ge=0,
        le=1e13,
        description="maker accounts of all markets at the start, USDC, by max_skew_usd",
    )
    insurance_funds: float = Field(
        default=1e6, ge=0, le=1e13, description="insurance fund at the start, USDC"
    )
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


class Reserve(Section):
    """A reserve of Aave v3: what others supply and owe, and its interest."""

    supplied: float = Field(gt=0, le=1e15, description="supplied by others, whole tokens")
    borrowed: float = Field(default=0.0, ge=0, le=1e15, description="owed by others, whole tokens")
    optimal_usage: float = Field(
        default=0.45, gt=0, lt=1, description="part lent beyond which borrowing gets steeply dearer"
    )
    base_rate: float = Field(
        default=0.0, ge=0, le=1, description="borrow rate with nothing lent, fraction per year"
    )
    slope1: float = Field(
        default=0.04, ge=0, le=10, description="rise of the rate up to the optimal usage, per year"
    )
    slope2: float = Field(
        default=3.0, ge=0, le=10, description="rise of the rate from there to full usage, per year"
    )
    factor: float = Field(
        default=0.2, ge=0, le=1, description="part of the interest the treasury keeps"
    )


class AaveAsset(Reserve):
    """A hedge asset to borrow, and the pool against USDC in which it is sold."""

    pool_usd: float = Field(
        default=5e7, gt=0, le=1e12, description="value of that pool, over the full range, USD"
    )
    pool_fee_ppm: Literal[100, 500, 3_000, 10_000] = Field(
        default=500, description="its swap fee, millionths of the amount in"
    )


class Aave(Section):
    """Aave v3, the second hedge venue (contracts/SPEC.md §4.8)."""

    ltv: float = Field(
        default=0.75, gt=0, lt=1, description="debt that may be taken, fraction of the USDC"
    )
    liquidation_threshold: float = Field(
        default=0.78, gt=0, lt=1, description="debt that is liquidated, fraction of the USDC"
    )
    liquidation_bonus: float = Field(
        default=0.05, ge=0.0001, le=0.5, description="what liquidators get on top, fraction"
    )
    usdc: Reserve = Field(
        default_factory=lambda: Reserve(
            supplied=1e8, borrowed=5e7, optimal_usage=0.9, slope1=0.04, slope2=0.6, factor=0.1
        ),
        description="the USDC reserve",
    )
    assets: dict[Symbol, AaveAsset] = Field(
        min_length=1, max_length=8, description="hedge assets to borrow"
    )


class Vault(Section):
    """HedgeVault (contracts/SPEC.md §4.1)."""

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
    recenter_threshold: float = Field(
        default=0.8,
        gt=0,
        le=10,
        description="distance from the centre that allows recentring, fraction of the half width",
    )
    lp_allocation: float = Field(
        default=0.6, gt=0, le=1, description="NAV in the LP leg after recentring, fraction"
    )
    margin_allocation: float = Field(
        default=0.35, ge=0, le=1, description="NAV posted as margin after recentring, fraction"
    )
    hedge_band: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="hedge deviation tolerated before rebalancing, fraction of NAV",
    )
    max_slippage: float = Field(
        default=0.01, gt=0, le=0.1, description="worst price accepted against the oracle, fraction"
    )
    margin_target: float = Field(
        default=5.0, gt=1, le=1e4, description="margin ratio restored by top-up and deleverage"
    )
    top_up_ratio: float = Field(
        default=3.5, gt=1, le=1e4, description="margin ratio below which idle USDC is added"
    )
    deleverage_ratio: float = Field(
        default=2.2, gt=1, le=1e4, description="margin ratio below which both legs shrink"
    )
    keeper_reward: float = Field(
        default=5.0, ge=0, le=1e4, description="most a keeper call is paid, USDC"
    )
    keeper_share: float = Field(
        default=0.001,
        ge=0,
        le=0.05,
        description="most a keeper call is paid, fraction of the value it protects",
    )
    entry_fee: float = Field(
        default=0.005, ge=0, le=0.1, description="fee on deposits that stays in the vault, fraction"
    )
    exit_fee: float = Field(
        default=0.005,
        ge=0,
        le=0.1,
        description="fee on withdrawals that stays in the vault, fraction",
    )
    management_fee: float = Field(
        default=0.0,
        ge=0,
        le=0.1,
        description="fee on assets, paid in shares, fraction per 365 days",
    )
    performance_fee: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="fee on a share's gain above its high-water mark, paid in shares, fraction",
    )
    deposit_cap: float = Field(default=1e9, gt=0, le=1e15, description="most the vault holds, USDC")
    pledged: bool | None = Field(
        default=None,
        description=(
            "whether the liquidity backs the hedge's margin account; null: with portfolio margin"
        ),
    )
    beta_max: float = Field(
        default=3.0,
        gt=0,
        le=100,
        description="largest hedge ratio in size, USD short per USD of LP delta",
    )
    beta_max_change: float = Field(
        default=0.5, gt=0, le=100, description="largest change of a hedge ratio per post"
    )
    beta_interval_hours: float = Field(
        default=12.0, ge=0, le=10_000, description="least time between posts, hours"
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
