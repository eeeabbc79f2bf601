"""One step of a swap: Uniswap v3's SwapMath, rounding amounts and fees to raw units as it does.

Amounts are computed from the amount that moves the price, not from the difference of two prices,
wherever the former is given: at 1e-16 relative the difference of neighbouring prices has no digits
left. ``np.floor``, not ``math.floor``: in compiled code the latter is an int64, too narrow for raw
amounts.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.pools.uniswap_v3.tick import amount0_delta, amount1_delta

_PPM = 1e6


@inner
def less_fee(amount: float, fee_ppm: float) -> float:
    """floor(amount·(10⁶ − fee)/10⁶), exact for integers below 2⁵³: the product is never formed."""
    millions = np.floor(amount / _PPM)
    kept = _PPM - fee_ppm
    return millions * kept + np.floor((amount - millions * _PPM) * kept / _PPM)


@inner
def fee_on(amount: float, fee_ppm: float) -> float:
    """ceil(amount·fee/(10⁶ − fee)): the fee that comes on top of an amount that was used."""
    kept = _PPM - fee_ppm
    times = np.floor(amount / kept)
    return times * fee_ppm + np.ceil((amount - times * kept) * fee_ppm / kept)


@inner
def step_down(
    sqrt_price: float,
    target: float,
    liquidity: float,
    remaining: float,
    exact_input: bool,
    fee_ppm: float,
) -> tuple[float, bool, float, float, float]:
    """SwapMath.computeSwapStep for token0 in: (next √P, reached, in, out, fee)."""
    full_in = np.ceil(amount0_delta(target, sqrt_price, liquidity))
    full_out = np.floor(amount1_delta(target, sqrt_price, liquidity))
    if exact_input:
        used = less_fee(remaining, fee_ppm)
        if used < full_in:
            following = sqrt_price * liquidity / (liquidity + used * sqrt_price)
            out = np.floor(used * sqrt_price * following)
            return max(following, target), False, used, out, remaining - used
    elif remaining < full_out:
        following = sqrt_price - remaining / liquidity
        used = np.ceil(remaining / (sqrt_price * following))
        return max(following, target), False, used, remaining, fee_on(used, fee_ppm)
    return target, True, full_in, full_out, fee_on(full_in, fee_ppm)


@inner
def step_up(
    sqrt_price: float,
    target: float,
    liquidity: float,
    remaining: float,
    exact_input: bool,
    fee_ppm: float,
) -> tuple[float, bool, float, float, float]:
    """SwapMath.computeSwapStep for token1 in: (next √P, reached, in, out, fee)."""
    full_in = np.ceil(amount1_delta(sqrt_price, target, liquidity))
    full_out = np.floor(amount0_delta(sqrt_price, target, liquidity))
    if exact_input:
        used = less_fee(remaining, fee_ppm)
        if used < full_in:
            following = sqrt_price + used / liquidity
            out = np.floor(used / (sqrt_price * following))
            return min(following, target), False, used, out, remaining - used
    elif remaining < full_out:
        following = sqrt_price * liquidity / (liquidity - remaining * sqrt_price)
        used = np.ceil(remaining * sqrt_price * following)
        return min(following, target), False, used, remaining, fee_on(used, fee_ppm)
    return target, True, full_in, full_out, fee_on(full_in, fee_ppm)
