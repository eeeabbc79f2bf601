"""Groups of words of every path as arrays, read again only where they can have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.types import Floats
    from simulator.world.actions import Action
    from simulator.world.chain.layout import Layout
    from simulator.world.chain.touched import Touched


class Source(ABC):
    """Reads groups of one path's state as exact integers."""

    @abstractmethod
    def read(self, group: str) -> list[int]:
        """The words of a group now, in the layout's order; the caller leaves them as they are."""

    @abstractmethod
    def touched(self, action: Action) -> Touched:
        """What an action that went through may have changed: the same on every path."""

    @abstractmethod
    def moved(self, *, depth: bool, scale: bool) -> Touched:
        """What time may have changed, and a new ``depth`` of the pool or skew ``scale`` beside."""

    @abstractmethod
    def changed(self, touched: Touched) -> None:
        """Words that must be read again before they are shown."""


class Readings:
    """The sources of all paths, group by group, in whole units with the paths last.

    An array is replaced when a word of it changes and never written to, so that what was shown
    stays what it was, and that two looks gave the same array says that nothing has changed.
    """

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        self._layout = layout
        self._sources = sources
        self._words: dict[str, Floats] = {}  # [words, paths]
        self._groups: dict[str, Floats] = {}  # the same with the axes of the layout
        self._stale: dict[str, set[int]] = {}  # paths to be read again
        self._parts: dict[str, dict[str, Floats]] = {}

    def changed(self, paths: Iterable[int], touched: Touched) -> None:
        """Words of some paths must be read again."""
        for name, _ in touched:
            if name in self._groups:
                self._stale.setdefault(name, set()).update(paths)

    def group(self, name: str) -> Floats:
        """A group's values now."""
        stale = self._stale.pop(name, None)
        if stale is None:
            found = self._groups.get(name)
            if found is not None:
                return found
            words = self._read(name, range(len(self._sources)))
        else:
            words = self._words[name]
            paths = sorted(stale)
            fresh = self._read(name, paths)
            if np.array_equal(words[:, paths], fresh):
                return self._groups[name]
            if len(paths) == len(self._sources):
                words = fresh
            else:
                words = words.copy()
                words[:, paths] = fresh
        self._words[name] = words
        self._parts[name] = {}
        # The last axis is given: of a basket of USDC alone there is nothing to tell it from.
        *axes, _ = self._layout.shapes.get(name, (len(words), -1))
        shaped = self._groups[name] = words.reshape(*axes, words.shape[1])
        return shaped

    def part(self, name: str, field: str, take: Callable[[Floats], Floats]) -> Floats:
        """What ``take`` makes of a group's values; once for a field, while they stay the same."""
        values = self.group(name)
        parts = self._parts[name]
        found = parts.get(field)
        if found is None:
            found = parts[field] = take(values)
        return found

    def _read(self, name: str, paths: Sequence[int]) -> Floats:
        sources = self._sources
        raw = np.array([sources[path].read(name) for path in paths], np.float64).T
        values: Floats = raw / self._layout.units[name]
        return values
