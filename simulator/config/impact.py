"""Price impact: whether what is traded outside moves the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from simulator.config.declared import section_of
from simulator.config.rounds import rounds_of
from simulator.config.section import Symbol
from simulator.config.shocks import DepthCut
from simulator.protocol.impact import ImpactTerms
from simulator.protocol.terms import resolved
from simulator.types import USDC
from simulator.world.protocol import ImpactParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields
    from simulator.types import Floats

Depth = Annotated[float, Field(gt=0, le=1e15)]


class Impact(section_of(ImpactTerms)):  # type: ignore[misc]  # made of what is declared
    """Who arbitrages trades outside what it takes inside, and that moves the index there."""

    depth_usd: dict[Symbol, Depth] = Field(
        default_factory=dict,
        description="volume that moves the index of an asset by 1 %, USD, by asset; one that is "
        "left out nothing moves",
    )


def problems(config: Fields) -> Iterator[str]:
    """What does not fit."""
    if config.impact is None:
        return
    for symbol in config.impact.depth_usd:
        field = f"impact.depth_usd.{symbol}"
        if symbol == USDC:
            yield f"{field}: not USDC, in which volume is paid"
        if symbol in config.history.oracle:
            yield (
                f"{field}: its oracle rounds are recorded (history.oracle.{symbol}), so they would "
                "not carry what flows do to its price; leave out one of the two"
            )


def impact(config: Fields) -> ImpactParameters | None:
    """The market outside, as the protocol has it."""
    section = config.impact
    if section is None:
        return None
    symbols, native = config.symbols, config.gas.native_asset
    return ImpactParameters(
        depth=tuple(section.depth_usd.get(symbol, 0.0) for symbol in symbols),
        heartbeat=tuple(
            0.0 if symbol in config.history.oracle else 60 * config.feed(symbol).heartbeat_minutes
            for symbol in symbols
        ),
        lag=tuple(config.feed(symbol).lag_steps for symbol in symbols),
        native=-1 if native is None else symbols.index(native),
        depth_factor=tuple(_changes(_depth(config))),
        special=tuple(
            (asset, step, value)
            for asset, row in enumerate(rounds_of(config, symbols))
            for step, value in _changes(row)
        ),
        **resolved(ImpactTerms, section),
    )


def _depth(config: Fields) -> Floats:
    """Factor on all depths outside ``[T + 1]``."""
    hours = np.arange(config.steps + 1) * (config.step_minutes / 60)
    factor = np.ones(len(hours))
    for shock in config.shocks:
        if isinstance(shock, DepthCut) and "outside" in shock.venues:
            factor[shock.active(hours)] *= shock.factor
    return factor


def _changes(values: Floats) -> Iterator[tuple[int, float]]:
    """Steps at which a series has a new value, and that value."""
    for step in np.flatnonzero(np.diff(values, prepend=np.nan)):
        yield int(step), float(values[step])
