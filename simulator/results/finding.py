"""One thing that a run is found to have done, or not to have done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Its name (:data:`~simulator.results.diagnosis.NAMES`); ``paths``: part of the paths.

    They are weighted as they were drawn. ``field``, ``value``, ``needed``: what bound, what it was,
    what would have done; None: unknown.
    """

    name: str
    severity: str
    text: str
    paths: float
    field: str | None = None
    value: float | None = None
    needed: float | None = None
