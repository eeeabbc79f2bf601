"""Price impact: whether what is traded outside moves the index."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.config.declared import section_of
from simulator.config.section import Symbol
from simulator.protocol.impact import ImpactTerms

#: USD; more than all there is.
MOST_DEPTH = 1e15
Depth = Annotated[float, Field(gt=0, le=MOST_DEPTH)]


class Impact(section_of(ImpactTerms)):  # type: ignore[misc]  # made of what is declared
    """Who arbitrages trades outside what it takes inside, and that moves the index there."""

    depth_usd: dict[Symbol, Depth] = Field(
        default_factory=dict,
        description="volume that moves the index of an asset by 1 %, USD at the price of the "
        "start, by asset; one that is left out nothing moves",
    )
