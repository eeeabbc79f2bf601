"""The protocol's numbers as the contracts take them: integers, structs by component name."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulator.protocol.terms import Scale, terms_of
from simulator.types import USDC_DECIMALS
from simulator.world.units import scaled_liquidity, to_raw

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

WAD_DECIMALS = 18
WAD = 10**WAD_DECIMALS


def wad(fraction: float) -> int:
    """A parameter as WAD, from its decimal digits: 0.05 becomes 5·10¹⁶ to the last unit.

    So sums that must be at most one are, which 0.05 · 10¹⁸ in float64 does not promise.
    """
    return scaled(fraction, WAD_DECIMALS)


def scaled(number: float, decimals: int) -> int:
    """A number with ``decimals`` digits behind the point as an integer, from its digits."""
    return int(Decimal(repr(float(number))).scaleb(decimals))


def struct(values: Any, name: str, token_decimals: int = 0) -> dict[str, int]:
    """Components of a contract's struct among the declared terms of ``values``, by name.

    ``token_decimals``: those of the token that amounts of it are counted in.
    """
    return {
        term.component or field: _stored(getattr(values, field), term.scale, token_decimals)
        for field, term in terms_of(type(values)).items()
        if term.struct == name
    }


def _stored(value: float, scale: Scale, token_decimals: int) -> int:
    match scale:
        case Scale.WAD:
            return wad(value)
        case Scale.USDC:
            return int(to_raw(value, USDC_DECIMALS))
        case Scale.TOKEN:
            return scaled(value, token_decimals)
        case Scale.INTEGER:
            return int(value)
        case Scale.RAY:
            return round(value * WAD) * 10**9
        case _:
            raise ValueError(f"no struct stores {scale.value}")


def background_targets(protocol: Protocol, depth: float) -> list[tuple[int, int, int]]:
    """(lower tick, upper tick, L) of the background at a pool depth; equal ranges added up."""
    held: Counter[tuple[int, int]] = Counter()
    for band in protocol.pool.background:
        held[band.tick_lower, band.tick_upper] += int(scaled_liquidity(band.liquidity, depth))
    return [(lower, upper, liquidity) for (lower, upper), liquidity in held.items()]
