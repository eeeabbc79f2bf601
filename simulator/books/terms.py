"""Metrics of the attribution: its terms, sums of them, and how exact it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.books.buckets import BUCKETS, MEANINGS, SUMS, TITLES
from simulator.books.metric import Ended, Metric

if TYPE_CHECKING:
    from simulator.types import Floats

_ROW = {name: row for row, name in enumerate(BUCKETS)}
#: Sums of terms that are metrics beside them: meaning, title.
_SUMS = {
    "pnl": ("profit and loss of the vault: the sum of all terms of the attribution", ""),
    "basis_pnl": (
        "LP delta and hedge on target together: how far the assets came apart",
        "Basis",
    ),
    "hedge_price": ("hedge on target and off target together", ""),
    "trading_cost": (
        "perp fees, spread and premium, pool fees and impact together",
        "Trading cost",
    ),
    "price_impact": ("perp premium and pool impact together", "of it price impact"),
}


def _sum(names: tuple[str, ...]) -> Callable[[Ended], Floats]:
    """Terms added up in their order ``[P]``."""

    def of(ended: Ended) -> Floats:
        total: Floats = ended.book.attribution.buckets[_ROW[names[0]]].copy()
        for name in names[1:]:
            total += ended.book.attribution.buckets[_ROW[name]]
        return total

    return of


METRICS = (
    *(
        Metric(name, "USD", meaning, _sum(SUMS[name]), title=title, form="+,.0f")
        for name, (meaning, title) in _SUMS.items()
    ),
    Metric(
        "flows",
        "USD",
        "deposited less redeemed",
        lambda ended: ended.book.attribution.flows,
    ),
    *(
        Metric(name, "USD", meaning, _sum((name,)), title=TITLES[name], form="+,.0f")
        for name, meaning in MEANINGS.items()
    ),
    Metric(
        "adl_notional",
        "USD",
        "notional of the vault closed against the insolvent: by auto-deleveraging, or as it left",
        lambda ended: ended.book.attribution.deleveraged,
        title="Closed by auto-deleveraging",
        form=",.0f",
        only_if_any=True,
    ),
    Metric(
        "residual",
        "USD",
        "largest part of the change of NAV left unexplained; checked against 1e-9 of NAV",
        lambda ended: ended.book.attribution.residual,
    ),
    Metric(
        "largest_nav",
        "USD",
        "largest net asset value at the end of any step",
        lambda ended: ended.book.attribution.largest_nav,
    ),
)
