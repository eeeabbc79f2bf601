"""Whole tokens ↔ raw integer units: the one conversion both worlds use at the agents' border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS, InputError
from simulator.world.protocol import FACTOR_SCALE

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.protocol import Protocol


def to_raw(whole: Floats | float, decimals: int) -> Floats:
    """Raw units of ``whole`` tokens, floored; float64 holding an integer.

    The product is taken in float64 (one rounding), so both worlds get the same integer: exact below
    2⁵³, and above it whatever integer the nearest float64 is.
    """
    return np.floor(np.asarray(whole, np.float64) * 10.0**decimals)


def from_raw(raw: Floats | float | int, decimals: int) -> Floats:
    """Whole tokens of ``raw`` units, float64."""
    return np.asarray(raw, np.float64) / 10.0**decimals


def maker_shares(protocol: Protocol) -> tuple[int, ...]:
    """Raw USDC of the maker's funds behind each market at deployment.

    By what its inventory limit is worth then, each floored; what is left goes to the last.
    """
    total = int(to_raw(protocol.clearing.maker_funds, USDC_DECIMALS))
    markets = protocol.clearing.markets
    worth = [m.max_skew * protocol.assets[m.asset].price for m in markets]
    whole = sum(worth)
    shares = [int(total * (part / whole)) if whole > 0.0 else 0 for part in worth[:-1]]
    return (*shares, total - sum(shares)) if markets else ()


def sqrt_price_from_price(price: Floats | float, decimals: int) -> Floats:
    """Pool √P = √(raw USDC / raw base) of a price in USDC per whole base token of ``decimals``."""
    return np.sqrt(np.asarray(price, np.float64) * 10.0 ** (USDC_DECIMALS - decimals))


def scaled_liquidity(liquidity: int, depth: Floats | float) -> Floats:
    """Liquidity of a background range at pool depth factor ``depth``: floored, raw units of L."""
    return np.floor(float(liquidity) * np.asarray(depth, np.float64))


SNAP = 1e-12


def snap(amount: Floats | float, whole: Floats | float) -> Floats:
    """``amount``, or ``whole`` where the two differ by at most :data:`SNAP` of it.

    An agent that asks for all it has (redeem every share, sell the whole balance, close a position)
    read that number as float64, a few 1e-17 off. Both worlds take it to mean exactly all: neither
    refuses for one unit too many, neither keeps dust.
    """
    amount, whole = np.asarray(amount, np.float64), np.asarray(whole, np.float64)
    return np.where(np.abs(amount - whole) <= SNAP * np.abs(whole), whole, amount)


def raw_or_all(amount: Floats, held: Floats, decimals: int) -> Floats:
    """Raw units of ``amount`` whole tokens, or exactly ``held`` raw where it means all of it."""
    everything = from_raw(held, decimals)
    return np.where(snap(amount, everything) == everything, held, to_raw(amount, decimals))


def factor_words(factor: Floats) -> Floats:
    """Entries of a covariance factor as the ClearingHouse stores them: integers scaled 1e8.

    Raises :class:`InputError` where a volatility is not finite or above the contract's bound.
    """
    words = np.rint(np.asarray(factor, np.float64) * FACTOR_SCALE)
    volatility = np.sqrt(np.sum(words * words, axis=1))
    if not (volatility <= FACTOR_SCALE).all():
        raise InputError(
            f"PostCovariance.factor: largest volatility {np.max(volatility) / FACTOR_SCALE:g} "
            "a day; allowed: finite, at most 1"
        )
    return words
