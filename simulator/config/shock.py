"""What all shocks have: when they begin, and how long they last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simulator.config.section import Section

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats

Hours = Annotated[float, Field(ge=0, le=1e6)]


_HAIR = 1e-9  # hours


class Shock(Section):
    """Base of all shocks."""

    at_hours: Hours = Field(description="when it begins, hours from the start")


class WindowShock(Shock):
    """A shock that lasts for a window and then is over."""

    duration_hours: float = Field(gt=0, le=1e6, description="how long it lasts, hours")

    def active(self, hours: Floats) -> Booleans:
        """Whether it is on, at moments in hours from the start; the end is not part of it.

        A moment that float64 has a hair before one of the ends is on it, as the check of what a
        window reaches has it (``checks.py``).
        """
        after = hours - self.at_hours + _HAIR
        return (after >= 0.0) & (after < self.duration_hours)
