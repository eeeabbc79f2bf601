"""The parameters of the lending market: Aave v3 with borrowers of its own (docs/lending.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.lending import ReserveParameters
from simulator.protocol.terms import Scale, Term

#: Most borrowers, and most reserves, of the market: what the Lens has words for.
MOST_BORROWERS, MOST_LISTINGS = 64, 8
#: ValidationLogic, LiquidationLogic: below the first a borrower is liquidated; down to the second
#: half of a debt may be repaid at once, from there on all of it.
LIQUIDATED_BELOW, CLOSED_WHOLE_FROM = 1.0, 0.95
#: What the health factor of who owes nothing, or next to nothing, is shown as.
MOST_HEALTH = 1e6
#: Aave's percentages have two decimals.
PERCENT = 10_000.0
#: ReserveConfiguration.MAX_VALID_SUPPLY_CAP and _BORROW_CAP: 36 bits.
_MOST_CAP = 2**36 - 1


@dataclass(frozen=True)
class CategoryTerms:
    """An eMode category: terms of collateral among assets that move together."""

    ltv: Annotated[
        float,
        Term(
            "debt that may be taken in the category, fraction of the collateral's worth",
            unit="fraction", gt=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_threshold: Annotated[
        float,
        Term(
            "debt in the category that is liquidated, fraction of the collateral's worth",
            unit="fraction", gt=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_bonus: Annotated[
        float,
        Term(
            "what is seized on top of the debt repaid in the category, fraction",
            unit="fraction", default=0.01, ge=0.0001, le=0.5, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class ListingTerms(ReserveParameters):
    """A reserve of the lending market: its rates, and its terms as collateral."""

    ltv: Annotated[
        float,
        Term(
            "debt that may be taken, fraction of the collateral's worth; 0: it is no collateral",
            unit="fraction", default=0.0, ge=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_threshold: Annotated[
        float,
        Term(
            "debt that is liquidated, fraction of the collateral's worth; 0: it is no collateral",
            unit="fraction", default=0.0, ge=0, lt=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    liquidation_bonus: Annotated[
        float,
        Term(
            "what is seized on top of the debt repaid, fraction",
            unit="fraction", default=0.05, ge=0.0001, le=0.5, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    protocol_fee: Annotated[
        float,
        Term(
            "part of that bonus the treasury keeps",
            unit="fraction", default=0.1, ge=0, le=1, scale=Scale.PERCENT,
        ),
    ]  # fmt: skip
    supply_cap: Annotated[
        int,
        Term(
            "most that may be supplied, whole tokens; 0: any amount",
            unit="tokens", default=0, ge=0, le=_MOST_CAP, scale=Scale.INTEGER,
        ),
    ]  # fmt: skip
    borrow_cap: Annotated[
        int,
        Term(
            "most that may be owed, whole tokens; 0: any amount",
            unit="tokens", default=0, ge=0, le=_MOST_CAP, scale=Scale.INTEGER,
        ),
    ]  # fmt: skip
