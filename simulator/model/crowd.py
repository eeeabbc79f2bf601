"""Leveraged positions elsewhere: whose triggers the price has crossed, and what that sells.

The members of a crowd stand sorted by trigger (:mod:`simulator.world.crowd`), the same on every
path, and a path remembers how many of each are gone: only those whose trigger is crossed are
touched, however many there are. Nobody comes back.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner, record_at
from simulator.model.kernel.record import Path

#: A forced order: USD per token of its trigger, base units, and the price beyond which it leaves a
#: debt.
MEMBER = np.dtype([(name, "f8") for name in ("trigger", "amount", "bankrupt")])
_member_at, _MEMBER_SIZE = record_at(MEMBER), MEMBER.itemsize


@inner
def begin(w: Path, asset: int) -> None:
    """Before the first step nobody has been liquidated."""
    for crowd in range(w.tables.count.crowds):
        if w.tables.outside.crowd_asset[crowd] == asset:
            w.outside.gone[crowd] = w.outside.closed[crowd] = 0.0
            w.outside.sold[crowd] = w.outside.deficit[crowd] = 0.0


@inner
def crossed(w: Path, asset: int, price: float, at_oracle: int) -> float:
    """Tokens that an asset's crowds are forced to sell (< 0: to buy) at a price, which they do.

    ``at_oracle``: 1 of those that the oracle's price decides, 0 of the others.
    """
    table, outside = w.tables.outside, w.outside
    flow = 0.0
    for crowd in range(w.tables.count.crowds):
        if table.crowd_asset[crowd] != asset or table.crowd_at_oracle[crowd] != at_oracle:
            continue
        side, place = table.crowd_side[crowd], int(outside.gone[crowd])
        sold, owed = 0.0, 0.0
        while place < table.crowd_count[crowd]:
            member = _member_at(table.crowd_members[crowd] + place * _MEMBER_SIZE)
            if (member.trigger - price) * side < 0.0:
                break
            sold += member.amount
            owed += member.amount * max((member.bankrupt - price) * side, 0.0)
            place += 1
        outside.gone[crowd] = place
        outside.closed[crowd] += sold * table.crowd_price[crowd]
        outside.sold[crowd] += sold * price
        outside.deficit[crowd] += owed
        flow += side * sold
    return flow
