"""A metric of a path: all that is said of it, declared once, in the book that counts it.

A book's module lists its metrics in ``METRICS``: what the columns are called, their unit and
meaning, how they follow from the book when the run is over, which statistics describe them over
paths, and how a table shows them. Frames, their documentation, requirements, summaries and tables
are derived (:mod:`simulator.results.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from simulator.protocol.statuses import REFUSALS
from simulator.world.parties import parties

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.model.kernel.record import View
    from simulator.types import Booleans, Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol

T = TypeVar("T")
#: Statistics over paths, the default first.
DESCRIBED = ("mean", "std", "min", "p5", "median", "p95", "max")
#: Value at risk and expected shortfall of a return, by the tail they look at.
TAILS = {"var95": 0.05, "var99": 0.01}
WITH_TAILS = (*DESCRIBED, *TAILS, *(name.replace("var", "es") for name in TAILS))
#: Patterns in names: a column for each perp market, each refusal, each who can be forced to sell,
#: each agent that may provide liquidity.
MARKET, STATUS, PARTY, PROVIDER = "<market>", "<status>", "<party>", "<provider>"
#: What STATUS stands for, in the order of the codes.
REFUSED = [status.label for status in REFUSALS]


@dataclass(frozen=True, eq=False)
class Ended:
    """A chunk of P paths when it is over, as metrics read it."""

    book: View  # each field [..., P]
    state: Observation
    market: MarketPaths
    protocol: Protocol
    weights: Floats | float  # likelihood ratios of importance sampling
    counted: Mapping[str, Floats] = field(default_factory=dict)  # by agents of one's own, by column
    _found: dict[Any, Any] = field(default_factory=dict)

    def once(self, compute: Callable[[Ended], T]) -> T:
        """What a function of it gives, computed once for all metrics that need it."""
        if compute not in self._found:
            self._found[compute] = compute(self)
        found: T = self._found[compute]
        return found


@dataclass(frozen=True)
class Chance:
    """The share of paths on which something happened, told by the values of a metric.

    Attributes:
        name: a requirement calls it ``<name>_probability``.
        title: what tables call it.
        meaning: one line.
        happened: on which paths it did, of the metric's values ``[P]``.
    """

    name: str
    title: str
    meaning: str
    happened: Callable[[Any], Booleans]


@dataclass(frozen=True)
class Metric:
    """One column of the per-path frame, or, with a pattern in its name, one for each value of it.

    Attributes:
        name: of the column; may hold :data:`MARKET`, :data:`STATUS`, :data:`PARTY` or
            :data:`PROVIDER`.
        unit: of its values.
        meaning: one line.
        of: its values ``[P]``; with a pattern ``[values of it, P]``.
        title: what tables call it, without the unit of money; "": its name.
        form: how tables write its figures, a format specification of Python's.
        statistics: over paths; (): a number or code that no statistic describes.
        chance: what is counted on how many paths it happened.
        only_if_any: whether tables leave it out where nothing came of it.
    """

    name: str
    unit: str
    meaning: str
    of: Callable[[Ended], Any]
    title: str = ""
    form: str = ",.4g"
    statistics: tuple[str, ...] = DESCRIBED
    chance: Chance | None = None
    only_if_any: bool = False

    @property
    def pattern(self) -> str:
        """The pattern in its name; "": there is none."""
        return next((one for one in (MARKET, STATUS, PARTY, PROVIDER) if one in self.name), "")

    @property
    def heading(self) -> str:
        """Its title, money with its unit."""
        money = f", {self.unit}" if self.unit in {"USD", "USDC"} else ""
        return f"{self.title or self.name}{money}"


def ratio(above: Floats, below: Floats) -> Floats:
    """``above`` over ``below`` ``[P]``; NaN where that is not above zero."""
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0.0)


def values_of(pattern: str, protocol: Protocol) -> list[str]:
    """What a pattern stands for, in order."""
    if pattern == MARKET:
        return [protocol.assets[m.asset].symbol for m in protocol.clearing.markets]
    if pattern == PARTY:
        return [party.name for party in parties(protocol)]
    if pattern == PROVIDER:
        return [protocol.agents[agent].name for agent in protocol.providers]
    return REFUSED


def column_of(name: str, columns: Callable[[Ended], Mapping[str, Any]]) -> Callable[[Ended], Any]:
    """A column, or all of one pattern, where several are found together."""

    def of(ended: Ended) -> Any:
        found = ended.once(columns)
        for pattern in (MARKET, STATUS, PARTY, PROVIDER):
            if pattern in name:
                values = values_of(pattern, ended.protocol)
                return np.array([found[name.replace(pattern, one)] for one in values])
        return found[name]

    return of
