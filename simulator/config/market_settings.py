"""The part of a configuration that the market paths are drawn from, and nothing else of it.

Agents, venues, vault and the number of paths are not in it: varying them changes no draw, so that
what they come to is compared on the same paths.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from simulator.config.history import History
from simulator.config.market import Asset, Feed, staked_of
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simulator.config.flow import Flow
    from simulator.config.market import CommonJumps, Correlation, Depth, Gas, Oracle
    from simulator.config.process import AnyProcess
    from simulator.config.sampling import Sampling
    from simulator.config.shocks import AnyShock
    from simulator.config.staked import Staked

#: Of those sections, what is not drawn: the tokens' and contracts', and what hedgesim noted.
_NOT_DRAWN: dict[type[BaseModel], set[str]] = {
    Asset: {"decimals"},
    Feed: {"max_age_minutes"},
    History: {"notes", "squared_returns"},
}
#: How arrays are laid out for one protocol, which moves no number.
_LAYOUT = ("laid_out", "markets")


class Correlated(Protocol):
    """What correlations over time are made of: a configuration, or its market settings."""

    @property
    def drawn(self) -> tuple[str, ...]:
        """Assets in the order of the matrices: those that a process draws."""

    @property
    def correlation(self) -> Correlation:
        """Of the diffusions."""

    @property
    def shocks(self) -> tuple[AnyShock, ...]:
        """Some of which change it."""

    @property
    def steps(self) -> int:
        """Number of steps T."""

    @property
    def step_minutes(self) -> int:
        """Length of a step, minutes."""


@dataclass(frozen=True)
class MarketSettings:
    """Sections by the names they have in a :class:`~simulator.config.models.Config`.

    Attributes:
        laid_out: assets in the order of the arrays, which begins with USDC and the pool's base
            asset; they are drawn in order of :attr:`symbols`, whichever is the pool's.
        markets: assets of the perp markets; the flow of each has a stream of its own.
    """

    seed: int
    steps: int
    step_minutes: int
    assets: Mapping[str, Asset]
    correlation: Correlation
    process: AnyProcess
    common_jumps: CommonJumps | None
    shocks: tuple[AnyShock, ...]
    gas: Gas
    depth: Depth
    oracle: Oracle
    flow: Flow
    history: History
    sampling: Sampling | None
    laid_out: tuple[str, ...]
    markets: tuple[str, ...]

    @property
    def step_seconds(self) -> int:
        """Length of a step, seconds."""
        return self.step_minutes * 60

    @property
    def symbols(self) -> tuple[str, ...]:
        """Assets in the order they are drawn in: USDC, as written, what follows from those."""
        return (*self.drawn, *self.staked)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Those that the process draws: USDC, then as written."""
        own = (symbol for symbol, asset in self.assets.items() if asset.staked is None)
        return (USDC, *(symbol for symbol in own if symbol != USDC))

    @property
    def staked(self) -> dict[str, Staked]:
        """Those that follow from others', by symbol."""
        return staked_of(self.assets)

    @property
    def of_drawn(self) -> MarketSettings:
        """The same without what follows from other assets, for whoever draws."""
        if not self.staked:
            return self
        return replace(self, assets={name: self.assets[name] for name in self.drawn})

    def feed(self, symbol: str) -> Feed:
        """Price feed of one asset."""
        return self.oracle.feeds.get(symbol, self.oracle)

    def digest(self) -> str:
        """SHA-256 (hex) of all that is drawn from, but for the contents of files it names.

        Equal digests are the same market: path i is the same in both, series by series.
        """
        return hashlib.sha256(json.dumps(dict(self._drawn())).encode()).hexdigest()

    def differing(self, other: MarketSettings) -> list[str]:
        """Names of the sections in which two markets are not the same."""
        mine, others = dict(self._drawn()), dict(other._drawn())
        return [name for name in mine if mine[name] != others[name]]

    def undrawn(self) -> str:
        """What these sections hold that is not drawn from, as text: decimals, ages, notes."""
        return json.dumps(
            [_plain(getattr(self, field.name), drawn=False) for field in fields(self)]
        )

    def _drawn(self) -> Iterator[tuple[str, Any]]:
        """Each section as plain data, without what is not drawn."""
        for field in fields(self):
            if field.name not in _LAYOUT:
                yield field.name, _plain(getattr(self, field.name))


def _plain(value: Any, *, drawn: bool = True) -> Any:
    """A value as JSON has it, mappings as pairs, whose order counts.

    None in the place of what is not drawn; or, where that is wanted, of what is.
    """
    if isinstance(value, BaseModel):
        apart = {n for kind, names in _NOT_DRAWN.items() if isinstance(value, kind) for n in names}
        return [
            [name, (None if drawn else item) if name in apart else _plain(item, drawn=drawn)]
            for name, item in ((name, getattr(value, name)) for name in type(value).model_fields)
        ]
    if isinstance(value, dict):
        return [[key, _plain(item, drawn=drawn)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item, drawn=drawn) for item in value]
    if not drawn:
        return None
    return value.isoformat() if isinstance(value, datetime) else value
