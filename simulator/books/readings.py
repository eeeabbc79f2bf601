"""Readings of the vault's holdings and their prices, which the attribution compares.

On Aave price moves and interest are told apart. Within a step interest stands still, so a step's
growth of a debt is one factor G, found when time moves. A debt d then counts as principal d/G at
the price (the hedge's price risk) and d·(1 − 1/G) owed (funding); USDC supplied alike. When time
moves on, what was interest becomes principal. Principal is owed in its asset, so the price of USDC
does not touch it.
"""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, Record, each
from simulator.model.pools.held import unit_worth
from simulator.model.vault.valuation import Valuation
from simulator.model.venues.aave.lending import size_of, supplied
from simulator.model.venues.perps.owing import owing
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET

#: What the vault held at one moment. Σ over its accounts at the clearing house, s sizes, F and ℓ
#: the indices of funding and of socialised loss.
READING: Layout = (
    *each(
        "",
        ("usdc_price", "USD", "of the oracle"),
        ("base_price", "USD", "of the oracle"),
        ("idle_usdc", "USDC", "not placed"),
        ("idle_base", "base units", "not placed"),
        ("lp_usdc", "USDC", "in the position at the oracle √P"),
        ("lp_base", "base units", "in the position at the oracle √P"),
        ("fees_usdc", "USDC", "uncollected"),
        ("fees_base", "base units", "uncollected"),
        ("unit", "1", "what a unit of the position is, of which fees that stay in it make more"),
        (
            "settled",
            "USDC",
            "Σ(cash − cost), and USDC on Aave without this step's interest",
        ),
        ("marked", "USDC", "Σ s·index"),
        ("owed", "USDC", "Σ s·(F − F_entry), and this step's interest"),
        ("lost", "USDC", "Σ |s|·(ℓ_side − ℓ_entry)"),
        ("borrowed", "USD", "less what is owed in other assets on Aave, without interest"),
    ),
    *each("collaterals", ("held", "whole tokens", "but USDC"), ("price", "USD", "of those")),
)
#: The loans of the latest reading, and what they grew by from step to step.
LOANS: Layout = (
    *each("legs", ("debt", "base units", ""), ("debt_growth", "1", "of this step")),
    *each(
        "",
        ("supplied", "USDC", ""),
        ("supply_growth", "1", "of this step"),
        ("owed", "USDC", "interest of this step on the debts"),
        ("earned", "USDC", "interest of this step on what is supplied"),
    ),
)


@inner
def _read_perps(w: Path, row: Record) -> None:
    """Account 0 holds every market, account m + 1 market m alone; positions count at the index."""
    clearing, asset, markets = w.state.clearing, w.tables.clearing.asset, w.tables.count.markets
    settled = marked = owed = lost = 0.0
    for account in range(1 + markets):
        settled += clearing.cash[account]
        for m in range(markets):
            held = clearing.size[account, m]
            if held == 0.0 or (account > 0 and m != account - 1):
                continue
            found = owing(w, m)
            settled -= clearing.cost[account, m]
            marked += held * w.now.price[asset[m]]
            owed += held * (found.funding - clearing.funding_entry[account, m])
            share = clearing.loss_long[m] if held > 0.0 else clearing.loss_short[m]
            share += found.unpaid_long if held > 0.0 else found.unpaid_short
            lost += abs(held) * (share - clearing.loss_entry[account, m])
    row.settled, row.marked, row.owed, row.lost, row.borrowed = settled, marked, owed, lost, 0.0


@inner
def _read_loans(w: Path, row: Record, loans: Record) -> None:
    """Add the venue's part to a reading."""
    table, price = w.tables.aave, w.now.price
    borrowed = owed = 0.0
    for leg in range(w.tables.count.legs):
        usd = price[table.asset[leg + 1]]
        loans.debt[leg] = -size_of(w, leg)
        principal = loans.debt[leg] / loans.debt_growth[leg]
        owed += (loans.debt[leg] - principal) * usd
        borrowed += principal * usd
    loans.supplied = supplied(w) / table.unit[0]
    placed = loans.supplied / loans.supply_growth
    loans.owed, loans.earned = owed / price[USDC_ASSET], loans.supplied - placed
    row.borrowed -= borrowed
    row.settled += placed
    row.owed += loans.owed - loans.earned


@inner
def read(w: Path, valuation: Valuation, row: Record, loans: Record) -> None:
    """Holdings and prices now, of the vault as it is valued."""
    table, vault, price = w.tables.vault, w.state.vault, w.now.price
    row.usdc_price, row.base_price = price[USDC_ASSET], price[BASE_ASSET]
    row.idle_usdc = vault.idle_usdc / table.usdc_unit
    row.idle_base = vault.idle_base / table.base_unit
    row.lp_usdc = valuation.lp_usdc / table.usdc_unit
    row.lp_base = valuation.lp_base / table.base_unit
    row.fees_usdc = valuation.fees_usdc / table.usdc_unit
    row.fees_base = valuation.fees_base / table.base_unit
    row.unit = unit_worth(w)
    _read_perps(w, row)
    if w.tables.count.legs > 0:
        _read_loans(w, row, loans)
    for c in range(1, w.tables.count.collaterals):
        held = 0.0
        for account in range(1 + w.tables.count.markets):
            held += w.state.clearing.collateral[account, c] / w.tables.clearing.unit[c]
        row.held[c], row.price[c] = held, price[w.tables.clearing.collateral_asset[c]]


@inner
def begin(w: Path, loans: Record) -> None:
    """There was no step before."""
    loans.supply_growth = 1.0
    for leg in range(w.tables.count.legs):
        loans.debt_growth[leg] = 1.0


@inner
def move_on(w: Path, last: Record, loans: Record) -> None:
    """Time moved: interest so far becomes principal in ``last``, the step's growth is found."""
    if w.tables.count.legs == 0:
        return
    last.borrowed -= loans.owed * last.usdc_price
    last.settled += loans.earned
    last.owed -= loans.owed - loans.earned
    for leg in range(w.tables.count.legs):
        loans.debt_growth[leg] = _growth(-size_of(w, leg), loans.debt[leg])
    loans.supply_growth = _growth(supplied(w) / w.tables.aave.unit[0], loans.supplied)


@inner
def _growth(now: float, before: float) -> float:
    """``now / before``, one where there was nothing."""
    return now / before if before > 0.0 else 1.0


@inner
def usdc_of(row: Record) -> float:
    """USDC of a reading, perps at the index and all they owe counted in."""
    free = row.idle_usdc + row.lp_usdc + row.fees_usdc
    worth: float = free + row.settled + row.marked - row.owed - row.lost
    return worth


@inner
def base_of(row: Record) -> float:
    """Base units of a reading."""
    held: float = row.idle_base + row.lp_base + row.fees_base
    return held


@inner
def value(w: Path, row: Record) -> float:
    """NAV of a reading, USD."""
    total = usdc_of(row) * row.usdc_price
    total += base_of(row) * row.base_price + row.borrowed
    for c in range(1, w.tables.count.collaterals):
        total += row.held[c] * row.price[c]
    return total
