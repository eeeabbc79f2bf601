"""The terms of a price feed that the contracts hold (contracts/SPEC.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.terms import Given, Scale, Term

FEED = "PriceOracle.add_feed"
#: What is particular of a step's round (:func:`simulator.config.rounds.rounds_of`): there is none.
SILENT = -1.0


@dataclass(frozen=True)
class FeedParameters:
    """A price feed: how old a round may be, and when the next is due."""

    max_age: Annotated[
        int,
        Term(
            "contracts refuse a round older than this, minutes",
            unit="seconds", default=150.0, gt=0, le=1e6, scale=Scale.INTEGER, struct=FEED,
            given=Given.MINUTES,
        ),
    ]  # fmt: skip
    deviation: Annotated[
        float,
        Term(
            "a round is posted when the price moved by more, fraction of the last round",
            unit="fraction", default=0.005, ge=0, le=1, struct=FEED,
        ),
    ]  # fmt: skip
