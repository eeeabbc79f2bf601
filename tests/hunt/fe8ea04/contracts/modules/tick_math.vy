# pragma version 0.4.3
"""
@title  Tick mathematics of Uniswap v3
@license MIT
@notice sqrt(1.0001**tick) as Q64.96 and its inverse, equal to the bit to TickMath of @uniswap/v3-core 1.0.1.
"""


MIN_TICK: public(constant(int24)) = -887272
MAX_TICK: public(constant(int24)) = 887272
MIN_SQRT_RATIO: public(constant(uint256)) = 4295128739
MAX_SQRT_RATIO: public(constant(uint256)) = 1461446703485210103287273052203988822378723970342

# 1.0001**(-2**i / 2) as Q128.128 for i = 0 ... 19, 16 bytes each, and 16 bytes so that 32 can be read anywhere.
FACTORS: constant(Bytes[336]) = x"fffcb933bd6fad37aa2d162d1a594001fff97272373d413259a46990580e213afff2e50f5f656932ef12357cf3c7fdccffe5caca7e10e4e61c3624eaa0941cd0ffcb9843d60f6159c9db58835c926644ff973b41fa98c081472e6896dfb254c0ff2ea16466c96a3843ec78b326b52861fe5dee046a99a2a811c461f1969c3053fcbe86c7900a88aedcffc83b479aa3a4f987a7253ac413176f2b074cf7815e54f3392b0822b70005940c7a398e4b70f3e7159475a2c29b7443b29c7fa6e889d9d097f3bdfd2022b8845ad8f792aa5825a9f746462d870fdf8a65dc1f90e061e570d869a156d2a1b890bb3df62baf32f731be135f97d08fd981231505542fcfa609aa508b5b7a84e1c677de54f3e99bc9005d6af8dedb81196699c329225ee60400002216e584f5fa1ea926041bedfe9800000000048a170391f7dc42444e8fa200000000000000000000000000000000"


@internal
@pure
def sqrt_ratio_at_tick(tick: int24) -> uint256:
    """
    @notice sqrt(1.0001**tick) * 2**96, rounded up.
    @dev Product of the factors of the set bits of |tick|, inverted for a positive tick. Every factor is below
         2**128, so no product overflows. A table in the code is a third of the size of twenty branches.
    """
    bits: uint256 = convert(abs(convert(tick, int256)), uint256)
    assert bits <= convert(MAX_TICK, uint256), "math: tick out of range"
    factors: Bytes[336] = FACTORS
    ratio: uint256 = 2**128
    for i: uint256 in range(20):
        if (bits >> i) & 1 != 0:
            factor: uint256 = extract32(factors, unsafe_mul(16, i), output_type=uint256) >> 128
            ratio = unsafe_mul(ratio, factor) >> 128
    if tick > 0:
        ratio = unsafe_div(max_value(uint256), ratio)

    # Rounded up, so that `tick_at_sqrt_ratio` of the result is the tick again.
    return unsafe_add(ratio, 2**32 - 1) >> 32


@internal
@pure
def tick_at_sqrt_ratio(sqrt_ratio: uint256) -> int24:
    """
    @notice Greatest tick whose sqrt ratio is <= `sqrt_ratio` (Q64.96).
    @dev Bisection: a quarter of the code of TickMath's logarithm, and by definition its answer.
    """
    assert MIN_SQRT_RATIO <= sqrt_ratio and sqrt_ratio < MAX_SQRT_RATIO, "math: price out of range"
    low: int24 = MIN_TICK
    step: int24 = 2**20
    for _: uint256 in range(21):
        candidate: int24 = unsafe_add(low, step)
        if candidate < MAX_TICK and self.sqrt_ratio_at_tick(candidate) <= sqrt_ratio:
            low = candidate
        step = unsafe_div(step, 2)
    return low
