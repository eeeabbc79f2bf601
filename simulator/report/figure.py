"""What a page tells of each alternative of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Alternative = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One figure of every alternative.

    Attributes:
        gate: its name in a requirement; "": none, it compares two runs.
        title, short: on the page, in a terminal of 80 columns.
        meaning: what the text says.
        text: as people read it.
        value: what a map of two fields shows; None: it is not shown there.
        better: 1 where more is better, −1 where less is.
    """

    gate: str
    title: str
    short: str
    meaning: str
    text: Callable[[Alternative], str]
    value: Callable[[Alternative], float | None] | None = None
    better: int = 1

    def brief(self, found: Alternative) -> str:
        """Its text where there is little room: no interval but that of a difference."""
        text = self.text(found)
        return text if not self.gate else text.partition(" (")[0].partition(";")[0]
