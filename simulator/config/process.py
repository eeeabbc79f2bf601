"""The process that draws the prices: the ``process:`` section, one kind for all assets together.

``assets.*.volatility`` and ``correlation`` keep their meaning under every kind: what returns have
over a long time, and what the vault is designed for. ``gbm``, ``t``, ``dcc`` and ``egarch`` are
built from them; ``regime``, ``bootstrap`` and ``factor`` bring a dependence of their own, and
``hedgesim paths fit`` writes the two sections that go with it.
"""

from __future__ import annotations

from datetime import datetime
from math import sqrt
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from simulator.config.market import Correlation, PriceFiles
from simulator.config.section import Section, Symbol

# A variance exists above 2 only; beyond 1000 a t is a normal to five digits.
Dof = Annotated[float, Field(gt=2, le=1_000)]
Probability = Annotated[float, Field(ge=0, le=1)]
Volatility = Annotated[float, Field(ge=0, le=20)]


class Gbm(Section):
    """Correlated geometric Brownian motions."""

    kind: Literal["gbm"] = "gbm"


class StudentT(Section):
    """Multivariate Student-t returns: one chi-square of a step scales the shocks of all assets.

    Scaled so that volatilities and correlations are those configured. Kotz and Nadarajah (2004),
    §1.1.
    """

    kind: Literal["t"]
    dof: Dof = Field(description="degrees of freedom; lower: fatter tails (pure number)")


class Garch(Section):
    """GJR-GARCH(1,1) of one asset: h' = ω + (α + γ·1[ε < 0])·ε² + β·h, per step.

    ω is such that the mean of h is the asset's variance, so α + γ/2 + β must stay below 1.
    """

    alpha: float = Field(
        default=0.0, ge=0, le=1, description="weight of the last squared shock (pure number)"
    )
    gamma: float = Field(
        default=0.0, ge=-1, le=2, description="weight added to it after a fall (pure number)"
    )
    beta: float = Field(
        default=0.0, ge=0, le=1, description="weight of the last variance (pure number)"
    )

    @property
    def persistence(self) -> float:
        """Part of a deviation of the variance that is left a step later: α + γ/2 + β."""
        return self.alpha + self.gamma / 2 + self.beta


class Dcc(Section):
    """GJR-GARCH(1,1) variances with dynamic conditional correlation.

    Glosten, Jagannathan and Runkle (1993); Engle (2002), Q' = (1 − a − b)·S + a·zzᵀ + b·Q with S
    the configured correlation: that of the shocks z, which returns of unlike variances fall
    somewhat short of. Paths start at the long-run variances and at Q = S.
    """

    kind: Literal["dcc"]
    garch: dict[Symbol, Garch] = Field(
        default_factory=dict, description="variance of single assets; others: constant"
    )
    news: Probability = Field(
        default=0.0, description="a: weight of the last step's shocks in Q (pure number)"
    )
    memory: Probability = Field(
        default=0.0, description="b: weight of the last Q; a + b below 1 (pure number)"
    )
    dof: Dof | None = Field(
        default=None, description="degrees of freedom of t shocks (pure number); null: normal"
    )
    fitted_minutes: int | None = Field(
        default=None,
        ge=1,
        le=1_440,
        description="step the parameters speak of, minutes; null: any",
    )


class Component(Section):
    """How the log variance of one asset moves: s' = φ·s + κ·u beside the market's w·m."""

    news: float = Field(
        default=0.0, ge=0, le=0.5, description="κ: weight of the asset's last score (pure number)"
    )
    memory: float = Field(
        default=0.0, ge=0, lt=1, description="φ: part of s left a step later (pure number)"
    )
    market: float = Field(
        default=0.0, ge=0, le=0.5, description="w: loading on the market's m (pure number)"
    )


