"""The market outside as the protocol has it, of the sections `impact` and `population`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.rounds import rounds_of
from simulator.protocol.impact import PERCENT, ImpactTerms, felt
from simulator.protocol.population import BorrowersTerms, TradersTerms
from simulator.protocol.terms import resolved
from simulator.types import USDC
from simulator.world.protocol import Crowd, ImpactParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields
    from simulator.types import Floats

#: Crowds of an asset by their names, with the side on which each is closed out: 1 by a fall.
SIDES = {"long": 1, "short": -1, "borrowers": 1}


#: More than this a price is not moved by any crowd; beyond it nothing here means anything.
_MOST_MOVED = 10.0


def problems(config: Fields) -> Iterator[str]:
    """What does not fit."""
    moved = config.impact.depth_usd if config.impact is not None else {}
    for symbol in moved:
        field = f"impact.depth_usd.{symbol}"
        if symbol == USDC:
            yield f"{field}: not USDC, in which volume is paid"
        if symbol in config.history.oracle:
            yield (
                f"{field}: its oracle rounds are recorded (history.oracle.{symbol}), so they would "
                "not carry what flows do to its price; leave out one of the two"
            )
    for symbol, crowds in config.population.items():
        if symbol not in moved:
            yield (
                f"population.{symbol}: what its crowds sell moves nothing; must have "
                f"impact.depth_usd.{symbol}"
            )
        if all(getattr(crowds, name) is None for name in SIDES):
            yield f"population.{symbol}: nobody; must have {', '.join(SIDES)} or some of them"
        elif symbol in moved and (times := _moves(config, symbol)) > _MOST_MOVED:
            yield (
                f"impact.depth_usd.{symbol} = {moved[symbol]:g}: the crowds of "
                f"population.{symbol} alone could move its price {times:.3g} times; must be so "
                f"deep that it is at most {_MOST_MOVED:g} times"
            )


def _moves(config: Fields, symbol: str) -> float:
    """Factor on a price if the larger side of its crowds were forced out whole."""
    assert config.impact is not None
    crowds, sides = config.population[symbol], {1: 0.0, -1: 0.0}
    for name, side in SIDES.items():
        if (section := getattr(crowds, name)) is not None:
            size = section.collateral_usd if name == "borrowers" else section.open_interest_usd
            sides[side] += size
    depths = max(sides.values()) / config.impact.depth_usd[symbol]
    return float(np.exp(min(PERCENT * felt(config.impact.exponent, depths), 700.0)))


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
        special=tuple(
            (asset, step, value)
            for asset, row in enumerate(rounds_of(config, symbols))
            for step, value in _changes(row)
        ),
        crowds=_crowds(config),
        **resolved(ImpactTerms, section),
    )


def _changes(values: Floats) -> Iterator[tuple[int, float]]:
    """Steps at which a series has a new value, and that value."""
    for step in np.flatnonzero(np.diff(values, prepend=np.nan)):
        yield int(step), float(values[step])


def _crowds(config: Fields) -> tuple[Crowd, ...]:
    """Crowds as the protocol has them, asset by asset."""
    return tuple(
        Crowd(
            name=f"{symbol}_{name}",
            asset=config.symbols.index(symbol),
            side=side,
            terms=kind(**resolved(kind, section)),
        )
        for symbol, of in config.population.items()
        for name, side in SIDES.items()
        if (section := getattr(of, name)) is not None
        for kind in (BorrowersTerms if name == "borrowers" else TradersTerms,)
    )
