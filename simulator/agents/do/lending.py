"""What a compiled ``do`` shows of the lending market's borrowers."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulator.agents.axes import BORROWER_OF, OWED_BY, SUPPLIED_BY, WALLET_LISTED
from simulator.agents.do.kind import can
from simulator.agents.do.within import a_borrower, a_listing
from simulator.model.venues.aave.borrowers import owed_by as _owed_by
from simulator.model.venues.aave.borrowers import standing
from simulator.model.venues.aave.borrowers import supplied_by as _supplied_by


class Borrower(NamedTuple):
    """A borrower of the lending market at the oracle's prices."""

    collateral: float  # what backs its debts, USD
    debt: float  # USD
    health: float  # health factor


@can
def borrower(do: Any, borrower: int) -> Any:
    """A borrower of the lending market at the oracle's prices."""
    found = standing(do.w, a_borrower(do, BORROWER_OF, borrower))
    return Borrower(found.collateral, found.debt, found.health)


@can
def supplied_by(do: Any, borrower: int, listing: int) -> Any:
    """What a borrower has supplied of a listing, whole tokens."""
    known = a_listing(do, SUPPLIED_BY, listing)
    raw = _supplied_by(do.w, a_borrower(do, SUPPLIED_BY, borrower), known)
    return raw / do.w.tables.lending.unit[known]


@can
def owed_by(do: Any, borrower: int, listing: int) -> Any:
    """What a borrower owes of a listing, whole tokens."""
    known = a_listing(do, OWED_BY, listing)
    raw = _owed_by(do.w, a_borrower(do, OWED_BY, borrower), known)
    return raw / do.w.tables.lending.unit[known]


@can
def wallet_listed(do: Any, listing: int) -> Any:
    """Whole tokens of a listing's asset in its wallet."""
    table, known = do.w.tables.lending, a_listing(do, WALLET_LISTED, listing)
    return do.w.state.wallet.token[do.agent, table.asset[known]] / table.unit[known]
