"""What all shocks have: when they begin, and how long they last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simulator.config.section import Section

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

Hours = Annotated[float, Field(ge=0, le=1e6)]


class Shock(Section):
    """Base of all shocks."""

    at_hours: Hours = Field(description="when it begins, hours from the start")


class WindowShock(Shock):
    """A shock that lasts for a window and then is over."""

    duration_hours: float = Field(gt=0, le=1e6, description="how long it lasts, hours")

    def active(self, hours: Floats) -> Booleans:
        """Whether it is on, at moments in hours from the start; the end is not part of it."""
        return (hours >= self.at_hours) & (hours < self.at_hours + self.duration_hours)
