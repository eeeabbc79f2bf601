"""What the world outside does: assets, correlation, gas, oracle feeds, recorded prices."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.declared import field_of
from simulator.config.section import Section, Symbol
from simulator.config.staked import Staked
from simulator.protocol.oracle import FeedParameters

CorrelationValue = Annotated[float, Field(ge=-1, le=1)]


class Jumps(Section):
    """Merton (1976) jumps of one asset, on top of its diffusion and compensated in its drift."""

    intensity: float = Field(ge=0, le=10_000, description="mean number of jumps per year")
    mean: float = Field(ge=-3, le=3, description="mean of the jump in the log price")
    std: float = Field(ge=0, le=3, description="standard deviation of the jump in the log price")


class CommonJumps(Jumps):
    """Jumps that hit several assets at the same moment."""

    loading: dict[Symbol, Annotated[float, Field(ge=-5, le=5)]] = Field(
        default_factory=dict,
        description="factor on the common jump in the log price, by asset (default 1, USDC 0)",
    )


class Asset(Section):
    """One asset: its index price follows the scenario's process, with jumps if it has any."""

    price: float = Field(gt=0, le=1e9, description="index price at the start, USD per whole token")
    volatility: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="volatility of the log price, per square root of a year (0.8 = 80 %)",
    )
    drift: float = Field(
        default=0.0, ge=-20, le=20, description="drift of the price, per year (0.05 = 5 %)"
    )
    decimals: int = Field(
        default=18,
        ge=6,
        le=18,
        multiple_of=2,
        description="decimals of the token on chain, even (USDC: 6, also where left out)",
    )
    jumps: Jumps | None = Field(default=None, description="jumps of this asset alone; null: none")
    staked: Staked | None = Field(
        default=None,
        description="what it is redeemed for, whose price it follows; null: it is nobody's share",
    )


def staked_of(assets: Mapping[str, Asset]) -> dict[str, Staked]:
    """Those that are redeemed for another asset, by symbol."""
    return {name: asset.staked for name, asset in assets.items() if asset.staked is not None}


class Correlation(Section):
    """Correlation of the diffusions; USDC has none with the rest unless a pair says so."""

    default: CorrelationValue = Field(
        # Of hourly returns of the large coins in a quiet year; at 0 no asset hedges another.
        default=0.6,
        description="correlation of every pair not named, USDC left out (pure number)",
    )
    pairs: dict[str, CorrelationValue] = Field(
        default_factory=dict, description='correlation by pair, "ETH/BTC": 0.85 (pure number)'
    )


class Depth(Section):
    """How depth comes and goes: a factor on that of the venues named, one tide for all of them.

    Its logarithm is an Ornstein–Uhlenbeck process that begins at nothing: depth is what it is
    written as at the start, and on average over times much longer than ``reversion_hours``.
    """

    volatility: float = Field(
        default=0.0,
        ge=0,
        le=2,
        description="long-run standard deviation of the log of depth (pure number)",
    )
    reversion_hours: float = Field(
        default=12.0, gt=0, le=10_000, description="relaxation time of the log of depth, hours"
    )
    venues: tuple[Literal["pool", "perp", "outside"], ...] = Field(
        default=("outside",),
        min_length=1,
        description="where: pool, perp, outside (`impact`)",
    )


class Gas(Section):
    """Gas price: log gwei follows a mean-reverting (Ornstein–Uhlenbeck) process around ``gwei``."""

    gwei: float = Field(
        default=0.2,  # a rollup's, where such vaults live; on mainnet a call cost tens of dollars
        gt=0,
        le=100_000,
        description="mean gas price, gwei (1e-9 native token)",
    )
    native_asset: Symbol | None = Field(
        default=None,
        description="asset whose index price turns gas into USD; null: native_price does",
    )
    native_price: float = Field(
        default=2_000.0,
        gt=0,
        le=1e7,
        description="USD per native token, where native_asset is null",
    )
    volatility: float = Field(
        default=0.3,
        ge=0,
        le=3,
        description="long-run standard deviation of the log gas price (pure number)",
    )
    reversion_hours: float = Field(
        default=6.0, gt=0, le=10_000, description="relaxation time of the log gas price, hours"
    )


class Feed(Section):
    """When a price feed posts a round, and how old a round contracts accept."""

    heartbeat_minutes: float = Field(
        default=60.0, gt=0, le=1e6, description="a round is posted at least this often, minutes"
    )
    deviation: float = field_of(FeedParameters, "deviation")
    lag_steps: int = Field(
        default=0, ge=0, le=1_000, description="age of the index price a round carries, steps"
    )
    max_age_minutes: float = field_of(FeedParameters, "max_age")
    source: Literal["market", "exchange_rate"] = Field(
        default="market",
        description="what rounds carry: the market price, or of a staked asset the price of what a "
        "token is redeemed for",
    )

    def beat(self, step_minutes: int) -> int:
        """The heartbeat in force, minutes: rounds are posted on steps, so it is a multiple."""
        return ceil(self.heartbeat_minutes / step_minutes) * step_minutes


class Oracle(Feed):
    """The feed every asset has, unless ``feeds`` gives it one of its own."""

    feeds: dict[Symbol, Feed] = Field(
        default_factory=dict, description="feeds of single assets, whole"
    )
    reporters: int = Field(
        default=1, ge=1, le=8, description="reporters whose median is the price (number)"
    )
    quorum: int | None = Field(
        default=None, ge=1, le=8, description="reporters a round needs; null: a majority (number)"
    )

    @property
    def needed(self) -> int:
        """Reporters a round needs."""
        return self.reporters // 2 + 1 if self.quorum is None else self.quorum


class PriceFiles(Section):
    """How files of recorded prices are read where they do not say themselves."""

    stamps: Literal["open", "close"] | None = Field(
        default=None, description="what a bar's time stamp is; null: usual for the format (open)"
    )
    outliers: Literal["keep", "cut", "drop"] = Field(
        default="keep", description="what is done to a price far off the bars around"
    )
    pool: str | None = Field(
        default=None,
        description="tokens of a file of pool ticks, TOKEN0:DECIMALS/TOKEN1:DECIMALS; null: none",
    )
