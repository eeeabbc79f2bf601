# pragma version 0.4.3
"""
@title  StableSwap mathematics
@license MIT
@notice The invariant of Egorov, "StableSwap - efficient mechanism for Stablecoin liquidity" (2019), of n = 2..4 coins:

            Ann sum(x) + D = Ann D + D**(n + 1) / (n**n prod(x))

        x: balances in one unit of 18 decimals ("scaled"); D: what the pool would hold of all coins together, were
        they equally many; Ann = n A, where A is what Curve's pools call so: the paper's A times n**(n - 1).
@dev    `ann` comes times PRECISION. D is the root's floor or a unit more; a balance is never more than a unit below
        its root.
"""

from . import errors
from . import fixed_point


MAX_COINS: constant(uint256) = 4
PRECISION: constant(uint256) = 100  # of A: `ann` is n A PRECISION
FEE_ONE: constant(uint256) = 10**10  # a fee of everything
WAD: constant(uint256) = fixed_point.WAD
GUARD: constant(uint256) = 10**9  # digits that P keeps until its last division
ROUNDS: constant(uint256) = 255
PRICE_ONE: constant(uint256) = 10**36  # a marginal price of one
# Of two coins on the curve of D = 1, and of their price.
RAY: constant(uint256) = 10**27
LEAST_PRICE: constant(uint256) = RAY // 10**9
NEAR: constant(uint256) = 10**9  # how close to the root is close enough: what it moves the worth by is that squared


