"""Shocks: what goes wrong, composed on top of any price process."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from simulator.config.faults import Absence, Congestion, Misposted, Outage, VenueOutage
from simulator.config.section import Section, Symbol
from simulator.config.shock import Hours, Shock, WindowShock

Price = Annotated[float, Field(gt=0, le=1e9)]


class Depeg(Section):
    """The price passes through anchor points, Brownian bridges between (Glasserman 2003, §3.1).

    With a ``dispersion`` σ a path's anchors are a₀·(a/a₀)^(e^(σz)), z its own standard normal: how
    far the price strays from the first anchor differs between paths, and the median path is the
    one written down. From the last anchor on the price follows its own process again, from that
    level.
    """

    kind: Literal["depeg"]
    asset: Symbol = Field(description="asset whose price is prescribed")
    anchors: tuple[tuple[Hours, Price], ...] = Field(
        min_length=2,
        description="[hours from the start, USD per token], in order of time, each on a step; of a "
        "staked asset its market price over what a token is redeemed for (0.94)",
    )
    volatility: float = Field(
        default=0.0, ge=0, le=20, description="volatility of the bridges, per square root of a year"
    )
    leg_volatilities: tuple[Annotated[float, Field(ge=0, le=20)], ...] = Field(
        default=(),
        description="volatility of each bridge, one between any two anchors, per square root of a "
        "year; empty: `volatility` for all",
    )
    dispersion: float = Field(
        default=0.0,
        ge=0,
        le=2,
        description="standard deviation between paths of the log of how far the anchors lie from "
        "the first, as log prices (pure number)",
    )
    source: str = Field(default="", description="where the anchor points were published (text)")

    @property
    def bridge_volatilities(self) -> tuple[float, ...]:
        """Volatility of the bridge after each anchor but the last, per √year."""
        return self.leg_volatilities or (self.volatility,) * (len(self.anchors) - 1)


class PriceMove(Shock):
    """A move of the log price that ramps up linearly, is held, and recovers linearly or never."""

    assets: tuple[Symbol, ...] = Field(min_length=1, description="assets that move")
    ramp_hours: float = Field(
        default=0.0, ge=0, le=1e6, description="time from start to full size, hours"
    )
    hold_hours: float = Field(
        default=0.0, ge=0, le=1e6, description="time at full size before recovering, hours"
    )
    recovery_hours: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="time from full size back to none, hours; null: never recovers",
    )


class Crash(PriceMove):
    """Prices fall."""

    kind: Literal["crash"]
    size: float = Field(gt=-1, lt=0, description="relative price move at full size (-0.5 = halves)")


class Squeeze(PriceMove):
    """Prices rise: a short squeeze."""

    kind: Literal["squeeze"]
    size: float = Field(
        gt=0, le=100, description="relative price move at full size (1.0 = doubles)"
    )


class Decoupling(WindowShock):
    """The correlation of one asset with all others (USDC left out) becomes ``correlation``."""

    kind: Literal["decoupling"]
    asset: Symbol = Field(description="asset that decouples")
    correlation: float = Field(
        default=0.0,
        ge=-1,
        le=1,
        description="its correlation with every other asset during the window (pure number)",
    )
    volatility_multiple: float = Field(
        default=1.0,
        ge=0,
        le=50,
        description="factor on its volatility during the window (pure number)",
    )


class Convergence(WindowShock):
    """All correlations (USDC left out) become ``correlation``: everything falls together."""

    kind: Literal["convergence"]
    correlation: float = Field(
        default=0.98,
        ge=-1,
        le=1,
        description="correlation of every pair during the window (pure number)",
    )
    volatility_multiple: float = Field(
        default=1.0,
        ge=0,
        le=50,
        description="factor on every volatility but USDC's during the window (pure number)",
    )


class DepthCut(WindowShock):
    """Liquidity leaves the venues."""

    kind: Literal["depth_cut"]
    venue: Literal["pool", "perp", "both", "outside", "all"] = Field(
        default="both",
        description="which: pool, perp, both of these, outside (`impact`), or all three",
    )
    factor: float = Field(gt=0, le=1, description="what is left of the depth (0.2 = a fifth)")

    @property
    def venues(self) -> tuple[str, ...]:
        """Those whose liquidity leaves."""
        several = {"both": ("pool", "perp"), "all": ("pool", "perp", "outside")}
        return several.get(self.venue, (self.venue,))


class GasSpike(WindowShock):
    """The gas price is multiplied."""

    kind: Literal["gas_spike"]
    factor: float = Field(gt=0, le=10_000, description="factor on the gas price (pure number)")


Reporters = Annotated[int, Field(ge=1, le=8)]
AFFECTED = "reporters it happens to, of oracle.reporters; null: all"


class OracleFreeze(WindowShock):
    """Reporters are silent on these assets; below the quorum no round is posted."""

    kind: Literal["oracle_freeze"]
    assets: tuple[Symbol, ...] = Field(min_length=1, description="assets whose feed stops")
    reporters: Reporters | None = Field(default=None, description=AFFECTED)


class OracleOutlier(Shock):
    """Reporters report a wrong price once; the next round corrects it."""

    kind: Literal["oracle_outlier"]
    asset: Symbol = Field(description="asset whose feed errs")
    factor: float = Field(gt=0, le=100, description="posted price over the true one (pure number)")
    reporters: Reporters | None = Field(default=None, description=AFFECTED)


class WithdrawalRun(WindowShock):
    """Depositors leave, in equal parts of what they held, at every step of the window."""

    kind: Literal["withdrawal_run"]
    fraction: float = Field(
        gt=0, le=1, description="fraction of holdings redeemed by the end of the window"
    )


class Slashing(Shock):
    """Validators lose a part of what is staked: a token is redeemed for less from then on."""

    kind: Literal["slashing"]
    asset: Symbol = Field(description="staked asset whose exchange rate falls")
    loss: float = Field(gt=0, lt=1, description="part of the exchange rate that is lost (fraction)")


class RateFreeze(WindowShock):
    """Feeds go on reading the exchange rate of its beginning, whatever becomes of the real one."""

    kind: Literal["rate_freeze"]
    asset: Symbol = Field(description="staked asset whose exchange rate is read stale")


class RateCap(WindowShock):
    """Feeds read no more of the exchange rate than a cap, which may be posted below it."""

    kind: Literal["rate_cap"]
    asset: Symbol = Field(description="staked asset whose exchange rate is capped")
    cap: float = Field(
        gt=0, le=1e6, description="most that feeds read, underlying per token (pure number)"
    )


AnyShock: TypeAlias = Annotated[
    Depeg
    | Crash
    | Squeeze
    | Decoupling
    | Convergence
    | DepthCut
    | GasSpike
    | OracleFreeze
    | OracleOutlier
    | WithdrawalRun
    | Slashing
    | RateFreeze
    | RateCap
    | Outage
    | Congestion
    | VenueOutage
    | Misposted,
    Field(discriminator="kind"),
]


def is_drawn(shock: AnyShock) -> bool:
    """Whether market paths depend on it; of a halt the oracle's rounds do."""
    if isinstance(shock, VenueOutage):
        return shock.venue == "chain"
    return not isinstance(shock, Absence | Misposted)
