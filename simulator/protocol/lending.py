"""The parameters of Aave v3, where the vault hedges there (contracts/SPEC.md §4.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.terms import Scale, Term

STRATEGY = "DefaultReserveInterestRateStrategy"


@dataclass(frozen=True)
class ReserveParameters:
    """A reserve: its rates, and what others supply and owe, who do nothing afterwards."""

    asset: int
    supplied: Annotated[
        float,
        Term(
            "supplied by others, whole tokens",
            unit="tokens", gt=0, le=1e15, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    borrowed: Annotated[
        float,
        Term(
            "owed by others, whole tokens",
            unit="tokens", default=0.0, ge=0, le=1e15, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    optimal_usage: Annotated[
        float,
        Term(
            "part lent beyond which borrowing gets steeply dearer",
            unit="fraction", default=0.45, gt=0, lt=1, scale=Scale.RAY, struct=STRATEGY,
            component="optimalUsageRatio",
        ),
    ]  # fmt: skip
    base_rate: Annotated[
        float,
        Term(
            "borrow rate with nothing lent, fraction per year",
            unit="fraction/year", default=0.0, ge=0, le=1, scale=Scale.RAY, struct=STRATEGY,
            component="baseVariableBorrowRate",
        ),
    ]  # fmt: skip
    slope1: Annotated[
        float,
        Term(
            "rise of the rate up to the optimal usage, per year",
            unit="fraction/year", default=0.04, ge=0, le=10, scale=Scale.RAY, struct=STRATEGY,
            component="variableRateSlope1",
        ),
    ]  # fmt: skip
    slope2: Annotated[
        float,
        Term(
            "rise of the rate from there to full usage, per year",
            unit="fraction/year", default=3.0, ge=0, le=10, scale=Scale.RAY, struct=STRATEGY,
            component="variableRateSlope2",
        ),
    ]  # fmt: skip
    factor: Annotated[
        float,
        Term(
            "part of the interest the treasury keeps",
            unit="fraction", default=0.2, ge=0, le=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class LendingTerms:
    """Terms of USDC as collateral."""

    ltv: Annotated[
        float,
        Term(
            "debt that may be taken, fraction of the USDC",
            unit="fraction", default=0.75, gt=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_threshold: Annotated[
        float,
        Term(
            "debt that is liquidated, fraction of the USDC",
            unit="fraction", default=0.78, gt=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_bonus: Annotated[
        float,
        Term(
            "what liquidators get on top, fraction",
            unit="fraction", default=0.05, ge=0.0001, le=0.5, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
