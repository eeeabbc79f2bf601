"""The covariance factor as it is posted: bounded steps that arrive by a ramp (SPEC §3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt, trunc

from tests.reference.clearing.portfolio import NO_ROW
from tests.reference.clearing.state import COVARIANCE_RAMP, Ledger, require

MILLION = 10**6
FULL = 10**8  # 100 % a day, in entries
Row = tuple[int, ...]


def post(ledger: Ledger, rows: Sequence[Row]) -> tuple[int]:
    """Millionths of the way to ``rows``, in the order of ``ledger.rows``, that it goes."""
    flat = not any(account.positions for account in ledger.accounts.values())
    require(flat or ledger.now >= ledger.rows_posted_at + COVARIANCE_RAMP, "clearing: too soon")
    require(all(_square(row) <= FULL**2 for row in rows), "clearing: bad parameter")
    wanted = dict(zip(ledger.rows, rows, strict=True))
    before = dict(ledger.rows)
    way = MILLION
    if not flat:
        way = min(way, *(_reach(before[asset], row) for asset, row in wanted.items()))
    ledger.rows = {
        asset: tuple(
            a + trunc(Fraction((b - a) * way, MILLION))
            for a, b in zip(before[asset], row, strict=True)
        )
        for asset, row in wanted.items()
    }
    ledger.rows_before = before
    ledger.rows_posted_at = 0 if flat else ledger.now
    return (way,)


def _square(row: Row) -> int:
    return sum(entry * entry for entry in row)


def _reach(before: Row, after: Row) -> int:
    """Millionths that move a row by a quarter of its norm, or by 1 % a day if that is more."""
    square = _square(tuple(b - a for a, b in zip(before or NO_ROW, after, strict=True)))
    norm = isqrt(square) + (isqrt(square) ** 2 < square)
    step = max(FULL // 100, isqrt(_square(before)) // 4)
    return min(MILLION, step * MILLION // max(norm, 1))
