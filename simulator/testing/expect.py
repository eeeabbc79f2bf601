"""Comparisons that say what they compared: outside of tests pytest explains no assert."""

from __future__ import annotations

import inspect
from typing import Any


def same(found: Any, expected: Any, what: str) -> None:
    """Demand equality."""
    assert found == expected, f"{what}: {found!r}; expected: {expected!r}"


def near(found: float, expected: float, slack: float, what: str) -> None:
    """Demand equality up to an absolute error; a NaN is near nothing."""
    assert abs(found - expected) <= slack, (
        f"{what}: {found!r}; expected: {expected!r}, at most {slack:g} off"
    )


def at_most(found: float, limit: float, what: str) -> None:
    """Demand ``found`` <= ``limit``; a NaN is not."""
    assert found <= limit, f"{what}: {found!r}; allowed: up to {limit!r}"


def unlike(thing: Any, interface: type) -> list[str]:
    """How an object departs from an interface: functions it lacks or that take something else."""
    found = []
    for name, stated in vars(interface).items():
        if name.startswith("_") or not inspect.isfunction(stated):
            continue
        expected = list(inspect.signature(stated).parameters)[1:]
        function = getattr(thing, name, None)
        if function is None:
            found.append(f"{name}: missing")
            continue
        given = list(inspect.signature(getattr(function, "py_func", function)).parameters)
        if given != expected:
            found.append(f"{name}({', '.join(given)}); expected: ({', '.join(expected)})")
    return found
