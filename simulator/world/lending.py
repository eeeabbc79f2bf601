"""The lending market as deployed: reserves, eMode categories, and who borrows there."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.protocol.borrowers import CategoryTerms, ListingTerms


@dataclass(frozen=True)
class Listing(ListingTerms):
    """A reserve of the market. ``category``: its eMode category, counted from 1; 0: none."""

    category: int = 0


@dataclass(frozen=True)
class Borrower:
    """An account at the market, or many that are alike in one.

    ``collateral``, ``debt``: whole tokens of each listing at the start. ``category``: the eMode
    category it is in, counted from 1; 0: none. ``group``: what it is a cohort of.
    """

    name: str
    collateral: tuple[float, ...]
    debt: tuple[float, ...]
    category: int = 0
    group: str = ""


@dataclass(frozen=True)
class LendingMarket:
    """Aave v3 with borrowers of its own; the vault has nothing there (docs/lending.md)."""

    listings: tuple[Listing, ...]
    categories: tuple[CategoryTerms, ...]
    borrowers: tuple[Borrower, ...]

    @property
    def others(self) -> tuple[int, ...]:
        """Assets listed that are neither USDC nor the pool's base asset."""
        return tuple(listing.asset for listing in self.listings if listing.asset > 1)

    def terms(self, borrower: int, listing: int) -> CategoryTerms | Listing:
        """The terms on which a listing backs a borrower: its category's where it is in one."""
        category, found = self.borrowers[borrower].category, self.listings[listing]
        if category and found.category == category:
            return self.categories[category - 1]
        return found
