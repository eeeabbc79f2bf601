"""The lending market in friendly units: its reserves, eMode categories and borrowers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from simulator.config.cohorts import SIZE_SPREAD, Count, Spread
from simulator.config.declared import section_of
from simulator.config.section import Section, Symbol
from simulator.protocol.borrowers import (
    MOST_BORROWERS,
    MOST_LISTINGS,
    CategoryTerms,
    ListingTerms,
)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Tokens = Annotated[float, Field(gt=0, le=1e15)]
Share = Annotated[float, Field(gt=0, le=1)]

# What simulator/protocol declares; these lines are what a type checker lets code read of it.
if TYPE_CHECKING:
    _DECLARED: Any = None

    class _CategoryTerms(Section):
        ltv: float = _DECLARED
        liquidation_threshold: float = _DECLARED
        liquidation_bonus: float = _DECLARED

    class _ListingTerms(_CategoryTerms):
        supplied: float = _DECLARED
        borrowed: float = _DECLARED
        optimal_usage: float = _DECLARED
        base_rate: float = _DECLARED
        slope1: float = _DECLARED
        slope2: float = _DECLARED
        factor: float = _DECLARED
        protocol_fee: float = _DECLARED
        supply_cap: int = _DECLARED
        borrow_cap: int = _DECLARED

else:
    _CategoryTerms = section_of(CategoryTerms)
    _ListingTerms = section_of(ListingTerms)


class Category(_CategoryTerms):
    """An eMode category; above the terms of each reserve in it."""


class Listing(_ListingTerms):
    """A reserve of the lending market; supplied and borrowed: by all who are no borrower here."""

    category: Name | None = Field(
        default=None, description="eMode category it is in (text); null: none"
    )


class Borrower(Section):
    """An account at the lending market, or cohorts of it that share what it has."""

    collateral: dict[Symbol, Tokens] = Field(
        min_length=1, description="what it has supplied at the start by asset, whole tokens"
    )
    debt: dict[Symbol, Share] = Field(
        min_length=1,
        description="what it owes at the start by asset, fraction of the worth of all its debts; "
        "how much that is follows from its health",
    )
    health: float = Field(
        gt=1, le=1e3, description="its health factor at the start: liquidated below 1 (number)"
    )
    cohorts: Count = 1
    health_spread: Spread = Field(
        default=0.0,
        description="standard deviation of the log of the cohorts' health factors less one, of "
        "which `health` is the median (number)",
    )
    size_spread: Spread = Field(default=0.0, description=SIZE_SPREAD)
    category: Name | None = Field(
        default=None, description="eMode category it is in (text); null: none"
    )


class Lending(Section):
    """A lending market of Aave v3 with borrowers who are liquidated on it (docs/lending.md)."""

    reserves: dict[Symbol, Listing] = Field(
        min_length=1, max_length=MOST_LISTINGS, description="what can be supplied and borrowed"
    )
    categories: dict[Name, Category] = Field(
        default_factory=dict, max_length=8, description="eMode categories by name"
    )
    borrowers: dict[Name, Borrower] = Field(
        min_length=1, max_length=MOST_BORROWERS, description="who borrows, by name"
    )
