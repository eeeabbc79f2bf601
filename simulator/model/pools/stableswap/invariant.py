"""The invariant of StableSwap in real numbers (Egorov 2019; contracts/SPEC.md §9).

Ann·S + D = Ann·D + P, P = D^(n+1)/(n^n·Π x): x the balances in one unit, ``ann`` n·A. What one
balance does when another or D moves is a quadratic equation; solved for the *change*, in the form
without cancellation, it has all its digits however small the trade, where Newton on the balance
itself, which the contract does on integers, has those of the balance.

Balances are four numbers always; of a pool of fewer coins the last are not looked at.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from simulator.model.kernel.jit import inner

#: Scaled balances.
Balances: TypeAlias = tuple[float, float, float, float]

COINS = 4
FEE_ONE = 1e10  # a fee of everything
_ROUNDS = 255


@inner
def changed(x: Balances, coin: int, value: float) -> Balances:
    """The same balances but one."""
    return (
        value if coin == 0 else x[0],
        value if coin == 1 else x[1],
        value if coin == 2 else x[2],
        value if coin == 3 else x[3],
    )


@inner
def product_term(x: Balances, n: int, d: float) -> float:
    """P = D^(n+1)/(n^n·Π x)."""
    p = d
    for k in range(n):
        p *= d / (n * x[k])
    return p


@inner
def invariant(x: Balances, n: int, ann: float) -> float:
    """D of balances that are all positive, or all zero; Newton from D = S, from where it falls."""
    total = 0.0
    for k in range(n):
        total += x[k]
    d = total
    if total == 0.0:
        return 0.0
    for _ in range(_ROUNDS):
        p = product_term(x, n, d)
        last = d
        d *= (ann * total + n * p) / ((ann - 1.0) * d + (n + 1.0) * p)
        if d >= last:
            break
    return d


@inner
def sold_for(x_in: float, x_out: float, p: float, ann: float, amount: float) -> float:
    """What of the other coin comes out for ``amount`` at one D, whose P before is ``p``.

    Ann(a − δ)(x_out − δ)(x_in + a) = P(δ(x_in + a) − a·x_out), the difference of two states.
    """
    rest = p / (x_in + amount)
    b = ann * (amount + x_out) + p
    # b² − 4·Ann·c, its terms without what cancels.
    square = (
        (ann * (amount - x_out)) ** 2
        + p * (2.0 * ann * (amount + x_out) + p)
        - 4.0 * ann * amount * x_out * rest
    )
    return 2.0 * amount * x_out * (ann + rest) / (b + np.sqrt(max(square, 0.0)))


@inner
def cost_of(x_in: float, x_out: float, p: float, ann: float, amount: float) -> float:
    """What has to be paid in for ``amount`` < ``x_out`` of the other coin, at one D."""
    c = amount * x_in * (ann + p / (x_out - amount))
    b = ann * (x_in - amount) + p
    root = np.sqrt(b * b + 4.0 * ann * c)
    return 2.0 * c / (b + root) if b > 0.0 else (root - b) / (2.0 * ann)


@inner
def balance_of(x: Balances, n: int, ann: float, coin: int, d: float) -> float:
    """Balance of ``coin`` at which the invariant of all is ``d``: y² + (b − D)y = c."""
    others = 0.0
    c = d
    for k in range(n):
        if k != coin:
            others += x[k]
            c *= d / (n * x[k])
    c *= d / (n * ann)
    b = others + d / ann - d
    root = np.sqrt(b * b + 4.0 * c)
    return 2.0 * c / (b + root) if b > 0.0 else 0.5 * (root - b)


@inner
def marginal_price(x: Balances, n: int, ann: float, coin: int, other: int) -> float:
    """Units of ``other`` for one of ``coin`` in an exchange of nothing, without fee."""
    p = product_term(x, n, invariant(x, n, ann))
    return (ann + p / x[coin]) / (ann + p / x[other])


@inner
def fee_rate(a: float, b: float, fee: float, off_peg: float) -> float:
    """Fee in 10⁻¹⁰ where two coins hold a and b, ``off_peg`` the multiplier as a number."""
    if off_peg == 1.0:
        return fee
    return off_peg * fee / ((off_peg - 1.0) * 4.0 * (a / (a + b)) * (b / (a + b)) + 1.0)
