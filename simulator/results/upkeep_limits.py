"""What refused the vault, each limit of each place alone: columns beside those of the upkeep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.books.limit_kinds import POOL, Limit
from simulator.results.tallies import LIMIT_FIGURES, limit_column

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

#: Limits that can refuse a recentring (in the pool), and a rebalance (in a market).
_IN_POOL = (Limit.SPOT, Limit.SLIPPAGE, Limit.LP_CAP)
_IN_MARKET = (Limit.INVENTORY, Limit.SIDE, Limit.OPEN_INTEREST, Limit.MAKER_RESERVE,
              Limit.SLIPPAGE, Limit.MARGIN)  # fmt: skip


def kinds_at(place: str) -> tuple[Limit, ...]:
    """Limits with figures that can refuse the vault at the pool, or in a market."""
    return _IN_POOL if place == POOL else _IN_MARKET


def limit_columns(protocol: Protocol) -> list[str]:
    """By place and limit: ``pool_spot_refusals``, and ``…_asked`` and ``…_value`` of the furthest.

    Units as :class:`~simulator.books.limit_kinds.Limit` says; NaN where it refused nothing.
    """
    markets = (protocol.assets[m.asset].symbol for m in protocol.clearing.markets)
    return [
        limit_column(place, kind, what)
        for place in (POOL, *markets)
        for kind in kinds_at(place)
        for what in LIMIT_FIGURES
    ]
