"""What stands behind a market: the maker's value, its reserve, and who bears what it lacks."""

from __future__ import annotations

from dataclasses import replace

from tests.reference.clearing import perp
from tests.reference.clearing.state import Ledger, Market, require
from tests.reference.integers import WAD, ceil, floor


def basis(ledger: Ledger, m: int) -> int:
    """Sum of cost less what is owed since the origin of the indices: the maker's side of it."""
    held = (a.positions[m] for a in ledger.accounts.values() if m in a.positions)
    return sum(p.cost - ceil(p.size, p.index, WAD) - ceil(abs(p.size), p.loss, WAD) for p in held)


def value(ledger: Ledger, m: int) -> int:
    """USDC WAD the maker would hold were every position closed at the index; funding up to now."""
    market = perp.accrued(ledger, m)
    won = floor(market.skew, ledger.index_price(m), WAD)
    owed = ceil(market.skew, market.index, WAD)
    owed += floor(market.longs, market.loss_long, WAD)
    owed += floor(market.shorts, market.loss_short, WAD)
    return market.maker_cash + basis(ledger, m) - won + owed


def reserve(ledger: Ledger, m: int) -> int:
    """What a move of the index by the maintenance rate takes were only one side left."""
    market = ledger.markets[m]
    worth = ceil(max(market.longs, market.shorts), ledger.index_price(m), WAD)
    return ceil(worth, ledger.terms[m].maintenance_rate, WAD)


def require_reserve(ledger: Ledger, m: int) -> None:
    require(value(ledger, m) >= reserve(ledger, m), "clearing: maker reserve")


def covered(ledger: Ledger, m: int) -> Market:
    """The market accrued, with what the maker lacks borne by those who win against it."""
    market = perp.accrued(ledger, m)
    lacking = -value(ledger, m) if market.skew and not market.settlement else 0
    return with_loss(market, lacking, longs=market.skew > 0) if lacking > 0 else market


def cover(ledger: Ledger, m: int) -> None:
    """Before the maker pays anything."""
    ledger.markets[m] = covered(ledger, m)


def socialise(ledger: Ledger, m: int, amount: int, *, longs: bool) -> None:
    """Spread a loss over one side, or the other where the one is empty; the maker advances it."""
    market = ledger.markets[m]
    if market.longs or market.shorts:
        longs = bool(market.longs) if longs or not market.shorts else False
        ledger.markets[m] = with_loss(market, amount, longs=longs)


def with_loss(market: Market, amount: int, *, longs: bool) -> Market:
    """Spread over the open size of a side."""
    if longs:
        return replace(market, loss_long=market.loss_long + ceil(amount, WAD, market.longs))
    return replace(market, loss_short=market.loss_short + ceil(amount, WAD, market.shorts))
