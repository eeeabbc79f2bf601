"""What those who come to the vault and leave it give to those who stay.

Entry and exit fees stay in the vault (contracts/SPEC.md §4.3). They are no profit of the vault,
where they count as part of the flows, but they are part of what a share returns. A deposit D at fee
e leaves e·D to the others; who leaves gives up the part p of the vault and gets the part g < p. The
worth of a remaining share is multiplied by::

    deposit   (1 + m/(1 − e)) / (1 + m),   m the new shares over the others
    exit      (1 − g) / (1 − p)

The fee of an exit pays first for what raising its money costs, which is in the trading cost.
"""

from __future__ import annotations

from simulator.books.metric import Metric
from simulator.books.operations import DEPOSIT, REDEEM, REDEEM_IN_KIND, SETTLE_WITHDRAWALS
from simulator.books.share_price import begins_anew, is_remnant
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.vault.valuation import value_now
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE

LAYOUT: Layout = each(
    "",
    ("usd", "USD", "cumulative: worth of what was brought or given up, less what was got"),
    ("growth", "1", "what fees have multiplied the worth of a share by"),
    ("nav", "USD", "before an exit that is paid by it"),
)

#: Exits of which NAV tells what the leaver got; a redemption pays all but the fee, or is refused.
_BY_NAV = (REDEEM_IN_KIND, SETTLE_WITHDRAWALS)


@inner
def advanced(w: Path) -> None:
    """Nothing has been kept yet."""
    if w.now.step == 0.0:
        w.book.entries.growth = 1.0


@inner
def acting(w: Path) -> None:
    """Note NAV before an exit that is paid by it."""
    if w.order.kind in _BY_NAV:
        w.book.entries.nav = max(value_now(w).nav, 0.0)


@inner
def acted(w: Path) -> None:
    """Count what stays behind."""
    kind = w.order.kind
    if w.order.status != OK or is_remnant(w):
        return
    if kind == DEPOSIT:
        _came(w)
    elif kind == REDEEM:
        _redeemed(w)
    elif kind in _BY_NAV:
        _left(w)


@inner
def _came(w: Path) -> None:
    """A deposit: the others keep its fee."""
    kept, order, fee = w.book.entries, w.order, w.tables.vault.entry_fee
    new = order.amount_out
    others = w.state.vault.shares / WHOLE_SHARE - new
    if others > 0.0 and not begins_anew(w):
        part = new / others
        kept.usd += fee * (order.amount_in * w.now.price[USDC_ASSET])
        kept.growth *= (1.0 + part / (1.0 - fee)) / (1.0 + part)


@inner
def _redeemed(w: Path) -> None:
    """A redemption: those who stay keep its fee."""
    kept, order, fee = w.book.entries, w.order, w.tables.vault.exit_fee
    shares, burnt = w.state.vault.shares / WHOLE_SHARE, order.amount_in
    if shares > 0.0:
        part = burnt / (shares + burnt)
        kept.usd += order.amount_out * w.now.price[USDC_ASSET] * fee / (1.0 - fee)
        kept.growth *= (1.0 - part * (1.0 - fee)) / (1.0 - part)


@inner
def _left(w: Path) -> None:
    """An exit in kind, or through the queue: what was given up beside what was got."""
    kept, order = w.book.entries, w.order
    shares = w.state.vault.shares / WHOLE_SHARE
    if shares <= 0.0 or kept.nav <= 0.0:
        return
    given = order.amount_in / (shares + order.amount_in)
    got = order.amount_out
    if order.kind == SETTLE_WITHDRAWALS:
        got = got * w.now.price[USDC_ASSET] / kept.nav
    kept.usd += (given - got) * kept.nav
    kept.growth *= (1.0 - got) / (1.0 - given)


METRICS = (
    Metric(
        "fees_kept",
        "USD",
        "entry and exit fees that stayed in the vault; no part of pnl",
        lambda ended: ended.book.entries.usd,
        title="Entry and exit fees kept",
        form="+,.0f",
        only_if_any=True,
    ),
)
