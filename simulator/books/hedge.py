"""What the hedge did: the ratios posted, and how much of the position's variance it removed."""

from __future__ import annotations

from simulator.results.buckets import BUCKETS, HEDGE_LEG, LP_LEG
from simulator.world.model.jit import inner
from simulator.world.model.record import Layout, Path, each

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
