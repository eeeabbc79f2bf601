"""Portfolio risk and the least reduction of it (contracts/SPEC.md §3.4, §3.5).

Vectors have 8 numbers: v = W^T n in USD WAD, z = what v loses per USD (or per unit) reduced, WAD.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isqrt

from tests.reference.integers import WAD, away, ceil, sqrt_up

ENTRY_SCALE = 10**8
COLUMNS = 8
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


def least_reduction(equity: int, v: Vector, z: Vector, cost: int, multiple: int, most: int) -> int:
    """Least x (WAD) with multiple |v - x z| <= equity - cost x, at most ``most``.

    Where none does: the x that leaves the least risk. 0 when the rule holds already.
    The three coefficients of the quadratic are rounded down once, to WAD.
    """
    risk = tuple(away(x, multiple, WAD) for x in v)
    slope = tuple(away(x, multiple, WAD) for x in z)
    c = (dot(risk, risk) - equity * equity) // WAD
    if c <= 0:
        return 0
    a = (dot(slope, slope) - cost * cost) // WAD
    b = (dot(slope, risk) - cost * equity) // WAD
    if b * b >= a * c:
        root = b + isqrt(b * b - a * c)
        if root > 0:
            x = ceil(c, WAD, root)
            if ceil(cost, x, WAD) <= equity:
                return min(x, most)
    along, square = dot(z, v), dot(z, z)
    if along <= 0 or not square:
        return 0
    return min(ceil(along, WAD, square), most)