@internal
@pure
def invariant(x: DynArray[uint256, MAX_COINS], ann: uint256) -> uint256:
    """
    @notice D of scaled balances, all above zero, or all zero.
    @dev Newton on f(D) = D**(n+1) / (n**n prod x) + (Ann - 1) D - Ann S, whose step is
         D <- (Ann S + n P) D / ((Ann - 1) D + (n + 1) P), P = D**(n+1) / (n**n prod x): f is convex and increasing, so
         that it falls from S to the root; where it falls no more it is there (rounding can make it swing by two for
         ever, which a test of equality alone would not survive). Refuses where P, times D, does not fit 256 bits:
         balances so far apart, or so many coins. In what order they stand decides nothing but where that is.
    """
    n: uint256 = len(x)
    total: uint256 = 0
    for held: uint256 in x:
        total += held
    if total == 0:
        return 0
    d: uint256 = total
    for _: uint256 in range(ROUNDS):
        p: uint256 = d * GUARD
        for held: uint256 in x:
            errors.check(p <= max_value(uint256) // d, "stable: too far apart")
            p = p * d // (held * n)
        p = p // GUARD
        # Of what is multiplied by D below, the larger part.
        errors.check(p <= max_value(uint256) // (16 * d), "stable: too far apart")
        last: uint256 = d
        d = (ann * total // PRECISION + p * n) * d // (
            (ann - PRECISION) * d // PRECISION + (n + 1) * p
        )
        if d + 1 >= last:
            return d
    raise "stable: no convergence"


@internal
@pure
def balance_of(
    coin: uint256, x: DynArray[uint256, MAX_COINS], d: uint256, ann: uint256
) -> uint256:
    """
    @notice Scaled balance of `coin` at which the invariant of all is `d`, the others' being x.
    @dev Newton on y**2 + (b - D) y = c, from D: at most the first step rises, above the root; b = S' + D / Ann,
         c = D**(n+1) / (n**n prod' Ann), sums and products over the other coins. c is rounded up and b down: no step, of
         a convex function's, is below the root by more than its own floor, so that one unit more is a balance D needs.
    """
    n: uint256 = len(x)
    others: uint256 = 0
    c: uint256 = d
    for k: uint256 in range(n, bound=MAX_COINS):
        if k != coin:
            others += x[k]
            c = fixed_point.div_up(c * d, x[k] * n)
    c = fixed_point.div_up(c * d * PRECISION, ann * n)
    b: uint256 = others + d * PRECISION // ann
    y: uint256 = d
    for round: uint256 in range(ROUNDS):
        last: uint256 = y
        y = (y * y + c) // (2 * y + b - d)
        if y + 1 >= last and (round != 0 or y <= last + 1):
            return y
    raise "stable: no convergence"


@internal
@pure
def fee_rate(a: uint256, b: uint256, fee: uint256, off_peg: uint256) -> uint256:
    """
    @notice Fee, WAD, where two coins hold (in any one unit) a and b: `fee` where they are equal, toward off_peg times it
            as they come apart: m f / ((m - 1) 4ab / (a + b)**2 + 1). `fee` = f and `off_peg` = m in 10**-10.
    @dev Rounded up. A multiplier of one is none.
    """
    if off_peg == FEE_ONE:
        return fee * (WAD // FEE_ONE)
    level: uint256 = fixed_point.mul_div_down(
        (off_peg - FEE_ONE) * 4 * (WAD // FEE_ONE) * a, b, (a + b) ** 2
    )
    return fixed_point.mul_div_up(off_peg * fee, WAD * WAD // (FEE_ONE * FEE_ONE), level + WAD)


@internal
@pure
def marginal_price(x: uint256, y: uint256, d: uint256, ann: uint256) -> uint256:
    """
    @notice Of two coins with scaled balances x, y: units of the second for one of the first in an exchange of nothing,
            without fee, 10**36: (Ann x + P) y / ((Ann y + P) x), P = D**3 / (4 x y). Rounded down.
    """
    p: uint256 = fixed_point.mul_div_down(fixed_point.mul_div_down(d, d, 2 * x), d, 2 * y)
    return fixed_point.mul_div_down(
        fixed_point.mul_div_down(ann * x // PRECISION + p, PRICE_ONE, ann * y // PRECISION + p), y, x
    )


@internal
@pure
def curve_at(price: uint256, ann: uint256) -> (uint256, uint256):
    """
    @notice Balances of two coins, RAY of D, at which the second's units for one of the first are `price`, RAY.
    @dev They are worth the least, at that price, of all on the curve: what the root is off by counts squared.
         Below LEAST_PRICE and above its inverse those of there.
    """
    if price <= RAY:
        return self._curve_below(max(price, LEAST_PRICE), ann)
    x: uint256 = 0
    y: uint256 = 0
    y, x = self._curve_below(max(RAY * RAY // price, LEAST_PRICE), ann)
    return x, y


@internal
@pure
def _curve_below(price: uint256, ann: uint256) -> (uint256, uint256):
    # Newton on the marginal price g of the more plentiful coin, which falls in x, from x = y, g = 1: g' = -2P (r**2 - r g
    # + g**2) / (y**2 (Ann + P / y)) with r = y / x. What it is worth at `price` is least at the root, and (1 + price) / 2 at x = y:
    # so the root is below (1 + 1 / price) / 2. Where Newton leaves what the root lies between, it is halved instead.
    low: uint256 = RAY // 2
    high: uint256 = RAY // 2 + RAY * RAY // (2 * price)
    x: uint256 = low
    y: uint256 = low
    for _: uint256 in range(ROUNDS):
        y = self._other(x, ann)
        p: uint256 = RAY * RAY // (4 * x) * RAY // y
        weight: uint256 = ann * y // PRECISION + p
        g: uint256 = (ann * x // PRECISION + p) * RAY // weight * y // x
        if g > price:
            low = x
        else:
            high = x
        if high - low <= NEAR:
            break
        r: uint256 = y * RAY // x
        bend: uint256 = (r * r + g * g - r * g) // RAY
        gap: uint256 = max(g, price) - min(g, price)
        step: uint256 = high - low
        if bend != 0:
            step = gap * weight // (2 * p) * y // bend
        if step <= NEAR:
            break
        x = x + step if g > price else x - min(step, x)
        if x <= low or x >= high:
            x = (low + high) // 2
    return x, y


@internal
@pure
def _other(x: uint256, ann: uint256) -> uint256:
    # y**2 + (x + 1 / Ann - 1) y = 1 / (4 Ann x), in the form without cancellation.
    left: uint256 = x + RAY * PRECISION // ann
    four_c: uint256 = fixed_point.mul_div_down(RAY * RAY, RAY * PRECISION, ann * x)
    b: uint256 = max(left, RAY) - min(left, RAY)
    root: uint256 = fixed_point.sqrt_down(b * b + four_c)
    if left < RAY:
        return (root + b) // 2
    return four_c // (2 * (root + b))
