"""Groups of words of every path as arrays, read again only where they can have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.touched import Touched
    from simulator.types import Floats
    from simulator.world.actions import Action


class Source(ABC):
    """Reads groups of one path's state as exact integers."""

    @abstractmethod
    def read(self, group: str) -> list[int]:
        """The words of a group now, in the layout's order; the list is never written to."""

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
        self._lists: dict[str, list[list[int]]] = {}  # as the sources gave them
        self._groups: dict[str, Floats] = {}  # [words, paths]
        self._parts: dict[str, dict[str, Floats]] = {}
        self._stale: dict[str, set[int]] = {}  # paths to be read again

    def changed(self, paths: Iterable[int], touched: Touched) -> None:
        """Words of some paths must be read again."""
        for name, _ in touched:
            if name in self._groups:
                self._stale.setdefault(name, set()).update(paths)

    def group(self, name: str) -> Floats:
        """A group's values now, ``[words, paths]``."""
        stale = self._stale.pop(name, None)
        if stale is not None:
            self._read_again(name, stale)
        elif name not in self._groups:
            lists = self._lists[name] = [source.read(name) for source in self._sources]
            self._show(name, self._whole(name, lists))
        return self._groups[name]

    def part(self, name: str, field: str, take: Callable[[Floats], Floats]) -> Floats:
        """What ``take`` makes of a group's values; once for a field, while they stay the same."""
        values = self.group(name)
        parts = self._parts[name]
        found = parts.get(field)
        if found is None:
            found = parts[field] = take(values)
            found.flags.writeable = False
        return found

    def _read_again(self, name: str, stale: Iterable[int]) -> None:
        lists, others = self._lists[name], []
        for path in stale:
            words = self._sources[path].read(name)
            if words is not lists[path]:
                lists[path] = words
                others.append(path)
        if len(others) == len(lists):
            self._show(name, self._whole(name, lists))
        elif others:
            values = self._groups[name].copy()
            values[:, others] = self._whole(name, [lists[path] for path in others])
            self._show(name, values)

    def _whole(self, name: str, lists: list[list[int]]) -> Floats:
        """Words of some paths, whole units."""
        values: Floats = np.array(lists, np.float64).T / self._layout.units[name]
        return values

    def _show(self, name: str, values: Floats) -> None:
        self._groups[name], self._parts[name] = values, {}
