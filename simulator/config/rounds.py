"""What happens to the rounds of price feeds: reporters silent or wrong, as shocks say."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.faults import VenueOutage
from simulator.config.shocks import OracleFreeze, OracleOutlier
from simulator.protocol.oracle import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from simulator.config.market import Feed, Oracle
    from simulator.config.shocks import AnyShock
    from simulator.types import Floats

    class Feeds(Protocol):
        """A configuration, or its market settings."""

        @property
        def steps(self) -> int:
            """Number of steps T."""

        @property
        def step_minutes(self) -> int:
            """Length of a step, minutes."""

        @property
        def shocks(self) -> tuple[AnyShock, ...]:
            """Of which some concern reporters."""

        @property
        def oracle(self) -> Oracle:
            """The feeds."""

        def feed(self, symbol: str) -> Feed:
            """That of an asset."""


def rounds_of(settings: Feeds, symbols: Sequence[str]) -> Floats:
    """What is particular of each step's rounds, ``[A, T + 1]`` in the order of ``symbols``.

    0: nothing; :data:`~simulator.protocol.oracle.SILENT`: none is posted; above 0: one is posted
    whatever else is true, at that multiple of the price.
    """
    hours = np.arange(settings.steps + 1) * (settings.step_minutes / 60)
    found = np.zeros((len(symbols), len(hours)))
    for row, symbol in enumerate(symbols):
        for shock in settings.shocks:
            if isinstance(shock, OracleFreeze) and symbol in shock.assets:
                if stops_the_rounds(settings.oracle, shock.reporters):
                    calm = found[row] == 0.0
                    found[row, calm & shock.active(hours)] = SILENT
            elif isinstance(shock, OracleOutlier) and symbol == shock.asset:
                moment = ceil(shock.at_hours * 60 / settings.step_minutes - 1e-9)
                feed = settings.feed(symbol)
                if splits_the_reporters(settings.oracle, feed, shock.factor, shock.reporters):
                    if found[row, moment] == 0.0:
                        found[row, moment] = SILENT
                elif shifted := median_outlier(settings.oracle, shock.factor, shock.reporters):
                    found[row, moment] = shifted
    for shock in settings.shocks:  # last: rounds are transactions like others, outliers too
        if isinstance(shock, VenueOutage) and shock.venue == "chain":
            found[:, shock.active(hours)] = SILENT
    return found


def stops_the_rounds(oracle: Oracle, silent: int | None) -> bool:
    """Whether the reporters still speaking miss the quorum (contracts/SPEC.md §2)."""
    return silent is None or oracle.reporters - silent < oracle.needed


def splits_the_reporters(oracle: Oracle, feed: Feed, factor: float, wrong: int | None) -> bool:
    """Whether half of the reporters are wrong by more than the feed's deviation: no round then."""
    half = wrong is not None and 2 * wrong == oracle.reporters
    return half and abs(factor - 1.0) > feed.deviation * 0.5 * (1.0 + factor)


def median_outlier(oracle: Oracle, factor: float, wrong: int | None) -> float:
    """Median over the true price when ``wrong`` reporters report ``factor`` times it; 0: unmoved.

    A minority changes nothing; half of an even number moves it half way where there is a round, the
    others reporting at that moment too (contracts/SPEC.md §2).
    """
    if wrong is None or 2 * wrong > oracle.reporters:
        return factor
    return 0.5 * (1.0 + factor) if 2 * wrong == oracle.reporters else 0.0
