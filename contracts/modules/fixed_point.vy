# pragma version 0.4.3
"""
@title  Fixed-point arithmetic
@license MIT
@notice x y / d at full precision, rounded in the direction the name says: `down` and `up` of a magnitude,
        `floor` toward minus infinity, `ceil` toward plus infinity.
"""


WAD: constant(uint256) = 10**18


@internal
@pure
def mul_div_down(x: uint256, y: uint256, d: uint256) -> uint256:
    """
    @notice floor(x y / d) with a 512-bit product.
    @dev Reverts with "math: division by zero" or "math: mul_div overflow". The product is split by the
         Chinese remainder theorem (mod 2**256 and mod 2**256 - 1); the exact quotient is then a product
         with the inverse of the odd part of d (Remco Bloemen's mulDiv).
    """
    low: uint256 = unsafe_mul(x, y)
    if x == 0 or unsafe_div(low, x) == y:
        assert d != 0, "math: division by zero"
        return unsafe_div(low, d)

    modular: uint256 = uint256_mulmod(x, y, max_value(uint256))
    high: uint256 = unsafe_sub(modular, low)
    if modular < low:
        high = unsafe_sub(high, 1)
    assert high < d, "math: mul_div overflow"  # also refuses d = 0

    remainder: uint256 = uint256_mulmod(x, y, d)
    if remainder > low:
        high = unsafe_sub(high, 1)
    low = unsafe_sub(low, remainder)

    # Divide both by the greatest power of two in d; `2**256 / power` is unsafe because it wraps to 1 for 1.
    power: uint256 = unsafe_sub(0, d) & d
    odd: uint256 = unsafe_div(d, power)
    low = unsafe_div(low, power)
    low |= unsafe_mul(high, unsafe_add(unsafe_div(unsafe_sub(0, power), power), 1))

    # Newton's iteration doubles the correct bits each time: 4, 8, ..., 256.
    inverse: uint256 = unsafe_mul(3, odd) ^ 2
    for _: uint256 in range(6):
        inverse = unsafe_mul(inverse, unsafe_sub(2, unsafe_mul(odd, inverse)))
    return unsafe_mul(low, inverse)


@internal
@pure
def mul_div_up(x: uint256, y: uint256, d: uint256) -> uint256:
    """
    @notice ceil(x y / d) with a 512-bit product; reverts as `mul_div_down`.
    """
    quotient: uint256 = self.mul_div_down(x, y, d)
    if uint256_mulmod(x, y, d) != 0:
        quotient += 1
    return quotient


@internal
@pure
def mul_div_floor(x: int256, y: uint256, d: uint256) -> int256:
    """
    @notice floor(x y / d) of a signed x, toward minus infinity.
    """
    if x < 0:
        return -convert(self.mul_div_up(convert(-x, uint256), y, d), int256)
    return convert(self.mul_div_down(convert(x, uint256), y, d), int256)


@internal
@pure
def mul_div_ceil(x: int256, y: uint256, d: uint256) -> int256:
    """
    @notice ceil(x y / d) of a signed x, toward plus infinity.
    """
    return -self.mul_div_floor(-x, y, d)


@internal
@pure
def div_up(x: uint256, d: uint256) -> uint256:
    """
    @notice ceil(x / d).
    """
    assert d != 0, "math: division by zero"
    quotient: uint256 = unsafe_div(x, d)
    if x % d != 0:
        quotient = unsafe_add(quotient, 1)  # d > 1 here, so the quotient is far from the top
    return quotient


@internal
@pure
def sqrt_down(x: uint256) -> uint256:
    """
    @notice floor(sqrt(x)).
    """
    return isqrt(x)  # a function of its own because the built-in is inlined


@internal
@pure
def magnitude(x: int256) -> uint256:
    """
    @notice |x|.
    """
    if x < 0:
        return convert(-x, uint256)
    return convert(x, uint256)


@internal
@pure
def wad_mul_up(x: uint256, y: uint256) -> uint256:
    """
    @notice x y / 10**18, rounded up.
    """
    return self.mul_div_up(x, y, WAD)


@internal
@pure
def wad_mul_down(x: uint256, y: uint256) -> uint256:
    """
    @notice x y / 10**18, rounded down.
    """
    return self.mul_div_down(x, y, WAD)
