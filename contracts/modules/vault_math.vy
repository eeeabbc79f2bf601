# pragma version 0.4.3
"""
@title  Vault mathematics
@license MIT
@notice Valuation at the oracle price and the split of a deposit into both tokens (contracts/SPEC.md §4.2, §4.5).
@dev    token 0 is the base asset, token 1 is USDC; sqrt prices are Q64.96 of raw USDC per raw base unit.
"""

from . import fixed_point


WAD: constant(uint256) = 10**18
Q96: constant(uint256) = 2**96


@internal
@pure
def sqrt_price_x96(price_base: uint256, price_usdc: uint256, unit_ratio: uint256) -> uint256:
    """
    @notice sqrt of the oracle's price of the pair, rounded down.
    @param price_base USD per whole base token, WAD; `price_usdc` alike.
    @param unit_ratio sqrt(10**(decimals of base - decimals of USDC)).
    """
    root: uint256 = fixed_point.sqrt_down(price_base * 10**36 // price_usdc)
    return fixed_point.mul_div_down(root, Q96, WAD * unit_ratio)


@internal
@pure
def swap_limit(sqrt_price: uint256, max_slippage: uint256, sells_base: bool) -> uint256:
    """
    @notice sqrt_price sqrt(1 -+ max_slippage): the worst sqrt price a swap may reach, minus when selling base.
    """
    factor: uint256 = WAD - max_slippage if sells_base else WAD + max_slippage
    return fixed_point.mul_div_down(sqrt_price, fixed_point.sqrt_down(factor * WAD), WAD)


@internal
@pure
def base_for_value(
    amount_base: uint256,
    amount_usdc: uint256,
    worth: uint256,
    price_base: uint256,
    price_usdc: uint256,
    unit_base: uint256,
    unit_usdc: uint256,
) -> uint256:
    """
    @notice Raw base tokens of a position `worth` USD WAD that is in the proportion of a reference position's raw
            amounts.
    @dev worth x / (x + y) / price with x, y the USD values of the reference; 2**96 units of liquidity keep the
         ratio exact to at least ten digits for any price of a real token.
    """
    x: uint256 = fixed_point.mul_div_down(amount_base, price_base, unit_base)
    y: uint256 = fixed_point.mul_div_down(amount_usdc, price_usdc, unit_usdc)
    return fixed_point.mul_div_down(
        fixed_point.mul_div_down(worth, x, x + y), unit_base, price_base
    )


@internal
@pure
def range_around(tick: int24, spacing: int24, half_width: int24) -> (int24, int24):
    """
    @notice Ticks [lower, upper] `half_width` around the greatest usable tick <= `tick`.
    """
    remainder: int24 = tick % spacing  # has the sign of the tick
    if remainder < 0:
        remainder += spacing
    centre: int24 = tick - remainder
    return centre - half_width, centre + half_width


@internal
@pure
def limit_price(price: uint256, max_slippage: uint256, buys: bool) -> uint256:
    """
    @notice price (1 +- max_slippage), plus when buying, rounded in favour of the vault.
    """
    if buys:
        return fixed_point.mul_div_down(price, WAD + max_slippage, WAD)
    return fixed_point.mul_div_up(price, WAD - max_slippage, WAD)
