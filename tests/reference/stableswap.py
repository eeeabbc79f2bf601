"""A StableSwap pool on Python's integers: every operation of contracts/StableSwap.vy, to the unit.

:class:`StablePool` is written from contracts/SPEC.md §9, with Newton's iterations as they stand
there. :func:`root` and :func:`least_balance` are independent of them: bisections of the invariant
multiplied out, whose answers are exact; what the laws of a pool are stated with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

WAD = 10**18
A_ONE = 100  # of A
FEE_ONE = 10**10
LOCKED_SHARES = 10**12
MARGIN = 2
GUARD = 10**9


def root(x: list[int], a: int) -> int:
    """The greatest D at which the invariant of scaled balances does not exceed what they give."""
    return _greatest(lambda d: _excess(x, a, d) <= 0, 2 * sum(x) + 1)


def least_balance(coin: int, x: list[int], d: int, a: int) -> int:
    """The least balance of a coin, the others' being ``x``, at which the invariant is ``d``."""

    def short(y: int) -> bool:
        return y == 0 or _excess([*x[:coin], y, *x[coin + 1 :]], a, d) > 0

    top = 1
    while short(top):
        top *= 2
    return _greatest(short, top) + 1


def _excess(x: list[int], a: int, d: int) -> int:
    """Ann D + Dⁿ⁺¹ / (nⁿ Π) − D − Ann S, times nⁿ Π; it rises in D."""
    n = len(x)
    product = n**n * prod(x)
    return (n * a - 1) * d * product + d ** (n + 1) - n * a * sum(x) * product


def _greatest(holds: object, top: int) -> int:
    """The greatest whole number below ``top`` of which it holds: of 0 it does, of ``top`` not."""
    assert callable(holds)
    low, high = 0, top
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def invariant(x: list[int], ann: int) -> int:
    """D by Newton's iteration on integers; ``ann`` is n A times ``A_ONE``."""
    n, total = len(x), sum(x)
    d = total
    while total:
        p = d * GUARD
        for held in x:
            p = p * d // (held * n)
        p, last = p // GUARD, d
        d = (ann * total // A_ONE + p * n) * d // ((ann - A_ONE) * d // A_ONE + (n + 1) * p)
        if d + 1 >= last:
            break
    return d


def balance_of(coin: int, x: list[int], d: int, ann: int) -> int:
    """The balance of ``coin`` by Newton's iteration on integers."""
    n, c = len(x), d
    others = [held for k, held in enumerate(x) if k != coin]
    for held in others:
        c = -(-c * d // (held * n))
    c = -(-c * d * A_ONE // (ann * n))
    b = sum(others) + d * A_ONE // ann
    y = d
    for step in range(255):
        last, y = y, (y * y + c) // (2 * y + b - d)
        if y + 1 >= last and (step or y <= last + 1):
            return y
    raise ArithmeticError("no convergence")


@dataclass
class StablePool:
    """A pool of coins with these decimals; fees in 10⁻¹⁰, rates WAD."""

    decimals: tuple[int, ...]
    a: int
    fee: int
    off_peg: int = FEE_ONE
    told: list[int] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)
    supply: int = 0

    def __post_init__(self) -> None:
        self.told = self.told or [WAD] * self.n
        self.raw = self.raw or [0] * self.n

    @property
    def n(self) -> int:
        return len(self.decimals)

    @property
    def ann(self) -> int:
        return self.n * self.a * A_ONE

    @property
    def rates(self) -> list[int]:
        scales = (10 ** (36 - places) for places in self.decimals)
        return [scale * told // WAD for scale, told in zip(scales, self.told, strict=True)]

    def scaled(self, raw: list[int] | None = None) -> list[int]:
        amounts = self.raw if raw is None else raw
        return [held * rate // WAD for held, rate in zip(amounts, self.rates, strict=True)]

    def invariant(self) -> int:
        return invariant(self.scaled(), self.ann)

    def virtual_price(self) -> int:
        return self.invariant() * WAD // self.supply

    def fee_rate(self, a: int, b: int, fee: int) -> int:
        """WAD, of a fee in 10⁻¹⁰."""
        if self.off_peg == FEE_ONE:
            return fee * 10**8
        level = (self.off_peg - FEE_ONE) * 4 * 10**8 * a * b // (a + b) ** 2
        return -(-self.off_peg * fee * 10**16 // (level + WAD))

    def quote(self, i: int, j: int, raw_in: int) -> int:
        x, rates = self.scaled(), self.rates
        d, before_in, before_out = invariant(x, self.ann), x[i], x[j]
        x[i] += raw_in * rates[i] // WAD
        y = balance_of(j, x, d, self.ann) + 1
        if y >= before_out:
            return 0
        out = (before_out - y) * WAD // rates[j]
        return out - out * self.fee_rate(before_in + x[i], before_out + y, self.fee) // WAD

    def exchange(self, i: int, j: int, raw_in: int) -> int:
        out = self.quote(i, j, raw_in)
        if out:
            self.raw[i] += raw_in
            self.raw[j] -= out
        return out

    def imbalance_fee(self, doubled: int, invariants: int, gap: int) -> int:
        if not (self.fee and gap):
            return 0
        base = -(-self.fee * self.n // (4 * (self.n - 1)))
        return -(-gap * self.fee_rate(doubled, invariants // self.n, base) // WAD)

    def shares_for(self, raw: list[int]) -> int:
        held = [a + b for a, b in zip(self.raw, raw, strict=True)]
        before, after = self.scaled(), self.scaled(held)
        d = invariant(after, self.ann)
        if not self.supply:
            return d - LOCKED_SHARES
        d0 = invariant(before, self.ann)
        if d <= d0:
            return 0
        for k, (old, new) in enumerate(zip(before, after, strict=True)):
            after[k] -= self.imbalance_fee(old + new, d0 + d, abs(old * d // d0 - new))
        d = invariant(after, self.ann)
        return self.supply * max(d - d0 - MARGIN, 0) // (d0 + MARGIN)

    def add(self, raw: list[int]) -> int:
        shares = self.shares_for(raw)
        if shares > 0:
            self.supply += shares + (0 if self.supply else LOCKED_SHARES)
            self.raw = [a + b for a, b in zip(self.raw, raw, strict=True)]
        return shares

    def remove(self, shares: int) -> list[int]:
        paid = [held * shares // self.supply for held in self.raw]
        self.raw = [held - part for held, part in zip(self.raw, paid, strict=True)]
        self.supply -= shares
        return paid

    def one_coin_for(self, shares: int, coin: int) -> int:
        x = self.scaled()
        d0 = invariant(x, self.ann)
        d = d0 - d0 * shares // self.supply + MARGIN
        y = balance_of(coin, x, d, self.ann)
        for k, held in enumerate(list(x)):
            left = held * d // d0
            if k == coin:
                x[k] -= self.imbalance_fee(held + y, d0 + d, max(left - y, 0))
            else:
                x[k] -= self.imbalance_fee(2 * held, d0 + d, max(held - left, 0))
        y = balance_of(coin, x, d, self.ann) + 1
        return max(x[coin] - y, 0) * WAD // self.rates[coin]

    def remove_one_coin(self, shares: int, coin: int) -> int:
        paid = self.one_coin_for(shares, coin)
        if paid:
            self.raw[coin] -= paid
            self.supply -= shares
        return paid
