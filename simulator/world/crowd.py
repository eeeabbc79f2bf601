"""Crowds as sorted triggers: who is forced to sell or buy at which price, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.protocol.population import BorrowersTerms

if TYPE_CHECKING:
    from simulator.protocol.population import TradersTerms
    from simulator.types import Floats
    from simulator.world.protocol import Crowd

#: Times a borrower's debt is halved before the rest of it is bought at once.
_HALVINGS = 6
#: √5 − 1 over 2: its multiples spread over (0, 1) as evenly as can be, beside even ranks.
_GOLDEN = 0.6180339887498949


class Members(NamedTuple):
    """Forced orders of a crowd ``[N]``, the first to fall first; prices over that of the start."""

    trigger: Floats
    size: Floats  # USD at the price of the start
    bankrupt: Floats  # price beyond which closing it leaves a debt


def members_of(crowd: Crowd) -> Members:
    """The forced orders of a crowd."""
    if isinstance(crowd.terms, BorrowersTerms):
        return borrowers(crowd.terms)
    return traders(crowd.terms, crowd.side)


def traders(terms: TradersTerms, side: int) -> Members:
    """Traders on one side: 1 long, −1 short."""
    size, leverage = even_ranks(
        terms.count, terms.leverage, terms.leverage_spread, terms.size_spread
    )
    margin = 1.0 / np.minimum(leverage, terms.most_leverage)
    # Whoever could not open with so little margin has twice what is needed.
    margin = np.maximum(margin, 2.0 * terms.maintenance_rate)
    bankrupt = 1.0 - side * margin
    trigger = bankrupt / (1.0 - side * terms.maintenance_rate)
    return _in_order(trigger, size * terms.open_interest, bankrupt, side)


def borrowers(terms: BorrowersTerms) -> Members:
    """Borrowers of dollars, each as often as part of its debt is bought."""
    size, above = even_ranks(terms.count, terms.health, terms.health_spread, terms.size_spread)
    # Per dollar of collateral at the start: what is owed, and what backs it.
    owed, backs = terms.threshold / (1.0 + above), np.ones(len(size))
    rows = []
    for stage in range(_HALVINGS):
        trigger = owed / (backs * terms.threshold)
        bankrupt = owed / backs
        repaid = owed if stage == _HALVINGS - 1 else 0.5 * owed
        sold = np.minimum(repaid * (1.0 + terms.bonus) / trigger, backs)
        rows.append((trigger, sold * size * terms.collateral, bankrupt))
        owed, backs = owed - repaid, np.maximum(backs - sold, 1e-300)
    trigger, sold, bankrupt = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _in_order(trigger, sold, bankrupt, 1)


def even_ranks(
    count: int, median: float, spread: float, size_spread: float
) -> tuple[Floats, Floats]:
    """Parts of the whole that members have, and a log-normal figure of each, independent of it.

    No number is drawn: the figures are those of even ranks, sizes those of ranks that the golden
    ratio spreads over them, so that a crowd of a thousand is not one draw of many.
    """
    from scipy.special import ndtri

    rank = np.arange(count)
    figure = median * np.exp(spread * ndtri((rank + 0.5) / count))
    even = (0.5 + rank * _GOLDEN) % 1.0
    size = np.exp(size_spread * ndtri(np.clip(even, 1e-9, 1.0 - 1e-9)))
    return size / size.sum(), figure


def _in_order(trigger: Floats, size: Floats, bankrupt: Floats, side: int) -> Members:
    order = np.argsort(-side * trigger, kind="stable")
    return Members(trigger[order], size[order], bankrupt[order])
