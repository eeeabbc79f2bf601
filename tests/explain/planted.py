"""A vault without frictions, and causes planted in it one at a time."""

from __future__ import annotations

from simulator.config import Config, load


def perp(symbol: str) -> str:
    """The only market: a perp that takes anything at no cost."""
    return (
        f"clearing.markets={{{symbol}: {{skew_scale_usd: 1.0e+10, half_spread: 0.0, taker_fee: 0.0,"
        " max_skew_usd: 1.0e+8, maintenance_rate: 0.01, max_funding_velocity: 0.0}}"
    )


#: ETH liquidity hedged with ETH itself, on an oracle that follows every move, with a keeper who is
#: always paid: what it loses it loses to the pool.
CLEAN = (
    "paths=3",
    "horizon_hours=96",
    (
        "assets={USDC: {price: 1.0, volatility: 0.0, decimals: 6}, ETH: {price: 2000,"
        " volatility: 0.3}, BTC: {price: 30000, volatility: 0.3}}"
    ),
    "correlation={default: 0.0, pairs: {}}",
    "oracle={heartbeat_minutes: 60, deviation: 0.0, max_age_minutes: 150}",
    "gas={gwei: 0.01, native_asset: null, native_price: 2000, volatility: 0.0}",
    perp("ETH"),
    "clearing.insurance_funds=1.0e+7",
    "vault.hedge_band=0.0",
    "vault.deleverage_ratio=1.5",
    "vault.recenter_threshold=10",
    "flow={}",
    "agents.noise_trader=null",
    "agents.perp_arbitrageur=null",
    "agents.risk_manager={estimator: fixed}",
)
FALL = "shocks=[{kind: crash, assets: [ETH], size: -0.3, at_hours: 24, ramp_hours: 48}]"
GAP = "shocks=[{kind: crash, assets: [ETH], size: -0.25, at_hours: 24}]"
#: USDC comes back, and they were gone.
ALL_LEAVE_AT_THE_BOTTOM = (
    "shocks=[{kind: depeg, asset: USDC, anchors: [[24, 1.0], [26, 0.9], [40, 0.9], [60, 1.0]]},"
    " {kind: withdrawal_run, fraction: 1.0, at_hours: 30, duration_hours: 1}]"
)


def scenario(*planted: str) -> Config:
    """The clean vault with what is planted."""
    return load("calm", [*CLEAN, *planted])