class Egarch(Section):
    """Two-component Beta-t-EGARCH, its slow component common to the market; long memory.

    Harvey (2013), §4.2 and §4.10: log variance s + w·m, moved by scores of the Student-t
    likelihood, which are bounded: an outlier raises the variance no further than a large return
    does, and every moment of the variance exists. u is the score of the asset's own return, U that
    of the returns of all ``components`` together, and m' = φₘ·m + U. Of two exponential memories,
    hours and weeks, the sum decays like the hyperbola of returns (Engle and Lee 1999). The shocks
    are multivariate t of the configured correlation, which returns of unlike variances fall
    somewhat short of. Paths start with m drawn from its long-run law and with s = 0.
    """

    kind: Literal["egarch"]
    dof: Dof = Field(description="degrees of freedom ν of the t shocks (pure number)")
    components: dict[Symbol, Component] = Field(
        default_factory=dict, description="log variance of single assets; others: constant"
    )
    market_memory: float = Field(
        default=0.0, ge=0, lt=1, description="φₘ: part of m left a step later (pure number)"
    )
    fitted_minutes: int | None = Field(
        default=None,
        ge=1,
        le=1_440,
        description="step the parameters speak of, minutes; null: any",
    )

    def deviations(self, symbol: str) -> tuple[float, float]:
        """Long-run standard deviations of an asset's s and w·m.

        (ν + n)·b − n with b of law Beta(n/2, ν/2) has variance 2nν/(ν + n + 2): n = 1 for u; U is
        that of all n components, over n.
        """
        own, count = self.components[symbol], len(self.components)
        score = 2 * self.dof / (self.dof + 3)
        market = 2 * self.dof / (count * (self.dof + count + 2))
        return (
            own.news * sqrt(score / (1 - own.memory**2)),
            own.market * sqrt(market / (1 - self.market_memory**2)),
        )


class MarketRegime(Section):
    """Volatilities and correlation while one regime lasts."""

    volatility: dict[Symbol, Volatility] = Field(
        default_factory=dict,
        description="volatility by asset, per square root of a year; others: assets.*.volatility",
    )
    correlation: Correlation = Field(
        default=Correlation(), description="correlation while it lasts"
    )


class Regime(Section):
    """Markov-switching volatilities and correlation (Hamilton 1989, without mean switching).

    A path starts in a regime drawn from the stationary law of the transitions.
    """

    kind: Literal["regime"]
    regimes: tuple[MarketRegime, ...] = Field(
        min_length=2, max_length=8, description="the regimes, in the order of `transition`"
    )
    transition: tuple[tuple[Probability, ...], ...] = Field(
        min_length=2,
        max_length=8,
        description="row: from, column: to; probability per step (pure number)",
    )
    fitted_minutes: int | None = Field(
        default=None,
        ge=1,
        le=1_440,
        description="step the transitions speak of, minutes; null: any",
    )


class Bootstrap(PriceFiles):
    """Stationary bootstrap of recorded returns (Politis and Romano 1994).

    Blocks of geometric length, whole rows at a time, so what assets did together they do together;
    the record is a circle. The record's mean is taken out, ``assets.*.drift`` put in. Assets
    without a symbol follow geometric Brownian motions independent of the record.
    """

    kind: Literal["bootstrap"]
    file: str = Field(
        min_length=1, description="file of prices, several with commas, a folder or pattern"
    )
    symbols: dict[Symbol, str] = Field(
        min_length=1, description="symbol in the file, by asset (SOL: SOLUSDT)"
    )
    mean_block_hours: float = Field(gt=0, le=1e5, description="mean length of a block, hours")
    start: datetime | None = Field(
        default=None, description="first price used, naive UTC; null: the first all symbols have"
    )
    end: datetime | None = Field(
        default=None, description="last price used, naive UTC; null: the last all symbols have"
    )
    max_gap_hours: float = Field(
        default=6.0, ge=0, le=168, description="longest gap filled with the price before it, hours"
    )
    rescale: bool = Field(
        default=False,
        description="true: returns scaled to assets.*.volatility; false: as recorded",
    )


class Factor(Section):
    """One market factor and what is each asset's own (Sharpe 1963).

    r = β·σ_m·F + s·ε with s² = σ² − β²σ_m², so that the asset's volatility σ stays what it is.
    """

    kind: Literal["factor"]
    market_volatility: float = Field(
        ge=0, le=20, description="volatility σ_m of the factor, per square root of a year"
    )
    betas: dict[Symbol, Annotated[float, Field(ge=-20, le=20)]] = Field(
        default_factory=dict, description="loading on the factor by asset; others: 0 (pure number)"
    )
    market_dof: Dof | None = Field(
        default=None, description="degrees of freedom of a t factor (pure number); null: normal"
    )
    dof: dict[Symbol, Dof] = Field(
        default_factory=dict,
        description="degrees of freedom of an asset's own part (pure number); others: normal",
    )


AnyProcess: TypeAlias = Annotated[
    Gbm | StudentT | Dcc | Egarch | Regime | Bootstrap | Factor, Field(discriminator="kind")
]
