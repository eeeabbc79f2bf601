"""Uniswap v3's price of a tick and amounts of a liquidity, on Python's integers.

From the whitepaper's definitions with the rounding of TickMath and LiquidityAmounts
(@uniswap/v3-core 1.0.1, v3-periphery 1.4.4). tests/properties/test_uniswap_reference.py holds the
contracts against Uniswap's bytecode; this twin is held against the contracts.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

Q96 = 2**96

# 1.0001 ** (-2**i / 2) as Q128.128 for i = 0 ... 19, the constants of TickMath.getSqrtRatioAtTick.
_FACTORS = (
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


@cache
def sqrt_ratio_at_tick(tick: int) -> int:
    """sqrt(1.0001**tick) as Q64.96, rounded up."""
    ratio = 1 << 128
    for i, factor in enumerate(_FACTORS):
        if abs(tick) >> i & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = (2**256 - 1) // ratio
    return -(-ratio >> 32)


def sqrt_price_of(base_price: int, usdc_price: int, base_decimals: int) -> int:
    """The oracle's sqrt price Q64.96 (SPEC §4.2) of prices USD WAD; USDC has 6 decimals."""
    root = isqrt(base_price * 10**36 // usdc_price)
    return root * Q96 // 10**18 // 10 ** ((base_decimals - 6) // 2)


def amounts_down(sqrt_price: int, lower: int, upper: int, liquidity: int) -> tuple[int, int]:
    """Raw (x, y) of a position at a price, each rounded down; ``lower``, ``upper`` are ticks."""
    a, b = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    at = max(a, min(sqrt_price, b))
    return (liquidity << 96) * (b - at) // b // at, liquidity * (at - a) // Q96
