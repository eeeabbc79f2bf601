"""The ``sampling:`` section: paths drawn where losses are, and weighted back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.config.section import Section, Symbol

Deviations = Annotated[float, Field(ge=-10, le=10)]


class Sampling(Section):
    """Importance sampling of rare events by a change of measure on the market's normals."""

    shift: dict[Symbol, Deviations] = Field(
        min_length=1,
        description="mean of an asset's normal shock over the whole horizon on shifted paths, "
        "standard deviations; other assets follow as their correlation says",
    )
    share: float = Field(
        default=0.5,
        ge=0.05,
        le=0.95,
        description="part of the paths that are shifted (fraction); the rest are as they would be",
    )
