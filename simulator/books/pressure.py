"""What moved the LP asset's index: news, the forced orders of each party, all other flow.

The log price is off its drawn path by a function of one net volume, a sum of everybody's
(:mod:`simulator.model.outside`); here it is kept apart by whose it is, each part lasting and
decaying as the whole does. A part's effect is its share of the volume (Aumann and Shapley 1974,
*Values of Non-Atomic Games*), so news, parties and other flow sum to the move of the log price.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import PARTY, Ended, Metric
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.venues.perps.portfolio import BASE_ASSET
from simulator.protocol.impact import PERCENT, felt_by_each

if TYPE_CHECKING:
    from simulator.types import Floats

_by_each = inner(felt_by_each)

LAYOUT: Layout = (
    *each(
        "",
        ("clock", "seconds", "since the start, at the last step"),
        ("depth", "1", "factor on the depth at that step"),
        ("held", "tokens", "of the LP asset by those who trade outside, at that step"),
        ("lasting", "depths", "net volume bought by nobody's force, that is never forgotten"),
        ("passing", "depths", "and as it is left of the rest"),
        ("first", "USD", "index at the start"),
        ("least", "USD", "since"),
        ("low_news", "log", "move of the drawn price by then"),
        ("low_other", "log", "by flow that nobody was forced to"),
        ("other", "log", "the same now"),
        ("forced", "log", "by all parties, now"),
    ),
    *each(
        "parties",
        ("closed", "USD at the start's price", "of a crowd, counted so far"),
        ("lasts", "depths", "net volume it was forced to, that is never forgotten"),
        ("passes", "depths", "and as it is left of the rest"),
        ("low", "log", "move of the index by it when that was lowest"),
    ),
)


@inner
def advanced(w: Path) -> None:
    """Follow the parts as the market followed the whole, in its order; then the index's low."""
    book, outside, now = w.book.pressure, w.outside, w.now
    if w.tables.count.parties == 0:
        return
    if now.step == 0.0:
        _begin(w)
    elif w.tables.outside.depth[BASE_ASSET] > 0.0:
        _pass_on(w)
    _crowds(w, 0)
    _look(w)
    _crowds(w, 1)  # sold once the round is there, which the index shows at the next step
    book.clock, book.depth = now.clock, now.outside_depth
    book.held = outside.held[BASE_ASSET]
    for party in range(w.tables.count.parties):
        for asset in range(w.tables.count.assets):
            outside.due[party, asset] = 0.0


@inner
def _begin(w: Path) -> None:
    book = w.book.pressure
    book.first = book.least = w.now.index[BASE_ASSET]
    book.lasting = book.passing = book.low_news = book.low_other = 0.0
    for party in range(w.tables.count.parties):
        book.closed[party] = book.lasts[party] = book.passes[party] = book.low[party] = 0.0


@inner
def _pass_on(w: Path) -> None:
    """What holdings changed by in the last step: as far as it is due to parties, theirs."""
    book, outside, table = w.book.pressure, w.outside, w.tables.outside
    memory = 0.5 ** ((w.now.clock - book.clock) / table.half_life)
    book.passing *= memory
    other = book.held - outside.held[BASE_ASSET]
    for party in range(w.tables.count.parties):
        book.passes[party] *= memory
        other -= outside.due[party, BASE_ASSET]
        _take(w, party, outside.due[party, BASE_ASSET] / book.depth)
    volume = other / book.depth / table.depth[BASE_ASSET]
    book.lasting += table.lasting * volume
    book.passing += (1.0 - table.lasting) * volume


@inner
def _crowds(w: Path, at_oracle: int) -> None:
    """What crowds were forced to since the last step, of the LP asset."""
    book, table = w.book.pressure, w.tables.outside
    for crowd in range(w.tables.count.crowds):
        if table.crowd_asset[crowd] == BASE_ASSET and table.crowd_at_oracle[crowd] == at_oracle:
            party = w.tables.forced.of_crowd[crowd]
            more = w.outside.closed[crowd] - book.closed[party]
            book.closed[party] = w.outside.closed[crowd]
            tokens = table.crowd_side[crowd] * more / table.crowd_price[crowd]
            _take(w, party, -tokens / w.now.outside_depth)


@inner
def _take(w: Path, party: int, tokens: float) -> None:
    """A party is forced to buy so many (< 0: to sell), at a depth of one."""
    book, table = w.book.pressure, w.tables.outside
    if table.feedback and table.depth[BASE_ASSET] > 0.0:
        volume = tokens / table.depth[BASE_ASSET]
        book.lasts[party] += table.lasting * volume
        book.passes[party] += (1.0 - table.lasting) * volume


@inner
def _look(w: Path) -> None:
    """What moves the index now; where it is lower than ever, that is kept."""
    book, index = w.book.pressure, w.now.index[BASE_ASSET]
    volume = own = book.lasting + book.passing
    for party in range(w.tables.count.parties):
        volume += book.lasts[party] + book.passes[party]
    each_ = 0.0
    if w.tables.outside.on:
        each_ = PERCENT * _by_each(w.tables.outside.exponent, volume)
    book.other, book.forced = each_ * own, each_ * (volume - own)
    if not index < book.least:
        return
    book.least = index
    factor = 1.0
    if w.tables.outside.on:
        factor = w.outside.factor[BASE_ASSET]
    book.low_news, book.low_other = log(index / factor / book.first), book.other
    for party in range(w.tables.count.parties):
        book.low[party] = each_ * (book.lasts[party] + book.passes[party])


def _scale(ended: Ended) -> Floats:
    """What the index fell by over what its log price did, which tends to 1 for a small fall."""
    book = ended.book.pressure
    ratio = np.divide(book.least, book.first, out=np.ones_like(book.first), where=book.first > 0.0)
    fell = np.log(ratio)
    return np.divide(np.expm1(fell), fell, out=np.ones_like(fell), where=fell != 0.0)


METRICS = (
    Metric(
        f"low_{PARTY}",
        "fraction",
        "part of `index_low` that is its forced orders (> 0: they held the index up)",
        lambda ended: ended.book.pressure.low * ended.once(_scale),
        form="+.2%",
    ),
    Metric(
        "low_news",
        "fraction",
        "part of `index_low` that was drawn: with `low_other` and what each party was forced to it "
        "sums to it; NaN where nobody is there to be leveraged",
        lambda ended: _known(ended, ended.book.pressure.low_news * ended.once(_scale)),
        title="Index at its lowest, news alone",
        form="+.1%",
    ),
    Metric(
        "low_other",
        "fraction",
        "part of `index_low` that is flow nobody was forced to",
        lambda ended: _known(ended, ended.book.pressure.low_other * ended.once(_scale)),
        title="Index at its lowest, flow by nobody's force",
        form="+.1%",
    ),
    Metric(
        "low_forced",
        "fraction",
        "part of `index_low` that is forced orders, of all parties",
        lambda ended: _known(
            ended, ended.book.pressure.low.sum(axis=0) * ended.once(_scale)
        ),
        title="Index at its lowest, forced orders",
        form="+.1%",
    ),
)  # fmt: skip


def _known(ended: Ended, values: Floats) -> Floats:
    """NaN where there are no parties, beside whom nothing is kept apart."""
    return values if len(ended.book.pressure.low) else np.full_like(values, np.nan)
