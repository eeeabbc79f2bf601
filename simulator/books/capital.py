"""How much capital a hedge ties up as margin: what the margin modes are compared by.

Notional hedged at both venues against the initial margin it needs. A loan on Aave needs debt/LTV of
USDC supplied, of which the sale of what was borrowed brings the debt: the rest, μM of
contracts/SPEC.md §4.8, is its margin.
"""

from __future__ import annotations

from simulator.books.metric import Metric, ratio
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.vault.valuation import Valuation
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.perps.margin import value_account

LAYOUT: Layout = each(
    "",
    ("notional", "USD", "of the vault's hedges, summed over steps"),
    ("margin", "USD", "initial margin they need, summed over steps"),
    ("share", "1", "that margin over NAV, summed over steps with a position"),
    ("steps", "1", "of those"),
)


@inner
def _own_accounts(w: Path) -> int:
    """How many of the first accounts of the ClearingHouse may hold the vault's hedges."""
    return 1 + w.tables.count.markets if w.tables.vault.isolated else 1


@inner
def _needed(w: Path) -> float:
    """Initial margin of the vault's hedges, USD."""
    tables = w.tables
    margin = 0.0
    for account in range(_own_accounts(w)):
        margin += value_account(w, account).maintenance
    margin *= tables.clearing.initial_multiple
    if tables.count.legs == 0:
        return margin
    debt = 0.0
    for leg in range(tables.count.legs):
        debt -= size_of(w, leg) * w.now.price[tables.aave.asset[leg + 1]]
    return margin + (1.0 / tables.aave.ltv - 1.0) * debt


@inner
def _hedged(w: Path) -> float:
    """USD of the vault's hedges, each market's without netting its accounts."""
    tables = w.tables
    notional = 0.0
    for market in range(tables.count.markets):
        sizes = 0.0
        for account in range(_own_accounts(w)):
            size = w.state.clearing.size[account, market]
            if account == 0 and tables.aave.leg_of[market] >= 0:
                size += size_of(w, tables.aave.leg_of[market])
            sizes += abs(size)
        notional += sizes * w.now.price[tables.clearing.asset[market]]
    return notional


@inner
def stepped(w: Path, valuation: Valuation) -> None:
    """Count one step."""
    book = w.book.capital
    margin, nav = _needed(w), valuation.nav
    book.notional += _hedged(w)
    book.margin += margin
    if margin > 0.0 and nav > 0.0:
        book.share += margin / nav
        book.steps += 1.0


METRICS = (
    Metric(
        "capital_efficiency",
        "ratio",
        "USD hedged per USD of initial margin required, mean over time",
        lambda ended: ratio(ended.book.capital.notional, ended.book.capital.margin),
    ),
    Metric(
        "margin_to_nav",
        "fraction",
        "initial margin over net asset value while hedged, mean over time",
        lambda ended: ratio(ended.book.capital.share, ended.book.capital.steps),
    ),
)
