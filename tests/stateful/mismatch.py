"""How a disagreement is raised."""

from __future__ import annotations


class Mismatch(AssertionError):  # noqa: N818 - the contracts and the books, or an invariant
    """The system did what its books do not say, or an invariant does not hold."""


def require(holds: bool, text: str) -> None:
    if not holds:
        raise Mismatch(text)
