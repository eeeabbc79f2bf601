"""Fixed-point arithmetic of the specification on Python's integers.

Python's ``//`` is the floor and nothing overflows, so each rounding is one line: ``floor`` and
``ceil`` toward the infinities, ``truncate`` and ``away`` of a magnitude (contracts/SPEC.md §1).
"""

from __future__ import annotations

from math import isqrt

WAD = 10**18
DAY = 86_400


def floor(x: int, y: int, d: int) -> int:
    """x y / d toward minus infinity, d > 0."""
    return x * y // d


def ceil(x: int, y: int, d: int) -> int:
    """x y / d toward plus infinity, d > 0."""
    return -(-x * y // d)


def truncate(x: int, y: int, d: int) -> int:
    """x y / d toward zero, d > 0."""
    return floor(x, y, d) if x >= 0 else ceil(x, y, d)


def away(x: int, y: int, d: int) -> int:
    """x y / d away from zero, d > 0."""
    return ceil(x, y, d) if x >= 0 else floor(x, y, d)


def sqrt_up(x: int) -> int:
    """Least integer whose square is at least x >= 0."""
    root = isqrt(x)
    return root + (root * root < x)


def sign(x: int) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)
