"""The protocol's numbers as kernels read them: NamedTuples of floats and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.model.tick import sqrt_ratio_at_tick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.protocol import ClearingParameters, PoolParameters, Protocol


class PoolTable(NamedTuple):
    """A pool's constants. S initialised background ticks, ascending; B background ranges."""

    fee_ppm: float
    tick_spacing: float
    ticks: Floats  # [S]
    sqrt_prices: Floats  # [S] as TickMath rounds them
    lower: NDArray[np.int64]  # [B] index into ticks
    upper: NDArray[np.int64]  # [B] index into ticks
    liquidity: Floats  # [B] raw L at depth factor 1


class ClearingTable(NamedTuple):
    """ClearingHouse parameters (contracts/SPEC.md §3.1); collateral caps in raw units."""

    asset: NDArray[np.int64]  # [M]
    skew_scale: Floats  # [M] at depth factor 1
    half_spread: Floats  # [M]
    taker_fee: Floats  # [M]
    max_funding_velocity: Floats  # [M]
    max_skew: Floats  # [M]
    maintenance_rate: Floats  # [M]
    collateral_asset: NDArray[np.int64]  # [C]
    haircut: Floats  # [C]
    cap: Floats  # [C]
    unit: Floats  # [C] raw units per whole token
    initial_multiple: float
    liquidation_penalty: float
    liquidator_share: float
    profit_cap: float


class VaultTable(NamedTuple):
    """HedgeVault parameters (contracts/SPEC.md §4.1); token amounts in raw units."""

    range_half_width: float
    recenter_threshold: float
    lp_allocation: float
    margin_allocation: float
    hedge_band: float
    max_slippage: float
    margin_target: float
    top_up_ratio: float
    deleverage_ratio: float
    keeper_reward: float
    keeper_share: float
    entry_fee: float
    exit_fee: float
    management_fee: float
    performance_fee: float
    deposit_cap: float
    beta_max: float
    beta_max_change: float
    beta_interval: float
    isolated: bool
    pledged: bool
    base_unit: float  # raw units per whole base token
    usdc_unit: float


class Tables(NamedTuple):
    """All parameters."""

    pool: PoolTable
    clearing: ClearingTable
    vault: VaultTable


def pool_table(parameters: PoolParameters) -> PoolTable:
    """Constants of a pool; every end of a background range is an initialised tick."""
    ends = {end for r in parameters.background for end in (r.tick_lower, r.tick_upper)}
    ticks = sorted(ends)
    place = {tick: index for index, tick in enumerate(ticks)}
    return PoolTable(
        fee_ppm=float(parameters.fee_ppm),
        tick_spacing=float(parameters.tick_spacing),
        ticks=np.array(ticks, np.float64),
        sqrt_prices=np.array([sqrt_ratio_at_tick(tick) / 2**96 for tick in ticks], np.float64),
        lower=np.array([place[r.tick_lower] for r in parameters.background], np.int64),
        upper=np.array([place[r.tick_upper] for r in parameters.background], np.int64),
        liquidity=np.array([float(r.liquidity) for r in parameters.background], np.float64),
    )


def clearing_table(parameters: ClearingParameters, decimals: tuple[int, ...]) -> ClearingTable:
    """Constants of the ClearingHouse; ``decimals`` of every asset of the protocol."""
    markets, collaterals = parameters.markets, parameters.collaterals
    unit = np.array([10.0 ** decimals[c.asset] for c in collaterals], np.float64)
    return ClearingTable(
        asset=np.array([m.asset for m in markets], np.int64),
        skew_scale=np.array([m.skew_scale for m in markets], np.float64),
        half_spread=np.array([m.half_spread for m in markets], np.float64),
        taker_fee=np.array([m.taker_fee for m in markets], np.float64),
        max_funding_velocity=np.array([m.max_funding_velocity for m in markets], np.float64),
        max_skew=np.array([m.max_skew for m in markets], np.float64),
        maintenance_rate=np.array([m.maintenance_rate for m in markets], np.float64),
        collateral_asset=np.array([c.asset for c in collaterals], np.int64),
        haircut=np.array([c.haircut for c in collaterals], np.float64),
        cap=np.floor(np.array([c.cap for c in collaterals], np.float64) * unit),
        unit=unit,
        initial_multiple=float(parameters.initial_multiple),
        liquidation_penalty=float(parameters.liquidation_penalty),
        liquidator_share=float(parameters.liquidator_share),
        profit_cap=float(parameters.profit_cap),
    )


def vault_table(protocol: Protocol) -> VaultTable:
    """Constants of the HedgeVault."""
    vault = protocol.vault
    usdc_unit = 10.0**USDC_DECIMALS
    return VaultTable(
        range_half_width=float(vault.range_half_width),
        recenter_threshold=float(vault.recenter_threshold),
        lp_allocation=float(vault.lp_allocation),
        margin_allocation=float(vault.margin_allocation),
        hedge_band=float(vault.hedge_band),
        max_slippage=float(vault.max_slippage),
        margin_target=float(vault.margin_target),
        top_up_ratio=float(vault.top_up_ratio),
        deleverage_ratio=float(vault.deleverage_ratio),
        keeper_reward=float(np.floor(vault.keeper_reward * usdc_unit)),
        keeper_share=float(vault.keeper_share),
        entry_fee=float(vault.entry_fee),
        exit_fee=float(vault.exit_fee),
        management_fee=float(vault.management_fee),
        performance_fee=float(vault.performance_fee),
        deposit_cap=float(np.floor(vault.deposit_cap * usdc_unit)),
        beta_max=float(vault.beta_max),
        beta_max_change=float(vault.beta_max_change),
        beta_interval=float(vault.beta_interval),
        isolated=bool(vault.isolated),
        pledged=bool(vault.pledged),
        base_unit=10.0 ** protocol.assets[1].decimals,
        usdc_unit=usdc_unit,
    )


def tables_of(protocol: Protocol) -> Tables:
    """Every parameter of a protocol, as kernels read it."""
    decimals = tuple(asset.decimals for asset in protocol.assets)
    return Tables(
        pool_table(protocol.pool),
        clearing_table(protocol.clearing, decimals),
        vault_table(protocol),
    )
