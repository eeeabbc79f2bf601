"""Liquid staking tokens and other shares whose worth in another asset accrues: their section."""

from __future__ import annotations

from math import expm1

from pydantic import Field

from simulator.config.section import Section, Symbol

_HOURS_PER_DAY, _DAYS_PER_YEAR = 24.0, 365.0


class Staked(Section):
    """What a token is redeemed for, and how its market price strays from that.

    Market price = price of ``underlying`` × exchange rate × premium. The exchange rate accrues and
    can be slashed; the log premium is an Ornstein–Uhlenbeck process that begins at the asset's
    ``price`` and returns to none.
    """

    underlying: Symbol = Field(description="asset that a token is redeemed for")
    exchange_rate: float = Field(
        default=1.0,
        gt=0,
        le=1e6,
        description="tokens of the underlying per token at the start (pure number)",
    )
    yield_per_year: float = Field(
        default=0.03, ge=-0.5, le=5, description="growth of the exchange rate, per year (0.03)"
    )
    discount_volatility: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="long-run standard deviation of the log premium (pure number)",
    )
    reversion_hours: float = Field(
        default=48.0, gt=0, le=100_000, description="relaxation time of the log premium, hours"
    )
    slashings_per_year: float = Field(
        default=0.0, ge=0, le=1_000, description="mean number of slashings per year"
    )
    slashing_loss: float = Field(
        default=0.0, ge=0, lt=1, description="part of the exchange rate that each takes (fraction)"
    )

    @property
    def daily_variance(self) -> float:
        """Variance of the log premium's change over a day, per year of such days.

        2 v² (1 − e^(−1 d/τ)): over longer times it grows no further, as the premium returns.
        """
        decay = -expm1(-_HOURS_PER_DAY / self.reversion_hours)
        return 2.0 * self.discount_volatility**2 * decay * _DAYS_PER_YEAR
