"""Who else is leveraged, elsewhere: crowds of traders and of borrowers, by asset."""

from __future__ import annotations

from pydantic import Field

from simulator.config.declared import section_of
from simulator.config.section import Section
from simulator.protocol.population import BorrowersTerms, TradersTerms


class Traders(section_of(TradersTerms)):  # type: ignore[misc]  # made of what is declared
    """Traders on leverage at other perp venues, on one side."""


class Borrowers(section_of(BorrowersTerms)):  # type: ignore[misc]
    """Who borrowed dollars against the asset at lending markets."""


class Crowds(Section):
    """The crowds of one asset; what their liquidations sell or buy moves its index."""

    long: Traders | None = Field(default=None, description="traders who are long; null: none")
    short: Traders | None = Field(default=None, description="traders who are short; null: none")
    borrowers: Borrowers | None = Field(
        default=None, description="who owes dollars against it; null: none"
    )
