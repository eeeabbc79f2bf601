"""Refusals by limit, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.limit_kinds import Limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from simulator.types import Floats


@dataclass(eq=False)
class Limited:
    """Refusals for each limit of one market, or of the pool, ``[limits, paths]`` each.

    ``asked``, ``value``: what was asked of the limit and what it allows, where it was exceeded the
    most. Each apart: what is far beyond one limit says nothing of one that refused more often.
    """

    times: NDArray[np.int64]
    asked: Floats
    value: Floats

    def columns(self, place: str) -> dict[str, NDArray[Any]]:
        """Of all its limits together, and of the one that refused most often."""
        kind = np.where(self.times.any(axis=0), self.times.argmax(axis=0), Limit.NONE)
        paths = np.arange(kind.size)
        return {
            f"{place}_limit": kind.astype(np.int8),
            f"{place}_limit_refusals": self.times.sum(axis=0),
            f"{place}_limit_asked": self.asked[kind, paths],
            f"{place}_limit_value": self.value[kind, paths],
        }

    def by_limit(self, place: str, kinds: Iterable[Limit]) -> dict[str, NDArray[Any]]:
        """Of each of ``kinds`` alone."""
        return {
            limit_column(place, kind, what): figures[kind]
            for kind in kinds
            for what, figures in zip(
                LIMIT_FIGURES, (self.times, self.asked, self.value), strict=True
            )
        }


#: What is known of a limit at a place, by the endings of its columns.
LIMIT_EXTREMES = ("asked", "value")
LIMIT_FIGURES = ("refusals", *LIMIT_EXTREMES)


def limit_column(place: str, kind: Limit, what: str) -> str:
    """Column of one of :data:`LIMIT_FIGURES` of a limit: ``pool_spot_asked``."""
    return f"{place}_{kind.name.lower()}_{what}"


def part(amount: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """``amount / whole``; NaN where there is nothing to divide by."""
    out = np.full(amount.shape, np.nan)
    return np.divide(amount, whole, out=out, where=whole > 0)
