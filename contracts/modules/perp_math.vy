# pragma version 0.4.3
"""
@title  Perpetual futures arithmetic
@license MIT
@notice Perps against a maker, funding by velocity (SIP-279), liquidation size: contracts/SPEC.md §3.
@dev    I index price, k skew, K skew scale, s size; prices, sizes, USD, USDC, rates and fractions are WAD. Rounding
        is against the trader.
"""

from contracts.modules import fixed_point


WAD: constant(uint256) = fixed_point.WAD
SECONDS_PER_DAY: constant(uint256) = 86_400


@internal
@pure
def accrue_funding(
    rate: int256,
    funding_index: int256,
    skew: int256,
    skew_scale: uint256,
    velocity: uint256,
    index: uint256,
    elapsed: uint256,
) -> (int256, int256):
    """
    @notice (r, F) after `elapsed` seconds at a constant skew: r moves by velocity clamp(k/K) days, F by the
            average rate times I times days.
    """
    scale: int256 = convert(skew_scale, int256)
    clamped: int256 = max(-scale, min(skew, scale))
    next_rate: int256 = rate + fixed_point.mul_div_floor(
        clamped, velocity * elapsed, skew_scale * SECONDS_PER_DAY
    )
    accrued: int256 = fixed_point.mul_div_floor(
        rate + next_rate, index * elapsed, 2 * WAD * SECONDS_PER_DAY
    )
    return next_rate, funding_index + accrued


@internal
@pure
def funding_owed(size: int256, index_change: int256) -> int256:
    """
    @notice Funding of a position over a change of F, USDC; positive: the trader pays. Rounded up.
    """
    if index_change < 0:
        return fixed_point.mul_div_ceil(-size, convert(-index_change, uint256), WAD)
    return fixed_point.mul_div_ceil(size, convert(index_change, uint256), WAD)


@internal
@pure
def owed(size: int256, index_change: int256, loss_change: uint256) -> int256:
    """
    @notice Funding over a change of F and the share of a socialised loss per unit of size, USDC, each rounded up.
    """
    funding: int256 = self.funding_owed(size, index_change)
    if loss_change == 0:
        return funding
    loss: uint256 = fixed_point.mul_div_up(fixed_point.magnitude(size), loss_change, WAD)
    return funding + convert(loss, int256)


@internal
@pure
def mark_price(index: uint256, skew: int256, skew_scale: uint256) -> uint256:
    """
    @notice I (1 + k/K), floored at 0.
    """
    scaled: int256 = convert(skew_scale, int256) + skew
    return convert(max(fixed_point.mul_div_floor(scaled, index, skew_scale), 0), uint256)


@internal
@pure
def lag_spread(deviation: uint256, taker_fee: uint256) -> uint256:
    """
    @notice Least half spread h at which a round trip earns nothing while the index moves once by `deviation` d, either
            way: (1 - h)(1 - f) <= (1 - d)(1 + h)(1 + f) with f the fee, so (d - f (2 - d)) / (2 - d - f d); fraction
            WAD, up. For a rise the same costs more.
    """
    far: uint256 = 2 * WAD - deviation
    if taker_fee * far >= deviation * WAD:
        return 0
    return fixed_point.mul_div_up(
        deviation * WAD - taker_fee * far, WAD, far * WAD - taker_fee * deviation
    )


@internal
@pure
def booked_price(delta: int256, index: uint256, half_spread: uint256) -> uint256:
    """
    @notice I (1 + sign(delta) half_spread), at least 0; up for a buyer, down for a seller.
    """
    spread: uint256 = fixed_point.mul_div_up(index, half_spread, WAD)
    if delta > 0:
        return index + spread
    return index - min(spread, index)


@internal
@pure
def effective_price(delta: int256, booked: uint256, premium: int256) -> uint256:
    """
    @notice What a unit costs a buyer, or brings a seller, with the premium of the whole, at least 0; rounded against
            the trader.
    """
    rate: int256 = fixed_point.mul_div_ceil(premium, WAD, fixed_point.magnitude(delta))
    if delta < 0:
        rate = -rate
    return convert(max(convert(booked, int256) + rate, 0), uint256)


@internal
@pure
def apply_fill(size: int256, cost: int256, delta: int256, fill: uint256) -> (int256, int256, int256):
    """
    @notice (size, cost, realised PnL in USD) after trading `delta` at `fill`. A reduction releases cost pro rata; what
            goes beyond zero opens anew at the same fill.
    """
    if size == 0 or (size > 0) == (delta > 0):
        return size + delta, cost + fixed_point.mul_div_ceil(delta, fill, WAD), 0

    closing: int256 = delta
    released: int256 = cost
    if fixed_point.magnitude(delta) < fixed_point.magnitude(size):
        released = fixed_point.mul_div_ceil(
            cost, fixed_point.magnitude(delta), fixed_point.magnitude(size)
        )
    else:
        closing = -size
    realised: int256 = -fixed_point.mul_div_ceil(closing, fill, WAD) - released
    opened: int256 = fixed_point.mul_div_ceil(delta - closing, fill, WAD)
    return size + delta, cost - released + opened, realised


@internal
@pure
def notional(size: uint256, price: uint256) -> uint256:
    """
    @notice |s| price, USD, rounded up.
    """
    return fixed_point.mul_div_up(size, price, WAD)


@internal
@pure
def usdc_unit_equity(usdc_price: uint256, haircut: uint256) -> uint256:
    """
    @notice Equity of one positive USDC: P_u (1 - h_0), USD WAD.
    """
    return fixed_point.mul_div_down(usdc_price, WAD - haircut, WAD)


@internal
@pure
def usdc_equity(balance: int256, usdc_price: uint256, haircut: uint256) -> int256:
    """
    @notice USD equity of a USDC balance: haircut when positive, at the full price when owed.
    """
    if balance < 0:
        return fixed_point.mul_div_floor(balance, usdc_price, WAD)
    return fixed_point.mul_div_floor(balance, self.usdc_unit_equity(usdc_price, haircut), WAD)


@internal
@pure
def usdc_balance_for(equity: int256, usdc_price: uint256, haircut: uint256) -> int256:
    """
    @notice Least USDC balance worth at least `equity` USD: the inverse of `usdc_equity`.
    """
    if equity < 0:
        return fixed_point.mul_div_ceil(equity, WAD, usdc_price)
    return fixed_point.mul_div_ceil(equity, WAD, self.usdc_unit_equity(usdc_price, haircut))


@internal
@pure
def gross_reduction(shortfall: uint256, initial_rate: uint256, loss_rate: uint256) -> uint256:
    """
    @notice USD to close that restores the gross rule, rounded up: each closed frees `initial_rate` of requirement
            and costs `loss_rate` of equity. The largest number when it cannot be restored so.
    @param shortfall mu phi G - E, USD WAD.
    @param initial_rate mu phi mmr, fraction WAD.
    @param loss_rate u (half spread charged + premium rate + penalty), USD equity lost per USD closed, WAD.
    """
    if initial_rate <= loss_rate:
        return max_value(uint256)
    return fixed_point.mul_div_up(shortfall, WAD, initial_rate - loss_rate)
