# pragma version 0.4.3
"""
@title  Skew premium
@license MIT
@notice What moving the skew costs, and what moving it back earns: contracts/SPEC.md §3.3.
@dev    k skew, K skew scale, B the bound beyond which the premium rate no longer rises; all base units WAD. Squares
        are WAD^2. A sale is a purchase seen in the mirror: k, its change and the opening skew negated.
        U, `unpaid`: the part of the potential whose premium liquidations had nothing left to pay for. Of a potential that
        has become smaller than U (B follows terms of the venue) all is unpaid, and no more.
"""

from contracts.modules import fixed_point


WAD: constant(uint256) = fixed_point.WAD


@internal
@pure
def clamp(skew: int256, bound: int256) -> int256:
    """
    @notice The skew, at most `bound` either way.
    """
    return max(-bound, min(skew, bound))


@internal
@pure
def potential(skew: int256, bound: uint256) -> uint256:
    """
    @notice Twice the integral of the clamped skew from 0: k^2, beyond B a straight line.
    """
    size: uint256 = fixed_point.magnitude(skew)
    if size <= bound:
        return size * size
    return bound * (2 * size - bound)


@internal
@pure
def pool_claim(
    skew: int256, skew_scale: uint256, bound: uint256, index: uint256, unpaid: uint256
) -> uint256:
    """
    @notice USDC that closing the skew at this index would earn were it paid in full, rounded down.
    """
    whole: uint256 = self.potential(skew, bound)
    return fixed_point.mul_div_down(
        (whole - min(unpaid, whole)) // (2 * skew_scale), index, WAD
    )


@internal
@pure
def unpaid_after(
    skew: int256,
    delta: int256,
    skew_scale: uint256,
    bound: uint256,
    index: uint256,
    unpaid: uint256,
    missing: uint256,
) -> uint256:
    """
    @notice U once the skew has moved by `delta`, WAD^2: the way back to zero works it off first, and nothing of it is left
            at zero; of the way out the part is added for which `missing` USDC was not paid, rounded up.
    """
    before: uint256 = self.potential(skew, bound)
    home: uint256 = self.potential(self._homeward(skew, delta), bound)
    left: uint256 = min(unpaid, before)
    left -= min(left, before - home)
    if missing != 0:
        lacking: uint256 = fixed_point.mul_div_up(missing, WAD, index) * 2 * skew_scale
        left += min(lacking, self.potential(skew + delta, bound) - home)
    return left


@internal
@pure
def premium(
    skew: int256,
    delta: int256,
    opening: int256,
    skew_scale: uint256,
    bound: uint256,
    index: uint256,
    pool: uint256,
    unpaid: uint256,
) -> int256:
    """
    @notice USDC WAD that a trade of `delta` pays into the premium pool; negative: is paid out of it. Rounded against
            the trader.
    @param opening The skew at which the block opened: nobody buys below, nor sells above, what it made the price.
    @param pool What the pool holds: a way back to zero earns no more than its part of it.
    @param unpaid U: the first of the way back, which nobody has paid for, earns nothing.
    """
    start: int256 = skew
    end: int256 = skew + delta
    least: int256 = opening
    if delta < 0:
        start = -start
        end = -end
        least = -least
    paid: int256 = 0
    if start < 0:
        area: int256 = self._area(start, min(end, 0), least, bound)
        if area < 0:
            before: uint256 = self.potential(start, bound)
            released: uint256 = before - self.potential(min(end, 0), bound)
            owed: uint256 = min(unpaid, before)
            if released > owed:
                # No area is more than what it releases, so that this leaves Q / claims to the others.
                worth: uint256 = convert(-area, uint256)
                earned: uint256 = fixed_point.mul_div_down(
                    (worth - min(owed, worth)) // (2 * skew_scale), index, WAD
                )
                part: uint256 = fixed_point.mul_div_down(pool, released - owed, before - owed)
                paid = -convert(min(earned, part), int256)
        else:
            paid = self._cost(area, skew_scale, index)
    if end > 0:
        paid += self._cost(self._area(max(start, 0), end, least, bound), skew_scale, index)
    return paid


@internal
@pure
def _homeward(skew: int256, delta: int256) -> int256:
    """
    @notice Where the skew is when the way back to zero ends and any way out begins.
    """
    if skew > 0:
        return max(min(skew + delta, skew), 0)
    return min(max(skew + delta, skew), 0)


@internal
@pure
def _area(start: int256, end: int256, least: int256, bound: uint256) -> int256:
    """
    @notice Twice the integral over the skew from `start` up to `end` of the clamped skew, or of the clamped `least`
            where that is higher.
    """
    low: int256 = max(start, least)
    high: int256 = max(end, least)
    rate: int256 = self.clamp(least, convert(bound, int256))
    return (
        convert(self.potential(high, bound), int256)
        - convert(self.potential(low, bound), int256)
        + 2 * rate * ((end - start) - (high - low))
    )


@internal
@pure
def _cost(area: int256, skew_scale: uint256, index: uint256) -> int256:
    return fixed_point.mul_div_ceil(
        convert(fixed_point.div_up(convert(area, uint256), 2 * skew_scale), int256), index, WAD
    )
