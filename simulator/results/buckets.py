"""The terms of the attribution: their order, what people call them, which belong together.

The one home of these names: summary, frames, charts, story and terminal take them from here. How
each is computed: :mod:`~simulator.results.attribution`.
"""

from __future__ import annotations

#: Term → title, in the order they are shown.
TITLES = {
    "lp_delta": "LP delta (price)",
    "lp_convexity": "LP convexity (gamma)",
    "lp_fees": "LP fees",
    "hedge_target": "Hedge on target",
    "hedge_drift": "Hedge off target",
    "funding": "Funding",
    "perp_fees": "Perp fees",
    "perp_spread": "Perp spread",
    "perp_premium": "Perp price impact",
    "pool_fees": "Pool fees paid",
    "pool_impact": "Pool price impact",
    "collateral_revaluation": "USDC and collateral",
    "loss_sharing": "ADL and socialised loss",
    "liquidation_penalty": "Liquidation penalty",
    "written_off": "Debt written off",
    "rewards": "Keeper rewards",
}
BUCKETS = tuple(TITLES)

LP_LEG = ("lp_delta", "lp_convexity", "lp_fees")
HEDGE_LEG = ("hedge_target", "hedge_drift", "funding")

#: Price moves of the LP asset and of its hedge on target: what does not cancel is the basis.
BASIS = ("lp_delta", "hedge_target")
TRADING_COST = ("perp_fees", "perp_spread", "perp_premium", "pool_fees", "pool_impact")

#: Sums of terms that are per-path metrics beside them.
SUMS = {
    "pnl": BUCKETS,
    "basis_pnl": BASIS,
    "hedge_price": ("hedge_target", "hedge_drift"),
    "trading_cost": TRADING_COST,
    "price_impact": ("perp_premium", "pool_impact"),
}
