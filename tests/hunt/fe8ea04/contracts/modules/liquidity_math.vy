# pragma version 0.4.3
"""
@title  Liquidity mathematics of Uniswap v3
@license MIT
@notice Amounts of a position, liquidity of amounts and fees owed, as LiquidityAmounts (@uniswap/v3-periphery
        1.4.4), Tick and Position (@uniswap/v3-core 1.0.1) compute them.
@dev    a <= b are sqrt prices Q64.96 of a range, p that of the market; token 0 is x, token 1 is y.
"""

from . import fixed_point


Q96: constant(uint256) = 2**96
Q128: constant(uint256) = 2**128


@internal
@pure
def amounts_for_liquidity_down(
    p: uint256, a: uint256, b: uint256, liquidity: uint256
) -> (uint256, uint256):
    """
    @notice Raw (x, y) held by `liquidity` at p, each rounded down (LiquidityAmounts.getAmountsForLiquidity).
    """
    at: uint256 = max(a, min(p, b))
    x: uint256 = fixed_point.mul_div_down(liquidity << 96, b - at, b) // at
    return x, fixed_point.mul_div_down(liquidity, at - a, Q96)


@internal
@pure
def liquidity_for_amounts_down(
    p: uint256, a: uint256, b: uint256, x: uint256, y: uint256
) -> uint128:
    """
    @notice Greatest liquidity that raw (x, y) pay for at p (LiquidityAmounts.getLiquidityForAmounts).
    @dev Reverts when it does not fit 128 bits. Requires a < b.
    """
    at: uint256 = max(a, min(p, b))
    liquidity: uint256 = max_value(uint256)
    if at < b:
        liquidity = fixed_point.mul_div_down(x, fixed_point.mul_div_down(at, b, Q96), b - at)
    if at > a:
        liquidity = min(liquidity, fixed_point.mul_div_down(y, Q96, at - a))
    return convert(liquidity, uint128)


@internal
@pure
def fee_growth_inside(
    tick: int24, lower: int24, upper: int24, growth: uint256, below: uint256, above: uint256
) -> uint256:
    """
    @notice Fees per unit of liquidity inside [lower, upper), X128 (Tick.getFeeGrowthInside).
    @param tick Current tick of the pool.
    @param growth Global fee growth; `below`, `above`: the fee growth outside of the two ticks.
    @dev Growths are differences modulo 2**256, as in the pool.
    """
    outside_below: uint256 = below if tick >= lower else unsafe_sub(growth, below)
    outside_above: uint256 = above if tick < upper else unsafe_sub(growth, above)
    return unsafe_sub(unsafe_sub(growth, outside_below), outside_above)


@internal
@pure
def fees_owed_down(
    liquidity: uint256, inside: uint256, inside_last: uint256, owed: uint256
) -> uint256:
    """
    @notice Raw tokens a position could collect after being poked (Position.update).
    """
    return owed + fixed_point.mul_div_down(liquidity, unsafe_sub(inside, inside_last), Q128)
