"""Uniswap v3 tick and liquidity mathematics, in real numbers.

Source: Uniswap v3 whitepaper §6 and the libraries TickMath, SqrtPriceMath (v3-core) and
LiquidityAmounts (v3-periphery). √P is sqrt(raw token1 / raw token0); amounts and L are raw units;
nothing here rounds to integers: who calls knows the direction. Functions are compiled; their plain
twins are at ``.py_func``.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

from simulator.model.kernel.jit import kernel

MIN_TICK = -887_272
MAX_TICK = 887_272
_MIN_SQRT_RATIO = 4_295_128_739
_MAX_SQRT_RATIO = 1461446703485210103287273052203988822378723970342
# Where SwapRouter puts the limit of a swap without one: MIN_SQRT_RATIO + 1, MAX_SQRT_RATIO - 1.
MIN_SQRT_PRICE = (_MIN_SQRT_RATIO + 1) / 2**96
MAX_SQRT_PRICE = (_MAX_SQRT_RATIO - 1) / 2**96

# TickMath.getSqrtRatioAtTick: 2^128 / sqrt(1.0001^(2^k)).
_RATIOS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


def sqrt_ratio_at_tick(tick: int) -> int:
    """√1.0001^tick in Q64.96, the integer TickMath.getSqrtRatioAtTick returns."""
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ValueError(f"tick {tick} outside [{MIN_TICK}, {MAX_TICK}]")
    ratio = 1 << 128
    for bit, factor in enumerate(_RATIOS):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = (2**256 - 1) // ratio
    return (ratio >> 32) + (ratio % (1 << 32) != 0)


def _split_half_log() -> tuple[float, float]:
    """½·ln 1.0001 as a 31-bit float, whose product with any tick is exact, and the rest."""
    with localcontext() as context:
        context.prec = 50
        half_log = Decimal("1.0001").ln() / 2
        mantissa, exponent = math.frexp(float(half_log))
        high = math.ldexp(math.floor(math.ldexp(mantissa, 31)), exponent - 31)
        return high, float(half_log - Decimal(high))


_HALF_LOG_HIGH, _HALF_LOG_LOW = _split_half_log()
_TICKS_PER_LOG = 1.0 / (_HALF_LOG_HIGH + _HALF_LOG_LOW)


@kernel
def sqrt_price_at_tick(tick: float) -> float:
    """√1.0001^tick to the last unit or two of float64 (1.0001**(tick/2) loses five digits)."""
    power = math.exp(tick * _HALF_LOG_HIGH)
    rest = tick * _HALF_LOG_LOW
    return power + power * (rest + 0.5 * rest * rest)


@kernel
def tick_at_sqrt_price(sqrt_price: float) -> float:
    """Greatest tick whose √P is at most ``sqrt_price`` (TickMath.getTickAtSqrtRatio)."""
    exact = math.log(sqrt_price) * _TICKS_PER_LOG
    tick = float(math.floor(exact))
    fraction = exact - tick
    if fraction < 1e-6:
        if sqrt_price_at_tick(tick) > sqrt_price:
            tick -= 1.0
    elif fraction > 1.0 - 1e-6 and sqrt_price_at_tick(tick + 1.0) <= sqrt_price:
        tick += 1.0
    return tick


@kernel
def amount0_delta(sqrt_lower: float, sqrt_upper: float, liquidity: float) -> float:
    """Token0 between two √P: L·(1/√P_a − 1/√P_b) (whitepaper eq. 6.16)."""
    return liquidity * (sqrt_upper - sqrt_lower) / (sqrt_lower * sqrt_upper)


@kernel
def amount1_delta(sqrt_lower: float, sqrt_upper: float, liquidity: float) -> float:
    """Token1 between two √P: L·(√P_b − √P_a) (whitepaper eq. 6.14)."""
    return liquidity * (sqrt_upper - sqrt_lower)


@kernel
def amounts_for_liquidity(
    sqrt_price: float, sqrt_lower: float, sqrt_upper: float, liquidity: float
) -> tuple[float, float]:
    """(token0, token1) of a position (LiquidityAmounts.getAmountsForLiquidity), not rounded."""
    if sqrt_price <= sqrt_lower:
        return amount0_delta(sqrt_lower, sqrt_upper, liquidity), 0.0
    if sqrt_price < sqrt_upper:
        return (
            amount0_delta(sqrt_price, sqrt_upper, liquidity),
            amount1_delta(sqrt_lower, sqrt_price, liquidity),
        )
    return 0.0, amount1_delta(sqrt_lower, sqrt_upper, liquidity)


@kernel
def liquidity_for_amounts(
    sqrt_price: float, sqrt_lower: float, sqrt_upper: float, amount0: float, amount1: float
) -> float:
    """Largest L two amounts buy (LiquidityAmounts.getLiquidityForAmounts), not rounded."""
    if sqrt_price <= sqrt_lower:
        return amount0 * sqrt_lower * sqrt_upper / (sqrt_upper - sqrt_lower)
    if sqrt_price < sqrt_upper:
        from0 = amount0 * sqrt_price * sqrt_upper / (sqrt_upper - sqrt_price)
        from1 = amount1 / (sqrt_price - sqrt_lower)
        return min(from0, from1)
    return amount1 / (sqrt_upper - sqrt_lower)


@kernel
def most_liquidity(spacing: float) -> float:
    """``maxLiquidityPerTick``: what 128 bits hold over all ticks that can be initialised."""
    return 2.0**128 / (2.0 * math.floor(MAX_TICK / spacing) + 1.0)


@kernel
def usable_range(lower: float, upper: float, spacing: float) -> tuple[float, float]:
    """The least range of initialisable ticks around two ticks, in either order; one spacing wide.

    Ticks of a range are multiples of the pool's spacing within ±:data:`MAX_TICK`.
    """
    last = math.floor(MAX_TICK / spacing) * spacing
    # Within reach of an integer before they are floored: compiled, one beyond wraps round.
    lower, upper = min(max(lower, -last), last), min(max(upper, -last), last)
    low = math.floor(min(lower, upper) / spacing) * spacing
    high = math.ceil(max(lower, upper) / spacing) * spacing
    low = min(max(low, -last), last - spacing)
    return low, min(max(high, low + spacing), last)
