"""What the hedge did: the ratios posted, and how much of the position's variance it removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import BUCKETS, HEDGE_LEG, LP_LEG
from simulator.books.correlation import RealisedHedge, realised_hedge
from simulator.books.metric import MARKET, Ended, Metric, ratio
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each

if TYPE_CHECKING:
    from simulator.types import Floats

LAYOUT: Layout = (
    *each("markets", ("betas", "USD/USD", "posted, summed over the steps")),
    *each(
        "",
        ("steps", "1", "whose changes are summed"),
        ("alone", "USD", "gained by the LP leg up to the last step"),
        ("both", "USD", "gained by it and the hedge"),
        ("sum_alone", "USD", "of the changes a step of the LP leg"),
        ("squares_alone", "USD²", "of them"),
        ("sum_both", "USD", "of those of both legs together"),
        ("squares_both", "USD²", "of them"),
    ),
)
LP_ROWS = tuple(BUCKETS.index(name) for name in LP_LEG)
HEDGE_ROWS = tuple(BUCKETS.index(name) for name in HEDGE_LEG)


@inner
def leg(w: Path, rows: tuple[int, ...]) -> float:
    """USD of several terms of the attribution together, since the start."""
    total = 0.0
    for row in rows:
        total += w.book.attribution.buckets[row]
    return total


@inner
def stepped(w: Path) -> None:
    """Betas, and the first two moments of the change of both legs."""
    book = w.book.hedge
    for market in range(w.tables.count.markets):
        book.betas[market] += w.state.vault.betas[market]
    lp = leg(w, LP_ROWS)
    both = lp + leg(w, HEDGE_ROWS)
    if w.now.step > 0.0:
        alone, hedged = lp - book.alone, both - book.both
        book.sum_alone += alone
        book.squares_alone += alone * alone
        book.sum_both += hedged
        book.squares_both += hedged * hedged
        book.steps += 1.0
    book.alone, book.both = lp, both


def mean_betas(ended: Ended) -> Floats:
    """Posted betas averaged over all steps, ``[markets, paths]``."""
    found: Floats = ended.book.hedge.betas / (ended.market.steps + 1)
    return found


def _effectiveness(ended: Ended) -> Floats:
    """1 − Var(hedged)/Var(unhedged) of the change per step."""
    book = ended.book.hedge
    n = np.maximum(book.steps, 1.0)
    alone = book.squares_alone / n - (book.sum_alone / n) ** 2
    hedged = book.squares_both / n - (book.sum_both / n) ** 2
    return 1.0 - ratio(hedged, alone)


def _realised(ended: Ended) -> RealisedHedge:
    return realised_hedge(ended.market, ended.protocol, mean_betas(ended))


METRICS = (
    Metric(
        "hedge_effectiveness",
        "fraction",
        "part of the LP leg's variance the hedge removed (Ederington 1979)",
        _effectiveness,
        title="Hedge effectiveness",
        form=".2f",
    ),
    Metric(
        "realised_correlation",
        "correlation",
        "of the base asset's returns with those of the hedge as posted",
        lambda ended: ended.once(_realised).correlation,
        title="Realised correlation",
        form=".2f",
    ),
    Metric(
        f"posted_beta_{MARKET}",
        "USD/USD",
        "hedge ratio posted, mean over time: USD short per USD of LP delta",
        mean_betas,
    ),
    Metric(
        f"realised_beta_{MARKET}",
        "USD/USD",
        "hedge ratio that would have had the least variance",
        lambda ended: ended.once(_realised).betas,
    ),
)
