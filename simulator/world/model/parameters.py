"""The protocol's numbers as kernels read them: NamedTuples of floats and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.model.tick import sqrt_ratio_at_tick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.protocol import PoolParameters, Protocol


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
    """ClearingHouse parameters (contracts/SPEC.md §3.1); collateral caps in raw units.

    Rows are those of the covariance factor.
    """

    asset: NDArray[np.int64]  # [M]
    skew_scale: Floats  # [M] at depth factor 1
    half_spread: Floats  # [M] as charged
    taker_fee: Floats  # [M]
    max_funding_velocity: Floats  # [M]
    max_skew: Floats  # [M]
    maintenance_rate: Floats  # [M]
    max_open_interest: Floats  # [M]
    insurance_cap: Floats  # [M] USDC
    maker_loss_cap: Floats  # [M] USDC
    market_row: NDArray[np.int64]  # [M]
    collateral_row: NDArray[np.int64]  # [C]
    collateral_asset: NDArray[np.int64]  # [C]
    haircut: Floats  # [C]
    cap: Floats  # [C]
    unit: Floats  # [C] raw units per whole token
    initial_multiple: float
    liquidation_penalty: float
    liquidator_share: float
    profit_cap: float
    gross_floor: float
    risk_multiple: float  # 0: the gross rule
    withdrawal_gate: float  # seconds
    pledged: bool  # whether the vault's position backs account 0
    lp_haircut: float
    lp_cap: float  # raw USDC
    base_collateral: int  # the pool's base asset among the collaterals; -1: not listed
    base_row: int  # its row; -1: none
    base_unit: float  # raw units per whole base token
    usdc_unit: float


# The vault's account on Aave, among indices of the ClearingHouse's accounts.
AAVE = -1


class VaultTable(NamedTuple):
    """HedgeVault parameters (contracts/SPEC.md §4.1); token amounts in raw units.

    A = margin accounts the vault uses: indices of the ClearingHouse's, :data:`AAVE` last.
    """

    accounts: NDArray[np.int64]  # [A]
    account_of: NDArray[np.int64]  # [M] where each hedge is held

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


class AaveTable(NamedTuple):
    """Aave v3 as a hedge venue (contracts/SPEC.md §4.8). R reserves, USDC first; L legs.

    Each leg's pool is a :class:`PoolTable` with one background range, field by field.
    """

    leg_of: NDArray[np.int64]  # [M] leg that hedges instead of a market; -1: none
    asset: NDArray[np.int64]  # [R]
    unit: Floats  # [R] raw units per whole token
    optimal_usage: Floats  # [R]
    base_rate: Floats  # [R] per year
    slope1: Floats  # [R]
    slope2: Floats  # [R]
    factor: Floats  # [R]
    ltv: float
    threshold: float
    bonus: float
    fee_ppm: Floats  # [L]
    tick_spacing: Floats  # [L]
    ticks: Floats  # [L, 2]
    sqrt_prices: Floats  # [L, 2]
    lower: NDArray[np.int64]  # [L, 1]
    upper: NDArray[np.int64]  # [L, 1]
    liquidity: Floats  # [L, 1]


class Tables(NamedTuple):
    """All parameters."""

    pool: PoolTable
    clearing: ClearingTable
    vault: VaultTable
    aave: AaveTable


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


def clearing_table(protocol: Protocol) -> ClearingTable:
    """Constants of the ClearingHouse."""
    parameters = protocol.clearing
    markets, collaterals = parameters.markets, parameters.collaterals
    decimals = [asset.decimals for asset in protocol.assets]
    unit = np.array([10.0 ** decimals[c.asset] for c in collaterals], np.float64)
    row = {asset: index for index, asset in enumerate(protocol.risk_assets)}
    listed = [c.asset for c in collaterals]
    return ClearingTable(
        asset=np.array([m.asset for m in markets], np.int64),
        skew_scale=np.array([m.skew_scale for m in markets], np.float64),
        half_spread=np.array([protocol.half_spread(m) for m in range(len(markets))], np.float64),
        taker_fee=np.array([m.taker_fee for m in markets], np.float64),
        max_funding_velocity=np.array([m.max_funding_velocity for m in markets], np.float64),
        max_skew=np.array([m.max_skew for m in markets], np.float64),
        maintenance_rate=np.array([m.maintenance_rate for m in markets], np.float64),
        max_open_interest=np.array([m.max_open_interest for m in markets], np.float64),
        insurance_cap=np.array([m.insurance_cap for m in markets], np.float64),
        maker_loss_cap=np.array([m.maker_loss_cap for m in markets], np.float64),
        market_row=np.array([row[m.asset] for m in markets], np.int64),
        collateral_row=np.array([row[c.asset] for c in collaterals], np.int64),
        collateral_asset=np.array([c.asset for c in collaterals], np.int64),
        haircut=np.array([c.haircut for c in collaterals], np.float64),
        cap=np.floor(np.array([c.cap for c in collaterals], np.float64) * unit),
        unit=unit,
        initial_multiple=float(parameters.initial_multiple),
        liquidation_penalty=float(parameters.liquidation_penalty),
        liquidator_share=float(parameters.liquidator_share),
        profit_cap=float(parameters.profit_cap),
        gross_floor=float(parameters.gross_floor),
        risk_multiple=float(parameters.risk_multiple),
        withdrawal_gate=float(parameters.withdrawal_gate),
        pledged=bool(protocol.vault.pledged),
        lp_haircut=float(parameters.lp_haircut),
        lp_cap=float(parameters.lp_cap),
        base_collateral=listed.index(1) if 1 in listed else -1,
        base_row=row.get(1, -1),
        base_unit=10.0 ** decimals[1],
        usdc_unit=10.0**USDC_DECIMALS,
    )


def _margin_accounts(protocol: Protocol) -> tuple[list[int], list[int]]:
    """(the vault's accounts, the account of each hedge), contracts/SPEC.md §4.7."""
    vault, aave = protocol.vault, protocol.aave
    lent = {leg.market for leg in aave.legs} if aave is not None else set()
    account_of = [
        AAVE if market in lent else market + 1 if vault.isolated else 0
        for market in range(protocol.markets)
    ]
    accounts = sorted({account for account in account_of if account != AAVE})
    if vault.pledged or not protocol.markets:
        accounts = sorted({0, *accounts})
    return [*accounts, *([AAVE] if lent else [])], account_of


def vault_table(protocol: Protocol) -> VaultTable:
    """Constants of the HedgeVault."""
    vault = protocol.vault
    usdc_unit = 10.0**USDC_DECIMALS
    accounts, account_of = _margin_accounts(protocol)
    return VaultTable(
        accounts=np.array(accounts, np.int64),
        account_of=np.array(account_of, np.int64),
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


def aave_table(protocol: Protocol) -> AaveTable:
    """Constants of Aave and of its legs' pools; without Aave, arrays without elements."""
    aave = protocol.aave
    legs = aave.legs if aave is not None else ()
    reserves = (aave.usdc, *(leg.reserve for leg in legs)) if aave is not None else ()
    pools = [pool_table(leg.pool) for leg in legs]
    leg_of = np.full(protocol.markets, -1)
    for index, leg in enumerate(legs):
        leg_of[leg.market] = index

    def stack(name: str, width: int) -> Floats:
        rows = [getattr(pool, name) for pool in pools]
        return np.array(rows, np.float64).reshape(len(rows), width)

    def column(name: str) -> Floats:
        return np.array([getattr(reserve, name) for reserve in reserves], np.float64)

    return AaveTable(
        leg_of=leg_of.astype(np.int64),
        asset=np.array([reserve.asset for reserve in reserves], np.int64),
        unit=np.array([10.0 ** protocol.assets[r.asset].decimals for r in reserves], np.float64),
        optimal_usage=column("optimal_usage"),
        base_rate=column("base_rate"),
        slope1=column("slope1"),
        slope2=column("slope2"),
        factor=column("factor"),
        ltv=float(aave.ltv) if aave is not None else 0.0,
        threshold=float(aave.liquidation_threshold) if aave is not None else 0.0,
        bonus=float(aave.liquidation_bonus) if aave is not None else 0.0,
        fee_ppm=stack("fee_ppm", 1)[:, 0].copy(),
        tick_spacing=stack("tick_spacing", 1)[:, 0].copy(),
        ticks=stack("ticks", 2),
        sqrt_prices=stack("sqrt_prices", 2),
        lower=stack("lower", 1).astype(np.int64),
        upper=stack("upper", 1).astype(np.int64),
        liquidity=stack("liquidity", 1),
    )


def tables_of(protocol: Protocol) -> Tables:
    """Every parameter of a protocol, as kernels read it."""
    return Tables(
        pool_table(protocol.pool),
        clearing_table(protocol),
        vault_table(protocol),
        aave_table(protocol),
    )
