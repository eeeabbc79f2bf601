"""Sums over a path that :mod:`simulator.results.upkeep` keeps, and the columns they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.results.limits import Limit
from simulator.types import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from simulator.results.limits import Bound
    from simulator.types import Booleans, Codes, Floats


class Task:
    """One keeper function: how often it was done and left undone, and its longest spell undone."""

    def __init__(self, paths: int) -> None:
        self.undone, self.unpaid = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
        self.status = np.zeros(paths, np.int8)  # of the last call in this step; 0: nobody called
        self.busy = False  # whether anything but zero stands in status, refused or spell
        self.spell, self.longest = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
        self.since = np.zeros(paths, np.int64)  # the step the longest spell began
        # What refused it last in this spell, and in the longest.
        self.refused, self.why = np.zeros(paths, np.int8), np.zeros(paths, np.int8)

    def note(self, status: Codes) -> None:
        """Note what came of a call, ``[paths]``; the last of a step counts."""
        tried = status != Status.NONE
        self.status[tried] = status[tried]
        self.busy = True

    def add(self, step: int, undone: Booleans, unpaid: Booleans) -> None:
        """End a step: where it is due still, and of that where no reward pays for it."""
        any_undone = bool(undone.any())
        if not (any_undone or self.busy):
            return
        self.undone += undone
        self.unpaid += unpaid
        self.refused[self.spell == 0] = Status.NONE
        # Not called on this step: what refused it before still stands.
        np.copyto(self.refused, self.status, where=self.status > Status.OK)
        self.spell = np.where(undone, self.spell + 1, 0)
        longer = self.spell > self.longest
        self.longest[longer] = self.spell[longer]
        self.since[longer] = step + 1 - self.spell[longer]
        self.why[longer] = self.refused[longer]
        self.status[:] = Status.NONE
        if not any_undone:
            self.refused[:] = Status.NONE
        self.busy = any_undone

    def columns(self, name: str, hours: float) -> dict[str, NDArray[Any]]:
        """Its columns, which begin with ``name``; ``hours``: length of a step."""
        return {
            f"{name}_undone": self.undone,
            f"{name}_unpaid": self.unpaid,
            f"{name}_undone_hours": self.longest * hours,
            f"{name}_undone_from": np.where(self.longest > 0, self.since * hours, np.nan),
            f"{name}_undone_as": self.why,
        }


class Short:
    """What keepers would have had to be paid where the reward was no more than their gas."""

    def __init__(self, paths: int) -> None:
        self.times, self.most = np.zeros(paths, np.int64), np.zeros(paths)
        self.needed, self.share = np.zeros(paths), np.zeros(paths)

    def add(self, unpaid: Booleans, needed: Floats, value: Floats) -> None:
        """Where nobody is paid enough: USD that a call needs, and USD that it protects."""
        self.times += unpaid
        self.needed += np.where(unpaid, needed, 0.0)
        np.maximum(self.most, np.where(unpaid, needed, 0.0), out=self.most)
        self.share += np.divide(needed, value, out=np.zeros_like(needed), where=unpaid)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Means over the steps that were not paid, and the most."""
        return {
            "reward_needed": part(self.needed, self.times),
            "reward_needed_most": np.where(self.times > 0, self.most, np.nan),
            "reward_share_needed": part(self.share, self.times),
        }


class Limited:
    """Refusals for each limit of one market, or of the pool, ``[limits, paths]``.

    ``asked``, ``value``: what was asked of the limit and what it allows, where it was exceeded the
    most. Each apart: what is far beyond one limit says nothing of one that refused more often.
    """

    def __init__(self, paths: int) -> None:
        shape = (len(Limit), paths)
        self.times = np.zeros(shape, np.int64)
        self.asked, self.value = np.full(shape, np.nan), np.full(shape, np.nan)

    def note(self, refused: Booleans, bound: Bound) -> None:
        """Note refusals with their limits; what no limit refused does not count."""
        paths = np.flatnonzero(refused & (bound.kind != Limit.OTHER))
        kind, asked, value = bound.kind[paths], bound.asked[paths], bound.value[paths]
        self.times[kind, paths] += 1  # one limit on each path, so no cell twice
        with np.errstate(divide="ignore", invalid="ignore"):
            most = self.asked[kind, paths] / self.value[kind, paths]
            before = np.nan_to_num(most, nan=-1.0, posinf=np.inf)
            now = np.nan_to_num(asked / value, nan=0.0, posinf=np.inf)
        worse = now > before
        self.asked[kind[worse], paths[worse]] = asked[worse]
        self.value[kind[worse], paths[worse]] = value[worse]

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
