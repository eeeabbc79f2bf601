"""Where the arguments of operations come from: a seeded generator, or Hypothesis."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Draw(ABC):
    """Choices; only :meth:`integer` differs by source."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """Between the two, both included."""

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.integer(1, 100) <= percent

    def amount(self, most: int) -> int:
        """Of any size up to ``most``: often all, often dust, often round."""
        if most <= 1:
            return max(most, 0)
        kind = self.integer(0, 9)
        if kind == 0:
            return most
        if kind == 1:
            return self.integer(1, min(most, 3))
        if kind <= 4:
            return self.integer(1, most)
        return max(self.integer(1, most) // 10 ** self.integer(0, 4), 1)


class RandomDraw(Draw):
    def __init__(self, generator: random.Random) -> None:
        self.generator = generator

    def integer(self, low: int, high: int) -> int:
        return self.generator.randint(low, max(low, high))


class HypothesisDraw(Draw):
    """``data``: of ``st.data()``."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def integer(self, low: int, high: int) -> int:
        from hypothesis import strategies as st

        return int(self.data.draw(st.integers(low, max(low, high))))
