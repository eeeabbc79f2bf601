"""What became of the lending market's borrowers: what was liquidated, who was paid, what is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.books.metric import Ended, Metric
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.aave.borrowers import supplied_by
from simulator.world import actions

if TYPE_CHECKING:
    from simulator.types import Floats

LIQUIDATE_BORROWER = CODE[actions.LiquidateBorrower]

LAYOUT: Layout = each(
    "",
    ("count", "1", "liquidations of borrowers"),
    ("repaid", "USD", "debt that they repaid, at the oracle's prices"),
    ("bonus", "USD", "collateral that liquidators got beyond that"),
    ("fee", "USD", "collateral that went to the treasury"),
    ("before", "raw", "collateral of the borrower as one begins"),
)


@inner
def acting(w: Path) -> None:
    """Remember the collateral that is about to be seized."""
    order = w.order
    if order.kind == LIQUIDATE_BORROWER:
        w.book.lending.before = supplied_by(w, order.borrower, order.seized)


@inner
def acted(w: Path) -> None:
    """Count a liquidation that was done."""
    order, book, table = w.order, w.book.lending, w.tables.lending
    if order.kind != LIQUIDATE_BORROWER or order.status != OK:
        return
    price = w.now.price[table.asset[order.seized]]
    gone = book.before - supplied_by(w, order.borrower, order.seized)
    repaid = order.amount_in * w.now.price[table.asset[order.repaid]]
    # The treasury's part stays supplied: no more than rounding may be missing of it.
    fee = gone / table.unit[order.seized] - order.amount_out
    book.count += 1.0
    book.repaid += repaid
    book.bonus += order.amount_out * price - repaid
    book.fee += max(fee, 0.0) * price


def _bad(ended: Ended) -> Floats:
    """USD owed beyond the collateral when the run is over, over all borrowers."""
    bad: Floats = ended.state.bad_loans.sum(axis=0)
    return bad


METRICS = (
    Metric(
        "borrower_liquidations",
        "number",
        "liquidations of the lending market's borrowers",
        lambda ended: ended.book.lending.count,
        title="Liquidations of borrowers on Aave",
        form=",.1f",
        only_if_any=True,
    ),
    Metric(
        "borrower_repaid",
        "USD",
        "debt that liquidations of borrowers repaid, at the oracle's prices",
        lambda ended: ended.book.lending.repaid,
        title="Debt they repaid",
        only_if_any=True,
    ),
    Metric(
        "borrower_bonus",
        "USD",
        "collateral that liquidators got beyond the debt they repaid, at the oracle's prices",
        lambda ended: ended.book.lending.bonus,
        title="Bonus paid to liquidators",
        only_if_any=True,
    ),
    Metric(
        "borrower_fee",
        "USD",
        "collateral that the treasury kept of liquidations, at the oracle's prices",
        lambda ended: ended.book.lending.fee,
        title="Protocol fee of liquidations",
        only_if_any=True,
    ),
    Metric(
        "bad_loans",
        "USD",
        "what borrowers owe beyond their collateral at the end",
        lambda ended: ended.once(_bad),
        title="Bad debt left on Aave",
        only_if_any=True,
    ),
)
