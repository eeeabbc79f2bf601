"""What the positions in a market owe up to now, and when that is known (model/known.py)."""

from __future__ import annotations

from typing import NamedTuple

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.perps.maker import accrued, unpaid_at


class Owing(NamedTuple):
    """What every position in a market owes, up to now."""

    funding: float  # its index, USD per unit of size
    unpaid_long: float  # USDC per unit of long size, not yet among the losses
    unpaid_short: float


@inner
def work_out(w: Path, market: int) -> Owing:
    """What positions in a market owe."""
    _, index = accrued(w, market)
    long = unpaid_at(w, market, True, index)
    return Owing(index, long, unpaid_at(w, market, False, index))


@inner
def owing(w: Path, market: int) -> Owing:
    """What positions in a market owe, where it is not known already."""
    known = w.known
    if not known.kept:
        return work_out(w, market)
    row = known.market[market]
    if row.version != known.version:
        _write(w, market, work_out(w, market))
    return Owing(row.funding, row.unpaid_long, row.unpaid_short)


@inner
def _write(w: Path, market: int, found: Owing) -> None:
    row, clearing = w.known.market[market], w.state.clearing
    row.version = w.known.version
    row.funding, row.unpaid_long, row.unpaid_short = found
    row.loss_long, row.loss_short = clearing.loss_long[market], clearing.loss_short[market]


@inner
def forget_trade(w: Path, account: int, market: int) -> None:
    """A trade was done: it changed its account, and others' only by what their positions owe."""
    known, clearing = w.known, w.state.clearing
    row, found = known.market[market], work_out(w, market)
    same = (
        row.version == known.version
        and row.funding == found.funding
        and row.unpaid_long == found.unpaid_long
        and row.unpaid_short == found.unpaid_short
        and row.loss_long == clearing.loss_long[market]
        and row.loss_short == clearing.loss_short[market]
    )
    # The vault's own accounts are known as its subs, too.
    if not same or account <= w.tables.count.markets:
        known.version += 1.0
    known.account[account].version = 0.0
    _write(w, market, found)
