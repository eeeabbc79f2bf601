"""The protocol's numbers as the contracts take them: integers, tuples for structs."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.types import USDC_DECIMALS
from simulator.world.units import scaled_liquidity, to_raw

if TYPE_CHECKING:
    from simulator.world.protocol import (
        ClearingParameters,
        MarketParameters,
        Protocol,
        VaultParameters,
    )

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


def market_terms(market: MarketParameters, asset: str) -> tuple[str | int, ...]:
    """IClearingHouse.Market of a market on ``asset``, an address."""
    numbers = (
        market.skew_scale,
        market.half_spread,
        market.taker_fee,
        market.max_funding_velocity,
        market.max_skew,
        market.maintenance_rate,
        market.max_open_interest,
        market.insurance_cap,
        market.maker_loss_cap,
    )
    return asset, *map(wad, numbers)


def clearing_parameters(p: ClearingParameters) -> tuple[int, ...]:
    """IClearingHouse.Parameters."""
    return (
        wad(p.initial_multiple),
        wad(p.liquidation_penalty),
        wad(p.liquidator_share),
        wad(p.profit_cap),
        wad(p.gross_floor),
        wad(p.risk_multiple),
        p.withdrawal_gate,
    )


def vault_parameters(v: VaultParameters) -> tuple[int, ...]:
    """IHedgeVault.Parameters."""
    return (
        v.range_half_width,
        wad(v.recenter_threshold),
        wad(v.lp_allocation),
        wad(v.margin_allocation),
        wad(v.hedge_band),
        wad(v.max_slippage),
        wad(v.margin_target),
        wad(v.top_up_ratio),
        wad(v.deleverage_ratio),
        int(to_raw(v.keeper_reward, USDC_DECIMALS)),
        wad(v.keeper_share),
        wad(v.entry_fee),
        wad(v.exit_fee),
        wad(v.management_fee),
        wad(v.performance_fee),
        int(to_raw(v.deposit_cap, USDC_DECIMALS)),
        wad(v.beta_max),
        wad(v.beta_max_change),
        v.beta_interval,
    )


def background_targets(protocol: Protocol, depth: float) -> list[tuple[int, int, int]]:
    """(lower tick, upper tick, L) of the background at a pool depth; equal ranges added up."""
    held: Counter[tuple[int, int]] = Counter()
    for band in protocol.pool.background:
        held[band.tick_lower, band.tick_upper] += int(scaled_liquidity(band.liquidity, depth))
    return [(lower, upper, liquidity) for (lower, upper), liquidity in held.items()]
