"""Portfolio risk and the least reduction of it (contracts/SPEC.md §3.4, §3.5).

Vectors have 8 numbers: v = W^T n in USD WAD, z = what v loses per USD (or per unit) reduced, WAD.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isqrt

from tests.reference.integers import WAD, away, ceil, floor, sqrt_up

ENTRY_SCALE = 10**8
COLUMNS = 8
MILLION = 10**6
NO_ROW = (0,) * COLUMNS

Vector = tuple[int, ...]


def exposure_vector(exposures: Iterable[tuple[Sequence[int], int]]) -> Vector:
    """W^T n of (row of W, exposure in USD WAD), summed exactly, then each magnitude rounded up."""
    total = [0] * COLUMNS
    for row, amount in exposures:
        for j, entry in enumerate(row):
            total[j] += entry * amount
    return tuple(away(x, 1, ENTRY_SCALE) for x in total)


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def norm_up(v: Sequence[int]) -> int:
    return sqrt_up(dot(v, v))


def quadratic(
    equity: int, v: Vector, z: Vector, cost: int, multiple: int
) -> tuple[int, int, int, int]:
    """A, B, C of A x^2 - 2 B x + C, rounded down once to WAD, and the root of B^2 - A C or -1.

    It is the square of multiple |v - x z| less that of equity - cost x.
    """
    risk = tuple(away(x, multiple, WAD) for x in v)
    slope = tuple(away(x, multiple, WAD) for x in z)
    a = (dot(slope, slope) - cost * cost) // WAD
    b = (dot(slope, risk) - cost * equity) // WAD
    c = (dot(risk, risk) - equity * equity) // WAD
    square = b * b - a * c
    return a, b, c, isqrt(square) if square >= 0 else -1


def least_reduction(equity: int, v: Vector, z: Vector, cost: int, multiple: int, most: int) -> int:
    """Least x (WAD) with multiple |v - x z| <= equity - cost x, at most ``most``.

    Where none does: the x that leaves the least risk. 0 when the rule holds already.
    """
    _, b, c, root = quadratic(equity, v, z, cost, multiple)
    if c <= 0:
        return 0
    if root >= 0 and b + root > 0:
        x = ceil(c, WAD, b + root)
        if ceil(cost, x, WAD) <= equity:
            return min(x, most)
    along, square = dot(z, v), dot(z, z)
    if along <= 0 or not square:
        return 0
    return min(ceil(along, WAD, square), most)


def greatest_reduction(
    equity: int, v: Vector, z: Vector, cost: int, multiple: int, most: int
) -> int:
    """Greatest x (WAD) of the same inequality, which x = 0 satisfies, less a millionth.

    ``most`` where there is none; 0 where it is no more than a millionth of ``most``.
    """
    a, b, c, root = quadratic(equity, v, z, cost, multiple)
    numerator, denominator = (root + b, a) if b > 0 else (max(-c, 0), root - b)
    if root < 0 or denominator <= 0:
        return most
    x = floor(numerator, WAD - WAD // MILLION, denominator)
    return x if x > most // MILLION else 0
