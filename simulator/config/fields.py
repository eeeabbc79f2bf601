"""Every field of a run's configuration, with its unit and bounds.

Sections live beside this module; checks across them are in :mod:`simulator.config.checks`, and run
whenever a :class:`~simulator.config.models.Config` is made of these fields.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from simulator.config import files
from simulator.config.agents import (
    Agents,
)
from simulator.config.borrowers import Lending
from simulator.config.documented import Documented
from simulator.config.flow import Flow
from simulator.config.history import History
from simulator.config.impact import Impact
from simulator.config.market import (
    Asset,
    CommonJumps,
    Correlation,
    Depth,
    Feed,
    Gas,
    Oracle,
    staked_of,
)
from simulator.config.market_settings import MarketSettings
from simulator.config.population import Crowds
from simulator.config.process import (
    AnyProcess,
    Gbm,
)
from simulator.config.sampling import Sampling
from simulator.config.section import Section, Symbol
from simulator.config.shocks import AnyShock, is_drawn
from simulator.config.staked import Staked
from simulator.config.venues import (
    Aave,
    Clearing,
    Pool,
    Vault,
)
from simulator.protocol.pool import TICK_SPACING
from simulator.types import USDC, USDC_DECIMALS
from simulator.world.protocol import lag_spread

MAX_STEPS = 1_000_000


class Fields(Section):
    """What is written of a run; whether it fits together nobody has looked at yet."""

    name: str = Field(min_length=1, max_length=80, description="short name (text)")
    description: str = Field(default="", description="one line on what it shows (text)")
    seed: int = Field(default=1, ge=0, lt=2**63, description="root of all randomness (integer)")
    paths: int = Field(default=1_000, ge=1, le=10_000_000, description="number of market paths")
    horizon_hours: float = Field(
        gt=0, le=1e6, description="simulated time, hours; a whole number of steps, two or more"
    )
    step_minutes: int = Field(default=60, ge=1, le=1_440, description="time step, minutes")
    assets: dict[Symbol, Asset] = Field(
        min_length=2, description="assets by symbol; USDC is required"
    )
    correlation: Correlation = Field(
        default=Correlation(), description="correlation of the price processes"
    )
    process: AnyProcess = Field(
        default=Gbm(), description="what draws the returns; jumps and shocks act on top"
    )
    common_jumps: CommonJumps | None = Field(
        default=None, description="jumps common to several assets; null: none"
    )
    shocks: tuple[AnyShock, ...] = Field(default=(), description="what goes wrong, and when")
    gas: Gas = Field(default=Gas(), description="gas price")
    depth: Depth = Field(default=Depth(), description="how the depth of markets comes and goes")
    oracle: Oracle = Field(default=Oracle(), description="price feeds the contracts read")
    pool: Pool = Field(description="AMM pool of the LP leg")
    clearing: Clearing = Field(description="venue of the hedge leg")
    vault: Vault = Field(description="the vault under test")
    aave: Aave | None = Field(
        default=None, description="the second hedge venue, for assets vault.venues sends there"
    )
    lending: Lending | None = Field(
        default=None, description="a lending market whose borrowers are liquidated; null: none"
    )
    impact: Impact | None = Field(
        default=None, description="how flows move the index; null: nothing does"
    )
    population: dict[Symbol, Crowds] = Field(
        default_factory=dict, description="who is leveraged elsewhere, by asset"
    )
    agents: Agents = Field(default=Agents(), description="who acts")
    flow: Flow = Field(default=Flow(), description="what strangers trade, deposit and withdraw")
    history: History = Field(default=History(), description="recorded prices to replay")
    documented: tuple[Documented, ...] = Field(
        default=(), description="what is known of the crisis it is modelled on"
    )
    sampling: Sampling | None = Field(
        default=None, description="importance sampling of rare events; null: plain Monte Carlo"
    )

    @field_validator("assets", mode="before")
    @classmethod
    def _usdc_has_its_own(cls, assets: Any) -> Any:
        """USDC has six decimals, where nothing else is written."""
        usdc = assets.get(USDC) if isinstance(assets, dict) else None
        if not isinstance(usdc, dict):
            return assets
        return {**assets, USDC: {"decimals": USDC_DECIMALS, **usdc}}

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return round(self.horizon_hours * 60 / self.step_minutes)

    @property
    def step_seconds(self) -> int:
        """Length of a step, seconds."""
        return self.step_minutes * 60

    @property
    def symbols(self) -> tuple[str, ...]:
        """Assets in the order of every array: USDC, the base asset, then the rest as written."""
        first = (USDC, self.pool.base)
        return (*first, *(symbol for symbol in self.assets if symbol not in first))

    @property
    def drawn(self) -> tuple[str, ...]:
        """Those of :attr:`symbols` that the process draws; the others' prices follow from them."""
        return tuple(symbol for symbol in self.symbols if symbol not in self.staked)

    @property
    def staked(self) -> dict[str, Staked]:
        """What is redeemed for another asset, by symbol."""
        return staked_of(self.assets)

    @property
    def market(self) -> MarketSettings:
        """All that market paths are drawn from."""
        return MarketSettings(
            seed=self.seed,
            steps=self.steps,
            step_minutes=self.step_minutes,
            assets=self.assets,
            correlation=self.correlation,
            process=self.process,
            common_jumps=self.common_jumps,
            shocks=tuple(shock for shock in self.shocks if is_drawn(shock)),
            gas=self.gas,
            depth=self.depth,
            oracle=self.oracle,
            flow=self.flow,
            history=self.history,
            sampling=self.sampling,
            laid_out=self.symbols,
            markets=self.markets,
        )

    @property
    def markets(self) -> tuple[str, ...]:
        """Assets of the perp markets, in the order of every array."""
        return tuple(self.clearing.markets)

    @property
    def tick_spacing(self) -> int:
        """Tick spacing of the pool; 1 where it has no ticks."""
        if self.pool.stable is not None:
            return 1
        return self.pool.tick_spacing or TICK_SPACING[self.pool.fee_ppm]

    @property
    def pledged(self) -> bool:
        """Whether the vault's liquidity backs its hedge's margin account."""
        if self.vault.pledged is None:
            return self.clearing.margin == "portfolio"
        return self.vault.pledged

    @property
    def files(self) -> tuple[str, ...]:
        """Files that prices are read from, as written: what is replayed, what is resampled."""
        return tuple(files.named(self))

    def feed(self, symbol: str) -> Feed:
        """Price feed of one asset."""
        return self.oracle.feeds.get(symbol, self.oracle)

    def half_spread(self, symbol: str) -> float:
        """Half the spread that a market charges: its own, or more where its feed may lag."""
        market = self.clearing.markets[symbol]
        return max(market.half_spread, lag_spread(self.feed(symbol).deviation, market.taker_fee))
