"""What a compiled ``do`` shows of margin accounts, perp markets and the loan on Aave."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulator.agents.axes import (
    CASH,
    COLLATERAL_OF,
    DEBT,
    FUNDING,
    MARGIN_OF,
    PREMIUM_POOL,
    SIZE,
    SKEW,
    SKEW_SCALE,
    UNPAID_PREMIUM,
)
from simulator.agents.do.kind import can
from simulator.agents.do.within import a_collateral, a_leg, a_market, an_account
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.perps.maker import accrued
from simulator.model.venues.perps.margin import standing


@can
def size(do: Any, account: int, market: int) -> Any:
    """Position of an account, base units."""
    known = an_account(do, SIZE, account), a_market(do, SIZE, market)
    return do.w.state.clearing.size[known]


@can
def cash(do: Any, account: int) -> Any:
    """Settled balance of an account, USDC."""
    return do.w.state.clearing.cash[an_account(do, CASH, account)]


@can
def collateral(do: Any, account: int, number: int) -> Any:
    """Collateral of an account, whole tokens; 0 of USDC, which is its cash (``cash``)."""
    known = a_collateral(do, COLLATERAL_OF, number)
    held = do.w.state.clearing.collateral[an_account(do, COLLATERAL_OF, account), known]
    return held / do.w.tables.clearing.unit[known]


@can
def skew(do: Any, market: int) -> Any:
    """Base units."""
    return do.w.state.clearing.skew[a_market(do, SKEW, market)]


@can
def skew_scale(do: Any, market: int) -> Any:
    """Base units."""
    return do.w.state.clearing.skew_scale[a_market(do, SKEW_SCALE, market)]


@can
def premium_pool(do: Any, market: int) -> Any:
    """USDC paid for the skew and not yet earned by taking it back."""
    return do.w.state.clearing.premium_pool[a_market(do, PREMIUM_POOL, market)]


@can
def unpaid_premium(do: Any, market: int) -> Any:
    """Base units squared, of the skew's potential what liquidations could not pay for."""
    return do.w.state.clearing.unpaid_premium[a_market(do, UNPAID_PREMIUM, market)]


@can
def funding(do: Any, market: int) -> Any:
    """Funding rate a day and index, USD per unit of size, accrued up to now."""
    return accrued(do.w, a_market(do, FUNDING, market))


class Margin(NamedTuple):
    """A margin account, USD."""

    value: float
    equity: float
    maintenance: float


@can
def margin_of(do: Any, account: int) -> Any:
    """Value, equity and maintenance of an account, USD."""
    valued = standing(do.w, an_account(do, MARGIN_OF, account))
    return Margin(valued.value, valued.equity, valued.maintenance)


class Loan(NamedTuple):
    """The vault's account on Aave: USDC supplied, equity and maintenance in USD."""

    supplied: float
    equity: float
    maintenance: float


@can
def loan(do: Any) -> Any:
    """The vault's account on Aave."""
    found = value_loan(do.w)
    return Loan(found.supplied / do.w.tables.aave.unit[0], found.equity, found.maintenance)


@can
def debt(do: Any, leg: int) -> Any:
    """What it owes of a leg's asset, base units."""
    return -size_of(do.w, a_leg(do, DEBT, leg))
