"""Of what the vault's perp venue closed by force: what winners had to give up, what was lacking.

:mod:`simulator.books.cascade` says of every closing what it was (:func:`note`); here they are added
up whatever side they were on, and whoever bore what was lacking.
"""

from __future__ import annotations

from simulator.books.metric import Metric, ratio
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.perps.margin import standing
from simulator.model.venues.perps.portfolio import USDC_ASSET

# Part of a closing that is what subtracting the maker's part of it leaves in float64.
_ROUNDING = 1e-12
LAYOUT: Layout = (
    *each(
        "",
        ("closed", "USD", "notional of perps closed because of whose they were, so far"),
        ("against_winners", "USD", "of it what positions of the other side were closed against"),
        ("lacked", "USD", "that these accounts had too little, so far"),
        # As a liquidation begins.
        ("others", "USD", "value of all accounts but its own and the liquidator's"),
        ("bad_debt", "USDC", "so far"),
    ),
    *each(
        "markets",
        ("loss_long", "USDC per base unit", "socialised"),
        ("loss_short", "USDC per base unit", "socialised"),
    ),
)


@inner
def advanced(w: Path) -> None:
    """Nothing is closed as a path begins."""
    if w.now.step == 0.0:
        book = w.book.deleveraged
        book.closed = book.against_winners = book.lacked = 0.0


@inner
def _is_other(w: Path, account: int) -> bool:
    """Whether an account is neither liquidated nor the liquidator's."""
    return bool(account not in (w.order.account, w.tables.agent.account[w.order.agent]))


@inner
def _value_of_others(w: Path) -> float:
    value = 0.0
    for account in range(w.tables.count.accounts):
        if _is_other(w, account):
            value += standing(w, account).value
    return value


@inner
def acting(w: Path) -> None:
    """Before a position is liquidated."""
    book, clearing = w.book.deleveraged, w.state.clearing
    book.others, book.bad_debt = _value_of_others(w), clearing.bad_debt
    for market in range(w.tables.count.markets):
        book.loss_long[market] = clearing.loss_long[market]
        book.loss_short[market] = clearing.loss_short[market]


@inner
def lacking(w: Path) -> float:
    """USD that the liquidated had too little: bad debt, and what winners gave below the mark.

    Positions count at last prices, so that others are worth less for a liquidation by nothing else
    but their part of a loss that is socialised, which is bad debt already.
    """
    book, clearing, usdc = w.book.deleveraged, w.state.clearing, w.now.price[USDC_ASSET]
    socialised = 0.0
    for account in range(w.tables.count.accounts):
        if not _is_other(w, account):
            continue
        for market in range(w.tables.count.markets):
            size = clearing.size[account, market]
            rise = clearing.loss_long[market] - book.loss_long[market]
            if size < 0.0:
                rise = clearing.loss_short[market] - book.loss_short[market]
            socialised += abs(size) * rise
    given = book.others - _value_of_others(w) - socialised * usdc
    return (clearing.bad_debt - book.bad_debt) * usdc + max(given, 0.0)


@inner
def note(w: Path, closed: float, against_winners: float, lacked: float) -> None:
    """A liquidation, or a close against the insolvent: USD of notional at the oracle's price."""
    w.book.deleveraged.closed += closed
    w.book.deleveraged.lacked += lacked
    if against_winners > _ROUNDING * closed:
        w.book.deleveraged.against_winners += against_winners


METRICS = (
    Metric(
        "adl_share",
        "fraction",
        "notional of winners closed against the insolvent (by auto-deleveraging, or as they left), "
        "over all perps that the vault's venue liquidated; NaN: none",
        lambda ended: ratio(
            ended.book.deleveraged.against_winners, ended.book.deleveraged.closed
        ),
        title="Auto-deleveraged, over what was liquidated",
        form=".1%",
    ),
    Metric(
        "deficit_share",
        "fraction",
        "what these accounts had less than nothing as they were liquidated (insurance, the venue, "
        "winners deleveraged below the mark or other traders bore it), over the same; NaN: none",
        lambda ended: ratio(ended.book.deleveraged.lacked, ended.book.deleveraged.closed),
        title="Deficit, over what was liquidated",
        form=".2%",
    ),
)  # fmt: skip
