"""Price feeds of other terms."""

from __future__ import annotations

from dataclasses import replace

from simulator.protocol.oracle import FeedParameters
from simulator.world.protocol import Protocol


def deviating(terms: Protocol, *deviations: float) -> tuple[FeedParameters, ...]:
    """The feeds of a protocol with the deviation given for each asset."""
    pairs = zip(terms.feeds, deviations, strict=True)
    return tuple(replace(feed, deviation=deviation) for feed, deviation in pairs)
