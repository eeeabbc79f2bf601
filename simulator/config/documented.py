"""What is known of the crisis that a scenario is modelled on, to hold its results against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from simulator.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Documented(Section):
    """A figure that somebody published, and the metric that should come near it."""

    figure: str = Field(min_length=1, max_length=120, description="what it is (text)")
    metric: str = Field(
        pattern=r"^[a-z]\w*(\.\w+)?$",
        description="which of ours, as --require names it: forced_share.mean (text)",
    )
    value: float = Field(description="as published, in the metric's unit (number)")
    low: float = Field(description="least value of ours that is near enough (number)")
    high: float = Field(description="largest value of ours that is near enough (number)")
    source: str = Field(min_length=1, description="where it was published (text)")
    reason: str = Field(
        default="", description="why ours is not near it, where that is known (text)"
    )


def problems(figures: Sequence[Documented]) -> Iterator[str]:
    """Bands that do not hold what they are around."""
    for number, one in enumerate(figures):
        if not one.low <= one.value <= one.high:
            yield (
                f"documented.{number}: low = {one.low:g}, value = {one.value:g}, high = "
                f"{one.high:g}; must be in this order"
            )
