"""Leveraged positions elsewhere: traders at other perp venues, borrowers at lending markets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.terms import Given, Scale, Term

#: Members of one crowd, at most.
MOST_MEMBERS = 100_000


@dataclass(frozen=True)
class CrowdTerms:
    """What is true of every crowd: how many it is, and how unequal."""

    count: Annotated[
        int,
        Term(
            "members, each with a trigger of its own (number)",
            unit="number", default=1_000, ge=1, le=MOST_MEMBERS, scale=Scale.INTEGER,
        ),
    ]  # fmt: skip
    size_spread: Annotated[
        float,
        Term(
            "standard deviation of the log of members' sizes (number)",
            unit="number", default=1.5, ge=0, le=4, scale=Scale.NONE,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class TradersTerms(CrowdTerms):
    """Traders on leverage at perp venues elsewhere, liquidated at the index.

    Isolated margin: with margin m of the entry notional 1 and maintenance rate μ, a long is closed
    at (1 − m)/(1 − μ) of its entry, a short at (1 + m)/(1 + μ).
    """

    open_interest: Annotated[
        float,
        Term(
            "notional of all of them at the start, USD",
            unit="USD", gt=0, le=1e13, scale=Scale.NONE, given=Given.USD,
        ),
    ]  # fmt: skip
    leverage: Annotated[
        float,
        Term(
            "median of notional over margin (number)",
            unit="number", default=5.0, gt=0, le=200, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    leverage_spread: Annotated[
        float,
        Term(
            "standard deviation of the log of leverage (number)",
            unit="number", default=0.8, ge=0, le=4, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    most_leverage: Annotated[
        float,
        Term(
            "what a venue allows: larger ones are brought down to it (number)",
            unit="number", default=50.0, gt=0, le=200, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    maintenance_rate: Annotated[
        float,
        Term(
            "maintenance margin, fraction of the notional",
            unit="fraction", default=0.01, ge=0, lt=1, scale=Scale.NONE,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class BorrowersTerms(CrowdTerms):
    """Who borrowed dollars against an asset elsewhere, liquidated at the oracle's price.

    By Aave's rule: below a health factor of 1 half of the debt is bought for collateral worth the
    bonus more, and all of it below 0.95.
    """

    collateral: Annotated[
        float,
        Term(
            "collateral of all of them at the start, USD",
            unit="USD", gt=0, le=1e13, scale=Scale.NONE, given=Given.USD,
        ),
    ]  # fmt: skip
    health: Annotated[
        float,
        Term(
            "median of the health factor less one at the start (number)",
            unit="number", default=0.6, gt=0, le=100, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    health_spread: Annotated[
        float,
        Term(
            "standard deviation of the log of that (number)",
            unit="number", default=0.8, ge=0, le=4, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    threshold: Annotated[
        float,
        Term(
            "liquidation threshold: debt a collateral bears, fraction of its worth",
            unit="fraction", default=0.8, gt=0, lt=1, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    bonus: Annotated[
        float,
        Term(
            "discount at which collateral is taken over, fraction of the debt repaid",
            unit="fraction", default=0.05, ge=0, le=0.5, scale=Scale.NONE,
        ),
    ]  # fmt: skip
