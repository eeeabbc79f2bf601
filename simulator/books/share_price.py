"""What one vault share is worth in USD.

The price paid by the first depositor stands at the start, entry fee included. A share is worth
nothing when NAV is negative (nobody owes the vault), and keeps its last price once nearly all are
redeemed: fees and what is left of an exit go to those who stay, and would be told as a fortune
where that is a thousandth of what there was. Who comes in after nearly all have left is told as if
they had: the relative price goes on from where it stood, whatever a share costs by then (that of an
emptied vault can cost millions, for it is worth what the last exit fee left to none of them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import WITH_TAILS, Chance, Ended, Metric, ratio
from simulator.books.operations import DEPOSIT
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.vault.at_index import value_at_index
from simulator.model.vault.fees import VIRTUAL_SHARES
from simulator.model.vault.valuation import Valuation, value_now
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE

if TYPE_CHECKING:
    from simulator.types import Floats

LAYOUT: Layout = each(
    "",
    ("first", "USD", "paid by the first depositor, in shares of now; NaN before there is one"),
    ("now", "USD", "at the end of the last step; NaN before there is a share"),
    ("most", "shares", "that there ever were, whole, since nearly all had left"),
    ("anew", "1", "times somebody came in after nearly all had left"),
    ("at_index", "USD", "the same, were the oracle at the index; NaN before there is a share"),
)


#: Part of the most shares there ever were below which those left are a remnant.
REMNANT = 0.01


@inner
def is_remnant(w: Path) -> bool:
    """Whether nearly all shares have been redeemed, or all."""
    return w.state.vault.shares / WHOLE_SHARE <= REMNANT * w.book.share_price.most


@inner
def begins_anew(w: Path) -> bool:
    """Whether the deposit just made ends a remnant, or is nearly all there is after one."""
    new, most = w.order.amount_out, w.book.share_price.most
    others = w.state.vault.shares / WHOLE_SHARE - new
    return others <= REMNANT * most and (others <= REMNANT * new or others + new > REMNANT * most)


@inner
def _each(w: Path, value: float) -> float:
    """USD a whole share has of a value; virtual ones have their part (contracts/SPEC.md §4.3)."""
    return value / ((w.state.vault.shares + VIRTUAL_SHARES) / WHOLE_SHARE)


@inner
def _update(w: Path, nav: float) -> None:
    book = w.book.share_price
    book.most = max(book.most, w.state.vault.shares / WHOLE_SHARE)
    if not is_remnant(w):
        book.now = _each(w, max(nav, 0.0))


@inner
def advanced(w: Path) -> None:
    """Price of shares that exist before anybody acts."""
    if w.now.step == 0.0:
        w.book.share_price.now = w.book.share_price.at_index = np.nan
        w.book.share_price.most = w.book.share_price.anew = 0.0
        _update(w, value_now(w).nav)
        w.book.share_price.first = w.book.share_price.now


@inner
def acted(w: Path) -> None:
    """Note what the first depositor paid, or who is the first of all after the others."""
    order, price = w.order, w.book.share_price
    if order.kind != DEPOSIT or order.status != OK:
        return
    paid = order.amount_in * w.now.price[USDC_ASSET] / order.amount_out
    if np.isnan(price.first):
        price.first = paid
    elif price.now > 0.0 and begins_anew(w):
        price.first *= paid / price.now
        price.now = price.at_index = paid
        price.most = 0.0
        price.anew += 1.0


@inner
def stepped(w: Path, valuation: Valuation) -> None:
    """Price at the end of the step."""
    _update(w, valuation.nav)
    if not is_remnant(w):
        w.book.share_price.at_index = _each(w, value_at_index(w))


@inner
def relative(w: Path) -> float:
    """Price now over the first price; 1 before there is a share."""
    ratio = w.book.share_price.now / w.book.share_price.first
    return 1.0 if np.isnan(ratio) else ratio


def relative_of(ended: Ended) -> Floats:
    """Price of a share over the first price ``[P]``; 1 before there is a share."""
    book = ended.book.share_price
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = book.now / book.first
    return np.where(np.isnan(ratio), 1.0, ratio)


def at_index(ended: Ended) -> Floats:
    """Value of a share at index prices over the first price, less 1 ``[P]``."""
    book = ended.book.share_price
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = book.at_index / book.first
    return np.where(np.isnan(ratio), 1.0, ratio) - 1.0


METRICS = (
    Metric(
        "return",
        "fraction",
        "return of a share since the first deposit, entry fee included",
        lambda ended: ended.once(relative_of) - 1.0,
        title="Return",
        form="+.2%",
        statistics=WITH_TAILS,
        chance=Chance(
            "loss",
            "Lost money",
            "part of the paths on which a share lost money",
            lambda returned: returned < 0.0,
        ),
    ),
    Metric(
        "return_at_index",
        "fraction",
        "the same where a share is worth what the vault holds at index prices, not the oracle's",
        lambda ended: ended.once(at_index),
        title="Return at market prices",
        form="+.2%",
        statistics=WITH_TAILS,
        chance=Chance(
            "loss_at_index",
            "Lost money at market prices",
            "part of the paths on which a share lost money at market prices",
            lambda returned: returned < 0.0,
        ),
    ),
    Metric(
        "shares_left",
        "fraction",
        "shares at the end over the most there were since all had left; below 0.01 `return` is "
        "that of before",
        lambda ended: ratio(ended.state.shares, ended.book.share_price.most),
    ),
    Metric(
        "times_emptied",
        "number",
        "times that nearly all shares were redeemed and others bought later",
        lambda ended: ended.book.share_price.anew,
    ),
    Metric(
        "return_from_fees",
        "fraction",
        "part of the return that entry and exit fees of others gave who stayed",
        lambda ended: ended.once(relative_of) * (1.0 - 1.0 / ended.book.entries.growth),
    ),
)
